/** Two texts of /proc/cpuinfo: what is open on both must neither stop a move nor be passed over. */
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import type { Report } from '../../src/judge/judge.js';
import type { Verdict } from '../../src/judge/verdict.js';
import { verdictMatrix, verdictOf } from '../../src/matrix/matrix.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { knownOf, leafTable } from '../../src/model/leaves.js';
import {
  type CpuinfoPlan,
  cpuinfoText,
  guestOf,
  PLANS,
  withoutFlag,
} from '../formats/cpuinfo-text.js';
import { compareHosts } from './between.js';

interface Given {
  readonly kernel?: string;
  readonly microcode?: string;
  readonly count?: number;
}

function hostOf(plan: CpuinfoPlan, { kernel, ...text }: Given = {}): Promise<Host> {
  return readHost('cpuinfo', new TextEncoder().encode(cpuinfoText(plan, text)), { kernel });
}

async function compare(from: CpuinfoPlan, to: CpuinfoPlan, kernel?: string): Promise<Report> {
  const given = kernel === undefined ? {} : { kernel };
  return compareHosts(
    { ...(await hostOf(from, given)), name: 'a' },
    { ...(await hostOf(to, { ...given, microcode: '0xf0', count: 2 })), name: 'b' },
  );
}

/** Code and what it is about, of all that isn't a note. */
function said({ findings }: Report): string[] {
  return findings
    .filter(({ severity }) => severity !== 'info')
    .map(
      ({ severity, code, feature, component }) =>
        `${severity} ${code} ${feature ?? component ?? ''}`,
    );
}

const BARE = Object.entries(PLANS).filter(([name]) => name !== 'unknown');

describe('twins on the metal', () => {
  it.each(BARE)('%s: only what their kernels could make differ is a risk', async (_, plan) => {
    const report = await compare(plan, plan);
    const risks = said(report);
    expect(report.verdict).toBe(risks.length === 0 ? 'compatible' : 'at-risk');
    for (const line of risks)
      expect(line).toMatch(/^risk data-missing (fsgsbase|pkru|apx|bnd\w+)$/);
  });
  it.each(BARE)('%s under a known kernel: nothing is left open', async (name, plan) => {
    const report = await compare(plan, plan, '6.1');
    // APX has no flag, and Linux 6.16 enables its state where the CPU has it: not before 2026.
    expect([name, said(report)]).toEqual([name, []]);
    expect(report.verdict).toBe('compatible');
  });
  it('says why it is no more than a risk', async () => {
    const { findings } = await compare(PLANS.haswell, PLANS.haswell);
    expect(findings.find(({ feature }) => feature === 'fsgsbase')).toMatchObject({
      effect:
        'Unknown for a and b: RDFSBASE/WRFSBASE/RDGSBASE/WRGSBASE (leaf 0x7.0 EBX[0]). ' +
        'They are one CPU model and show the same; only their kernels could differ in it.',
      remedy: 'record',
      advice: expect.stringContaining('--kernel VERSION'),
    });
  });
  it('of a model that nobody knows: what a newer kernel could enable is a risk', async () => {
    const report = await compare(PLANS.unknown, PLANS.unknown);
    expect(report.verdict).toBe('at-risk');
    // State that one of them might enable would move what lies behind it.
    expect(said(report)).toEqual([
      'risk compacted-area-grows xsave',
      'risk data-missing apx',
      'risk data-missing fsgsbase',
    ]);
  });
});

