/** What the library gives: the commands' answers, valid by their schemas, that nobody can change. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Baseline,
  baselineOf,
  compareAll,
  compareHosts,
  compileMask,
  describeHost,
  explainFeature,
  exportBaseline,
  findFeature,
  type Host,
  InputError,
  listModels,
  listTargets,
  poolsOf,
  readBaseline,
  readHost,
  readModel,
  whyDropped,
  writeBaseline,
  writeHost,
} from '../../src/library/index.js';
import { decodeMask } from '../../src/mask/bytes.js';
import { cpugate, root } from '../cli/run.js';

const guest = readFileSync(join(root, 'test/fixtures/profiles/skylake-server-guest.json'));
const dump = readFileSync(join(root, 'test/fixtures/dumps/haswell-guest.cpuid-1-r.txt'));
const [haswell, skylake] = [await readModel('haswell'), await readModel('skylake-sp')];
const pair = baselineOf([haswell, skylake]);

/** The version that the sources don't have. */
function withoutVersion<T extends object>(json: T): object {
  return { ...json, cpugate: '' };
}

describe('the answers are those of the commands', () => {
  const cases: readonly [command: readonly string[], give: () => object | Promise<object>][] = [
    [['show', 'haswell'], () => describeHost(haswell)],
    [['check', 'haswell', 'skylake-sp'], () => compareHosts(haswell, skylake)],
    [
      ['check', 'skylake-sp', 'haswell', '--mode', 'criu:ins'],
      () => compareHosts(skylake, haswell, { mode: 'criu:ins' }),
    ],
    [
      ['check', 'skylake-sp', 'haswell', '--allow', 'avx512f,xsave-area'],
      () => compareHosts(skylake, haswell, { allow: ['avx512f', 'xsave-area'] }),
    ],
    [['matrix', 'haswell', 'skylake-sp'], () => compareAll([haswell, skylake])],
    [['explain', 'lzcnt'], () => explainFeature('lzcnt')],
  ];
  it.each(cases)('%j', async (command, give) => {
    expect(await give()).toEqual(JSON.parse(cpugate([...command, '--json']).out));
  });

  it('baseline, but for the nearest model', () => {
    const { nearest: _, ...said } = JSON.parse(
      cpugate(['baseline', 'haswell', 'skylake-sp', '--without', 'aes', '--json']).out,
    );
    const given = baselineOf([haswell, skylake], { without: ['aes'] });
    expect(withoutVersion(given)).toEqual(withoutVersion(said));
  });

  it('export', () => {
    const { content, file, remarks } = exportBaseline(baselineOf([haswell]), 'qemu');
    expect(file).toBe('qemu-cpu.txt');
    expect(content).toBe(cpugate(['export', 'haswell', '--for', 'qemu']).out);
    expect(remarks[0]).toMatchObject({ kind: expect.any(String), text: expect.any(String) });
  });
  it.each(['env-file', 'shell', 'systemd', 'yaml'] as const)(
    'export of variables: %s',
    (format) => {
      const { content } = exportBaseline(baselineOf([haswell]), 'runtimes', { format });
      const argv = ['export', 'haswell', '--for', 'runtimes', '--format', format];
      expect(content).toBe(cpugate(argv).out);
    },
  );
});

describe('the answers are valid by their schemas', () => {
  const cases: readonly [schema: string, give: () => unknown][] = [
    ['show-report', () => describeHost(haswell)],
    ['check-report', () => compareHosts(haswell, skylake, { mask: pair, maskName: 'pair' })],
    ['check-report', () => compareHosts(haswell, skylake, { mode: 'criu:cpu' })],
    ['matrix-report', () => compareAll([haswell, skylake, haswell])],
    ['baseline', () => pair],
    ['why-report', () => whyDropped(pair, 'avx512_vnni')],
    ['explain-report', () => explainFeature('avx512f')],
  ];
  it.each(cases)('%s', async (schema, give) => {
    const text = readFileSync(join(root, 'schemas', `${schema}.schema.json`), 'utf8');
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(JSON.parse(text));
    validate(JSON.parse(JSON.stringify(await give())));
    expect(validate.errors).toBeNull();
  });
});

