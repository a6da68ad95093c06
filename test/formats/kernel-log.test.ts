import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { kernelLog } from '../../src/formats/kernel-log.js';
import { describeHost } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { UNKNOWN } from '../../src/model/xsave.js';
import { dumpText, failureOf, readWith } from './dump-text.js';

const PREFIX = '[    0.000000] x86/fpu: ';
const place = (bit: number, offset: number, size: number) =>
  `${PREFIX}xstate_offset[${bit}]: ${`${offset}`.padStart(4)}, xstate_sizes[${bit}]: ${`${size}`.padStart(4)}\n`;
const end = (features: string, size: number, format: string) =>
  `${PREFIX}Enabled xstate features ${features}, context size is ${size} bytes, using '${format}' format.\n`;
const AVX = `${PREFIX}Supporting XSAVE feature 0x004: 'AVX registers'\n${place(2, 576, 256)}`;
const STANDARD = AVX + end('0x7', 832, 'standard');
const COMPACTED = `${AVX}${place(5, 832, 64)}${place(6, 896, 512)}${place(7, 1408, 1024)}${place(9, 2432, 8)}${end('0x2e7', 2440, 'compacted')}`;
/** A CPU of a model that no design is known of: sizes come from nowhere else. */
const LSCPU = dumpText('haswell-guest-2-cpus.lscpu').replace(/^Model:.*$/m, 'Model:  253');

const read = async (text: string) => describeHost(await readHost('x', Buffer.from(text, 'latin1')));

describe("the kernel's log beside a list of flags", () => {
  it('tells the size that the list leaves out', async () => {
    expect((await read(LSCPU)).xsave.areaBytes).toBeUndefined();
    for (const text of [STANDARD + LSCPU, LSCPU + STANDARD]) {
      const { xsave } = await read(text);
      expect([xsave.enabled.value, xsave.areaBytes]).toEqual([0x7n, 832]);
      expect(xsave.components.find(({ bit }) => bit === 2)).toMatchObject({
        size: 256,
        offset: 576,
      });
    }
  });
  it('leaves out the supervisor state, which programs never see', async () => {
    const { xsave } = await read(LSCPU + AVX + end('0xc07', 832, 'standard'));
    expect(xsave.enabled.value).toBe(0x7n);
  });
  it('that contradicts it is refused', async () => {
    const error = await readHost('x', Buffer.from(LSCPU + COMPACTED)).catch((one) => one);
    expect(isInputError(error) && error.message).toMatch(/two things of the state/);
  });
  it('keeps the numbers of lines', async () => {
    const cut = `${STANDARD}${LSCPU.replace(/^Flags:.*$/m, 'Flags:  fpu vme de pse tsc ...')}`;
    const line = cut.split('\n').findIndex((one) => one.startsWith('Flags')) + 1;
    const error = await readHost('x', Buffer.from(cut)).catch((one) => one);
    expect(isInputError(error) && error.place.line).toBe(line);
  });
});

describe("the kernel's log alone", () => {
  it('tells what is enabled, and nothing of instructions', () => {
    const host = readWith(kernelLog, COMPACTED);
    const seen = describeHost(host);
    expect([seen.xsave.enabled.value, seen.effective('bmi2')]).toEqual([0x2e7n, UNKNOWN]);
    expect(host.remarks[0]).toContain('lscpu');
  });
  it('of the compacted format tells sizes, and no offsets or size of the whole', () => {
    const { xsave } = describeHost(readWith(kernelLog, COMPACTED));
    expect(xsave.areaBytes).toBeUndefined();
    for (const { leaf, subleaf, known } of readWith(kernelLog, COMPACTED).cpus[0]?.leaves.rows ??
      [])
      expect([leaf, subleaf, known?.ebx]).toEqual([0xd, subleaf, 0]);
  });
  it.each([
    ['without its last line', AVX, /what is enabled/],
    ['of two boots', STANDARD + COMPACTED, /more than one boot/],
    ['with the place of state that is off', place(5, 832, 64) + STANDARD, /not enabled/],
    ['with two numbers in one line', STANDARD.replace('sizes[2]', 'sizes[3]'), /not enabled/],
  ])('%s is refused', (_, text, message) => {
    expect(failureOf(kernelLog, text).message).toMatch(message);
  });
});