describe('one CPU by /proc/cpuinfo and by lscpu, which has no levels', () => {
  const lscpuOf = ({ vendor, family, model, stepping, flags }: CpuinfoPlan) =>
    [
      'Architecture: x86_64',
      'Address sizes: 46 bits physical, 48 bits virtual',
      `Vendor ID: ${vendor}`,
      `CPU family: ${family}`,
      `Model: ${model}`,
      `Stepping: ${stepping}`,
      `Flags: ${flags}`,
      'Vulnerability Meltdown: Not affected',
    ].join('\n');
  it.each([
    ['haswell', 15],
    ['skylakeX', 22],
  ] as const)('%s is its own twin, either way', async (name, level) => {
    const plan = PLANS[name] as CpuinfoPlan;
    const text = cpuinfoText(plan).replace(/cpuid level\t: 32/, `cpuid level\t: ${level}`);
    const cpuinfo = await readHost('cpuinfo', new TextEncoder().encode(text));
    const bytes = new TextEncoder().encode(lscpuOf(plan));
    const lscpu = await readHost('lscpu', bytes);
    for (const report of [compareHosts(cpuinfo, lscpu), compareHosts(lscpu, cpuinfo)])
      for (const line of said(report))
        expect(line).toMatch(/^risk (data-missing (fsgsbase|pkru|apx|bnd\w+)|address-width )$/);
  });
});

describe('one CPU whose record tells neither lines nor widths, as images of CRIU', () => {
  it('is its own twin: its features make the width, and its lines have one size', async () => {
    const host = await hostOf(PLANS.haswell, { kernel: '6.1' });
    const untold: Readonly<Record<number, 'eax' | 'ebx'>> = { 1: 'ebx', 2147483656: 'eax' };
    const cpus = host.cpus.map((cpu) => ({
      ...cpu,
      leaves: leafTable(
        cpu.leaves.rows.map((row) => {
          const register = untold[row.leaf];
          if (register === undefined) return row;
          return { ...row, [register]: 0, known: { ...knownOf(row), [register]: 0 } };
        }),
      ),
    }));
    const bare = { ...host, cpus };
    expect(describeHost(bare)).toMatchObject({ cacheLineBytes: undefined, linearAddressBits: 48 });
    expect(said(compareHosts(bare, { ...bare, name: 'b' }))).toEqual([]);
    expect(said(compareHosts(bare, { ...host, name: 'b' }))).toEqual([]);
  });
});

describe('twins under a hypervisor', () => {
  it.each(Object.entries(PLANS))('%s: all that is open is a risk', async (_, plan) => {
    const report = await compare(guestOf(plan), guestOf(plan), '6.12');
    expect(report.verdict).toBe('at-risk');
    for (const line of said(report))
      expect(line).toMatch(/^risk (data-missing |compacted-area-grows xsave)/);
  });
  it('places that the model stands for are a risk as well', async () => {
    const report = await compare(guestOf(PLANS.zen4), guestOf(PLANS.zen4), '6.12');
    expect(said(report)).toEqual(
      expect.arrayContaining(['risk data-missing opmask', 'risk data-missing pkru']),
    );
    const about = report.findings.find(({ component }) => component === 'opmask');
    expect(about?.effect).toBe(
      'Assumed for a and b: the size or offset of opmask state is that of the model, as which it shows itself.',
    );
  });
});

