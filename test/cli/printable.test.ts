/** Names and texts out of files and arguments steer no terminal, whichever command shows them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { findTarget } from '../../src/export/index.js';
import { placeRemarks } from '../../src/export/place-remarks.js';
import { TARGET_NAMES } from '../../src/export/target-names.js';
import { describeHost } from '../../src/model/capabilities.js';
import { printable, printableJson } from '../../src/model/printable.js';
import { HASWELL, hostOf } from '../hosts.js';
import { cpugate } from './run.js';

/** One of each sort: C0, C1, line separators, bidi marks, joiners, a soft hyphen, a tag. */
const EVIL =
  'web\u001b[2J\u0007\u009b31m\r\u2028\u2029\u202e\u2066\u200b\u200d\u00ad\ufeff\u{e0041}x';
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** What an older cpugate has let through in a baseline. */
const FORMATS = EVIL.replace(/\p{Cc}/gu, '');
/** Lines are ours. */
const obeyed = (text: string) =>
  [...text].filter((sign) => sign !== '\n' && UNPRINTABLE.test(sign)).map((sign) => escape(sign));

describe('printable', () => {
  it('leaves nothing that a terminal obeys or hides, and changes nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(UNPRINTABLE);
        expect(printable(shown)).toBe(shown);
        if (!UNPRINTABLE.test(text)) expect(shown).toBe(text);
      }),
    );
  });
  it('shows them by their code, so that two names stay two', () => {
    expect(printable('web\u202e7')).toBe('web\\u202e7');
    expect(printable('\u{e0041}')).toBe('\\udb40\\udc41');
    expect(printable('\n')).toBe('\\u000a');
  });
  it('and JSON means the same with it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = printableJson(value, 2);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(obeyed(text)).toEqual([]);
      }),
    );
  });
});