describe('hosts', () => {
  it.each([
    ['bytes', dump],
    ['text', dump.toString('latin1')],
    ['a part of a buffer', new Uint8Array([...Buffer.from('xx'), ...dump]).subarray(2)],
  ])('are read from %s', async (_, input) => {
    const host = await readHost(input, { name: 'web-7' });
    expect([host.name, describeHost(host).level]).toEqual(['web-7', 'x86-64-v3']);
  });

  it('keep the name of their profile unless they are given one', async () => {
    expect((await readHost(guest)).name).toBe(JSON.parse(`${guest}`).name);
    expect((await readHost(guest, { name: 'web-8' })).name).toBe('web-8');
  });

  it('are written, and read again as the same', async () => {
    const host = await readHost(guest);
    const { content, remarks } = await writeHost(host);
    expect(describeHost(await readHost(content))).toEqual(describeHost(host));
    expect(remarks).toEqual([]);
  });

  it('are written in other formats, as text where the types say so', async () => {
    const host = await readHost(guest);
    expect((await writeHost(host, 'criu')).content).toBeInstanceOf(Uint8Array);
    for (const format of ['profile', 'cpuid-raw', 'libvirt-cpudata', 'proc-cpuinfo'] as const)
      expect((await writeHost(host, format)).content).toBeTypeOf('string');
  });

  it('of every model are there', async () => {
    for (const { name, aliases } of listModels())
      for (const one of [name, ...aliases]) expect((await readModel(one)).name).toBe(name);
    expect(listModels().length).toBeGreaterThan(20);
  });
});

describe('baselines', () => {
  it('are read as they were written', () => {
    expect(readBaseline(writeBaseline(pair))).toEqual(pair);
    expect(readBaseline(JSON.stringify(pair))).toEqual(pair);
  });

  it.each([
    ['in memory', (one: Baseline) => one],
    ['from a file', (one: Baseline) => readBaseline(writeBaseline(one))],
  ])('join others with all of their hosts and what they were made with, %s', (_, take) => {
    const [large, small] = [
      baselineOf([skylake], { without: ['avx2'] }),
      baselineOf([haswell], { without: ['aes'] }),
    ];
    const joined = baselineOf([take(large), take(small), haswell]);
    expect(joined.hostCount).toBe(3);
    expect([...joined.without].sort()).toEqual(['aes', 'avx2']);
    expect(joined.xsave.size).toBe(2696);
    expect(joined).toEqual(baselineOf([haswell, take(small), take(large)], { without: ['avx2'] }));
  });

  it('keep the sizes that tasks have seen under hosts that left since', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cpugate-left-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'pair.json');
    writeFileSync(file, writeBaseline(pair));
    const left = ['baseline', '--remove', 'skylake-sp', '--to', file, '-o', file];
    expect(cpugate(left).status).toBe(0);
    const rest = readBaseline(readFileSync(file));
    expect([rest.hostCount, rest.xsave.size]).toEqual([1, 2696]);
    expect(baselineOf([rest, haswell]).xsave.size).toBe(2696);
    expect(baselineOf([haswell]).xsave.size).toBe(832);
  });

  it('compile to masks that the supervisor reads', () => {
    const { rows, bytes, remarks } = compileMask(pair);
    expect(decodeMask(bytes).rows).toEqual(rows);
    expect(remarks.length).toBeGreaterThan(0);
  });

  it('say why', () => {
    const [reason] = whyDropped(pair, 'AVX512F').because;
    expect(reason).toEqual({ kind: 'lacking', hosts: ['haswell'], count: 1 });
  });

  it('of pools hold each host once', async () => {
    const { pools } = await poolsOf([haswell, skylake, skylake], { count: 2 });
    expect(pools.map(({ hostCount }) => hostCount)).toEqual([2, 1]);
  });

  it('are exported for every target, as text where the types say so', () => {
    for (const { name } of listTargets()) {
      const { content, file } = exportBaseline(
        pair,
        name,
        name === 'glibc' ? { glibc: '2.36' } : {},
      );
      expect(file).not.toBe('');
      const isBinary = name === 'criu' || name === 'supervisor';
      expect([name, typeof content]).toEqual([name, isBinary ? 'object' : 'string']);
    }
  });
});