describe('no twins', () => {
  it.each<[string, CpuinfoPlan, CpuinfoPlan, Verdict, string]>([
    [
      'a flag is lost',
      PLANS.skylake,
      withoutFlag(PLANS.skylake, 'avx2'),
      'incompatible',
      'blocker instruction-missing avx2',
    ],
    [
      'a guest lost one',
      guestOf(PLANS.zen3),
      guestOf(withoutFlag(PLANS.zen3, 'vaes')),
      'incompatible',
      'blocker instruction-missing vaes',
    ],
    ['an older design', PLANS.zen3, PLANS.zen2, 'incompatible', 'blocker instruction-missing vaes'],
    [
      'another stepping',
      PLANS.sierraForest,
      { ...PLANS.sierraForest, stepping: 4 },
      'unknown',
      'unknown data-missing sha512',
    ],
    [
      'another model that may differ',
      PLANS.sierraForest,
      { ...PLANS.sierraForest, model: 182, stepping: 0 },
      'unknown',
      'unknown data-missing avx_ifma',
    ],
    [
      'one of them a guest',
      PLANS.sierraForest,
      guestOf(PLANS.sierraForest),
      'unknown',
      'unknown data-missing sha512',
    ],
    [
      'a model that nobody knows',
      PLANS.unknown,
      { ...PLANS.unknown, model: 251 },
      'unknown',
      'unknown data-missing sha512',
    ],
    [
      'guests of two models',
      guestOf(PLANS.haswell),
      guestOf(PLANS.skylake),
      'unknown',
      'unknown data-missing sha512',
    ],
  ])('%s', async (_, from, to, verdict, line) => {
    const report = await compare(from, to, '6.12');
    expect(report.verdict).toBe(verdict);
    expect(said(report)).toContain(line);
  });
  it.each<[string, CpuinfoPlan, CpuinfoPlan, Verdict]>([
    ['Zen to Zen 2', PLANS.zen, PLANS.zen2, 'compatible'],
    // The area grows, with XSAVEC.
    ['Haswell to Ice Lake', PLANS.haswell, PLANS.iceLake, 'incompatible'],
    ['Zen 4 to Zen 5', PLANS.zen4, PLANS.zen5, 'compatible'],
    ['Ice Lake to Sapphire Rapids', PLANS.iceLake, PLANS.sapphireRapids, 'at-risk'],
  ])('%s: two designs whose flags tell all', async (_, from, to, verdict) => {
    const report = await compare(from, to, '6.12');
    expect(report.verdict).toBe(verdict);
  });
});

describe('one record given as both', () => {
  it.each<[string, CpuinfoPlan]>([
    ['a machine', PLANS.zen2],
    ['a guest', guestOf(PLANS.zen4)],
    ['a model that nobody knows', PLANS.unknown],
  ])('%s: tasks stay where they are', async (_, plan) => {
    const host = await hostOf(plan);
    expect(compareHosts(host, host, { isOneRecord: true }).verdict).toBe('compatible');
    // Two of a kind are two.
    expect(compareHosts(host, host).verdict).not.toBe('compatible');
  });
});

it('the matrix says the same of them', async () => {
  const plans = [
    ...Object.values(PLANS),
    guestOf(PLANS.haswell),
    guestOf(PLANS.zen4),
    { ...PLANS.sierraForest, stepping: 4 },
    withoutFlag(PLANS.zen4, 'vaes'),
  ];
  const hosts = await Promise.all(
    plans.flatMap((plan) => [hostOf(plan), hostOf(plan, { count: 2 })]),
  );
  const matrix = verdictMatrix(hosts.map(describeHost));
  for (const [from, a] of hosts.entries())
    for (const [to, b] of hosts.entries())
      expect(
        verdictOf(matrix, matrix.kindOf[from] as number, matrix.kindOf[to] as number),
        `${plans[from >> 1]?.model} → ${plans[to >> 1]?.model}`,
      ).toBe(compareHosts(a, b).verdict);
});

describe('hosts whose stepping is not known', () => {
  const label = (flag: string) => [`feature.node.kubernetes.io/cpu-cpuid.${flag}`, 'true'];
  const nodeOf = (name: string, id: string) => ({
    kind: 'Node',
    metadata: {
      name,
      labels: {
        ...Object.fromEntries(['X87', 'CMPXCHG8', 'FXSR', 'AVX', 'AVX2', 'AVX512F'].map(label)),
        'feature.node.kubernetes.io/cpu-model.vendor_id': 'Intel',
        'feature.node.kubernetes.io/cpu-model.family': '6',
        'feature.node.kubernetes.io/cpu-model.id': id,
      },
    },
  });
  const read = (name: string, id: string) =>
    readHost(name, new TextEncoder().encode(JSON.stringify(nodeOf(name, id))));

  // Skylake-SP, Cascade Lake and Cooper Lake all are model 85.
  it('are no twins: one number may be two designs', async () => {
    const report = compareHosts(await read('a', '85'), await read('b', '85'));
    expect(report.verdict).toBe('unknown');
  });
});