describe('a host, a file and a folder with such names', () => {
  let folder = '';
  const paths: Record<string, string> = {};
  const profileOf = (model: string) => {
    const profile = JSON.parse(cpugate(['convert', model, '--to', 'profile']).out);
    const { system } = profile;
    return {
      ...profile,
      name: `${model}${EVIL}`,
      hostKind: 'system',
      remarks: [EVIL],
      system: { ...system, kernel: EVIL, microcode: EVIL, hypervisor: EVIL, cpuinfoFlags: [EVIL] },
    };
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-printable-'));
    paths.hosts = join(folder, `hosts${EVIL}`);
    mkdirSync(paths.hosts);
    paths.a = join(paths.hosts, `a${EVIL}.json`);
    paths.b = join(paths.hosts, `b${EVIL}.json`);
    writeFileSync(paths.a, JSON.stringify(profileOf('skylake-sp')));
    writeFileSync(paths.b, JSON.stringify(profileOf('epyc-rome')));
    paths.cluster = join(folder, `cluster${EVIL}.json`);
    const { status, err } = cpugate(['baseline', paths.hosts, '-o', paths.cluster]);
    expect(status, err).toBe(0);
    // As somebody else may have written it: its names aren't ours.
    const cluster = JSON.parse(readFileSync(paths.cluster, 'utf8'));
    for (const host of cluster.hosts)
      host.names = host.names.map((name: string) => `${name}${FORMATS}`);
    paths.foreign = join(folder, 'foreign.json');
    writeFileSync(paths.foreign, JSON.stringify(cluster));
    paths.broken = join(folder, `broken${EVIL}`);
    writeFileSync(paths.broken, JSON.stringify({ ...profileOf('haswell'), [EVIL]: EVIL }));
    paths.odd = join(folder, 'odd.json');
    writeFileSync(paths.odd, JSON.stringify({ ...profileOf('haswell'), cpus: EVIL }));
    paths.cut = join(folder, 'cut.json');
    writeFileSync(paths.cut, `{"kind":"cpugate-host-profile","name":"${EVIL}`);
    paths.svg = join(folder, 'matrix.svg');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const at = (words: readonly string[]) => words.map((word) => paths[word] ?? word);
  it.each<readonly string[]>([
    ['show', 'a'],
    ['show', 'a', 'b', '--json'],
    ['show', 'a', 'broken'],
    ['show', 'odd'],
    ['show', 'cut'],
    ['show', EVIL],
    ['show', `--${EVIL}`],
    [EVIL],
    ['help', EVIL],
    [EVIL, '--help'],
    ['check', 'a', 'b', '-v'],
    ['check', 'a', 'b', '--json'],
    ['check', 'a', 'b', '--mode', 'criu:all'],
    ['check', 'a', 'b', '--mode', EVIL],
    ['check', 'a', 'b', '--mode', `criu:${EVIL}`],
    ['check', 'a', 'b', '--allow', EVIL],
    ['check', 'a', 'b', '--fail-on', EVIL],
    ['check', 'a', 'b', '--mask', 'cluster'],
    ['check', 'a', 'b', '--mask', 'a', '-v'],
    ['check', 'hosts', 'b'],
    ['check', 'a', 'foreign', '-v'],
    ['matrix', 'hosts'],
    ['matrix', 'hosts', '--json'],
    ['baseline', 'hosts'],
    ['baseline', 'hosts', '--json'],
    ['baseline', 'hosts', '--pools', '2'],
    ['baseline', 'hosts', '--require', 'v3', '--require', 'avx512f'],
    ['baseline', 'hosts', '--require', EVIL],
    ['baseline', 'hosts', '--pools', EVIL],
    ['baseline', 'foreign'],
    ['baseline', 'a', 'broken', 'cut'],
    ['baseline', 'a', 'broken', 'cut', '--skip-unreadable'],
    ['baseline', '--add', 'a', '--to', 'cluster'],
    ['baseline', '--add', 'haswell', '--to', 'foreign'],
    ['baseline', '--remove', 'a', '--to', 'cluster'],
    ['baseline', '--remove', EVIL, '--to', 'foreign'],
    ['explain', EVIL],
    ['explain', 'avx2', EVIL],
    ['explain', '--why', 'avx512f', 'cluster'],
    ['explain', '--why', 'avx512f', 'foreign'],
    ['explain', '--why', 'avx512f', 'foreign', '--json'],
    ['explain', '--why', 'sse2', 'cluster'],
    ['convert', 'a', '--to', 'profile'],
    ['convert', 'a', '--to', 'proc-cpuinfo'],
    ['convert', 'a', '--to', EVIL],
    ['run', '--mask', 'cluster', '--', EVIL],
    ['run', '--mask', EVIL, '--', 'true'],
    ['verify', '--mask', 'a'],
    ['detach', '--pid', EVIL],
    ['hook', EVIL],
    ['completion', EVIL],
    ['restore', '--images', 'hosts'],
    ['dump', '--images', 'hosts', '--mask', 'cluster', '--', EVIL],
  ])('%s %s %s %s', (...words) => {
    const { out, err } = cpugate(at(words));
    expect(out + err).not.toBe('');
    // Tabs are /proc/cpuinfo's own.
    expect(obeyed(words.includes('proc-cpuinfo') ? out.replaceAll('\t', '') : out)).toEqual([]);
    expect(obeyed(err)).toEqual([]);
  });

  it('in a picture', () => {
    expect(cpugate(at(['matrix', 'hosts', '--svg', 'svg'])).err).toBe('');
    expect(obeyed(readFileSync(paths.svg ?? '', 'utf8'))).toEqual([]);
  });

  it.each(TARGET_NAMES)('in what %s reads', (target) => {
    const rich = hostOf({ ...HASWELL, name: EVIL, system: { kernel: EVIL, hypervisor: EVIL } });
    const poor = hostOf({ ...HASWELL, name: `b${EVIL}`, mask: 0x3n, areaBytes: 576, places: {} });
    const cluster = clusterOf([rich, poor].map(describeHost));
    const options = target === 'glibc' ? { glibc: '2.36' } : {};
    const found = findTarget(target);
    if (found === undefined) throw new Error(`no target ${target}`);
    const { content } = placeRemarks(found, found.write(baselineOf(cluster), options));
    // Tabs are the format's own; images are no text.
    if (typeof content === 'string') expect(obeyed(content.replaceAll('\t', ''))).toEqual([]);
  });
});
