import { describe, expect, it } from 'vitest';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { gvisorName } from '../../src/catalogue/gvisor-names.js';
import { ROWS } from '../../src/catalogue/index.js';
import { flagList } from '../../src/formats/flag-list.js';
import { readHost } from '../../src/formats/index.js';
import { lscpu } from '../../src/formats/lscpu.js';
import { describeHost } from '../../src/model/capabilities.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { dumpText, failureOf, readWith } from './dump-text.js';

const LSCPU = dumpText('haswell-guest-2-cpus.lscpu');
const FLAGS = /Flags:\s+(.*)/.exec(LSCPU)?.[1] ?? '';

/** Words at the end of each line. */
function folded(text: string, width: number): string {
  let line = '';
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    if (`${line} ${word}`.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return `${[...lines, line].join('\n')}\n`;
}

describe('a bare list of flags', () => {
  const whole = describeHost(readWith(lscpu, LSCPU));
  it.each([
    ['in one line', `${FLAGS}\n`],
    ['folded', `${folded(FLAGS, 96)}`],
    ['with blanks around it', `\n\n  ${FLAGS}  \n\n`],
  ])('%s is what lscpu told with it', async (_, text) => {
    const host = await readHost('x', Buffer.from(text));
    expect(host.format).toBe('flag-list');
    const seen = describeHost(host);
    for (const name of ['avx2', 'bmi2', 'fma', 'avx512f', 'hle', 'xsaveopt', 'aes'] as const)
      expect([name, seen.effective(name)]).toEqual([name, whole.effective(name)]);
    expect(seen.xsave.enabled).toEqual(whole.xsave.enabled);
    expect(host.remarks.join(' ')).toContain('taken for whole');
  });
  it('takes the release of the kernel, as other lists do', async () => {
    const at = async (text: string, kernel?: string) => {
      const seen = describeHost(await readHost('x', Buffer.from(text), { kernel }));
      return VISIBLE.map((name) => [name, seen.effective(name)]);
    };
    // A list alone doesn't say whose CPU it is, so that the design settles nothing.
    const anonymous = LSCPU.replace(
      /^(?:Vendor ID|CPU family|Model|Model name|Stepping):.*\n/gm,
      '',
    );
    for (const kernel of [undefined, '5.10', '6.8'])
      expect(await at(`${FLAGS}\n`, kernel)).toEqual(await at(anonymous, kernel));
    expect(await at(`${FLAGS}\n`, '6.8')).not.toEqual(await at(`${FLAGS}\n`));
  });
  it.each([
    ['cut inside a word', FLAGS.slice(0, -3)],
    ['cut with dots', `${FLAGS.slice(0, 80)} ...\n`],
    ['followed by something else', `${FLAGS}\n\nuname: Linux web-7\n`],
  ])('%s is refused', (_, text) => {
    expect(failureOf(flagList, text).place.file).toBe('dump.txt');
  });
  it.each([
    ['a text that begins with fpu', 'fpu is a unit of the CPU that computes\n'],
    ['flags in another order', 'sse2 fpu tsc avx\n'],
    ['few words', 'fpu\n'],
  ])('%s is none', (_, text) => {
    expect(
      flagList.recognise({ head: text, bytes: Buffer.from(text) } as unknown as Parameters<
        typeof flagList.recognise
      >[0]),
    ).toBe(false);
  });
});

describe('runsc cpu-features', () => {
  const has = [
    'fpu',
    'tsc',
    'cx8',
    'sse',
    'sse2',
    'pni',
    'xsave',
    'avx',
    'avx2',
    'clfushopt',
    'fxsr',
    'lm',
  ];
  const text = `${has.join(',')}\n`;
  it('has what it names, and lacks what gVisor would have named', async () => {
    const host = await readHost('x', Buffer.from(text));
    const seen = describeHost(host);
    expect([host.format, seen.hardware('avx2'), seen.hardware('clflushopt')]).toEqual([
      'flag-list',
      PRESENT,
      PRESENT,
    ]);
    for (const { name, leaf, reg } of ROWS) {
      const isNamed = gvisorName(name) !== undefined;
      if (has.includes(gvisorName(name) ?? '') || ['syscall', 'osxsave', 'ospke'].includes(name))
        continue;
      // Every 64-bit CPU has them, so that they aren't taken for unknown where lm is there.
      if (!isNamed || (leaf === 7 && reg === 'edx'))
        expect([name, seen.hardware(name)]).toEqual([name, UNKNOWN]);
      else expect([name, seen.hardware(name)]).toEqual([name, ABSENT]);
    }
  });
  it.each([
    ['cut', text.slice(0, -2)],
    ['with a word that is no flag', `${has.join(',')},<b>\n`],
  ])('%s is refused', (_, damaged) => {
    expect(failureOf(flagList, damaged).message).not.toBe('');
  });
  it('passes over names that are not known, and says so', () => {
    expect(readWith(flagList, `${has.join(',')},frobnicate\n`).remarks.join(' ')).toContain(
      'frobnicate',
    );
  });
});