describe('nothing that is given can be changed', () => {
  function isFrozen(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
    return Object.isFrozen(value) && Object.values(value).every(isFrozen);
  }
  it.each<[string, () => object | Promise<object>]>([
    ['host', () => haswell],
    ['baseline', () => pair],
    ['report', () => compareHosts(haswell, skylake)],
    ['matrix', () => compareAll([haswell, skylake])],
    ['feature', () => explainFeature('avx2')],
    ['description', () => describeHost(haswell)],
    ['mask', () => compileMask(pair)],
    ['export', () => exportBaseline(pair, 'qemu')],
    ['file', () => writeHost(haswell)],
    ['model', () => listModels()],
    ['target', () => listTargets()],
    ['pools', () => poolsOf([haswell], { count: 'auto' })],
  ])('%s', async (_, give) => {
    expect(isFrozen(await give())).toBe(true);
  });
});

describe('what can not be used is refused', () => {
  const text = 'no dump';
  const copy = { ...haswell } as Host;
  const edited = { ...pair, features: [...pair.features, 'avx512f'] } as Baseline;
  const wrong = (value: unknown) => value as never;
  const cases: readonly [what: string, code: string, act: () => unknown][] = [
    ['a file of no format', 'unknown-format', () => readHost(text)],
    ['a number', 'usage', () => readHost(wrong(7))],
    ['too much', 'too-large', () => readHost(new Uint8Array(2 ** 25 + 1))],
    ['an unknown model', 'unknown-model', () => readModel('hasswell')],
    ['an inherited name of a model', 'unknown-model', () => readModel('constructor')],
    ['a copy of a host', 'usage', () => describeHost(copy)],
    ['nothing as a host', 'usage', () => compareHosts(haswell, wrong(undefined))],
    ['a baseline as a host', 'usage', () => describeHost(wrong(pair))],
    ['an edited baseline', 'usage', () => compileMask(edited)],
    ['an edited file', 'malformed', () => readBaseline(JSON.stringify(edited))],
    ['a host as a baseline', 'usage', () => compileMask(wrong(haswell))],
    ['a profile as a baseline', 'not-a-baseline', () => readBaseline(guest)],
    ['no hosts', 'usage', () => baselineOf([])],
    ['no hosts to compare', 'usage', () => compareAll([])],
    ['an unknown mode', 'usage', () => compareHosts(haswell, skylake, { mode: wrong('strikt') })],
    ['an unknown cap', 'usage', () => compareHosts(haswell, skylake, { mode: 'criu:fp' })],
    ['an unknown feature', 'unknown-feature', () => explainFeature('avx513f')],
    ['an unknown allowance', 'usage', () => compareHosts(haswell, skylake, { allow: ['avx513f'] })],
    ['a feature that tasks do not see', 'invisible-feature', () => whyDropped(pair, 'smep')],
    ['an unknown target', 'usage', () => exportBaseline(pair, wrong('qem'))],
    ['an inherited name of a target', 'usage', () => exportBaseline(pair, wrong('toString'))],
    ['glibc for another', 'usage', () => exportBaseline(pair, 'qemu', { glibc: '2.36' })],
    ['an unknown format', 'usage', () => writeHost(haswell, wrong('baseline'))],
    ['no pools', 'usage', () => poolsOf([haswell], { count: 0 })],
  ];
  it.each(cases)('%s', async (_, code, act) => {
    const error = await Promise.resolve()
      .then(act)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).code).toBe(code);
  });

  it('but an unknown name can be asked for', () => {
    expect([findFeature('LZCNT'), findFeature('avx513f'), findFeature('constructor')]).toEqual([
      'abm',
      undefined,
      undefined,
    ]);
  });
});
