import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import validateCheck from '../../src/generated/check-report.js';
import type { GateOptions, GateReport } from '../../src/judge/gate.js';
import { described } from '../../src/model/capabilities.js';
import type { DumpRecord, RecordedMask } from '../../src/model/dump-record.js';
import type { Host } from '../../src/model/host.js';
import type {
  ImageFolder,
  ImageGap,
  ImageProcess,
  ImageThread,
  KeptCpuid,
  KeptSize,
  LazyBinding,
  SavedState,
  SignalFrame,
} from '../../src/model/image-folder.js';
import { leafTable } from '../../src/model/leaves.js';
import { reportJson } from '../../src/report/json.js';
import { checkText } from '../../src/report/text/check.js';
import type { Finding } from '../../src/rules/index.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import {
  AMD_AVX512,
  HASWELL,
  type HostPlan,
  hostOf,
  INTEL_512,
  INTEL_AMX,
  INTEL_AVX512,
  V3,
  V4,
  YMM,
} from '../hosts.js';
import { idleProcess } from '../image-processes.js';
import { faultOf } from '../sentences.js';
import { gate } from './between.js';

const AREA = { kernel: '6.1.0', minSigStackBytes: 2000 };

/** Haswell with protection keys: PKRU lies high, so the area has 2696 bytes without AVX-512. */
const WITH_KEYS: HostPlan = {
  ...HASWELL,
  name: 'haswell+pku',
  features: [...HASWELL.features, 'pku', 'ospke'],
  mask: 0x207n,
  places: { ...YMM, 9: [8, 2688] },
  areaBytes: 2696,
};
const AMD: HostPlan = { ...INTEL_512, name: 'amd-512', places: AMD_AVX512, areaBytes: 2432 };
const NO_AVX: HostPlan = {
  name: 'no-avx',
  features: V3.filter((name) => !['avx', 'avx2', 'f16c', 'fma'].includes(name)),
  mask: 3n,
  areaBytes: 576,
};
function thread(inUse: bigint, lost = 0n, tid = 7, xstateBv = inUse): ImageThread {
  return { tid, compat: false, rip: 0n, rsp: 0n, xsave: { xstateBv, inUse, lost } };
}

const savedState = (plan: Partial<SavedState>): SavedState => ({
  tid: 7,
  format: 'compacted',
  xstateBv: 2n,
  components: 0xe6n,
  ...plan,
});

interface ProcessPlan {
  readonly inUse?: bigint;
  readonly lost?: bigint;
  /** As marked; default: what holds something. */
  readonly xstateBv?: bigint;
  readonly frames?: readonly Partial<SignalFrame>[] | 'untold';
  readonly saved?: readonly Partial<SavedState>[] | 'untold';
  readonly binding?: LazyBinding | 'untold';
  readonly sizes?: readonly KeptSize[];
  readonly auxv?: readonly (readonly [number, bigint])[];
  readonly highestAddress?: bigint | 'untold';
  readonly kept?: KeptCpuid;
  readonly gaps?: readonly ImageGap[];
  readonly pid?: number;
  readonly isAlive?: boolean;
}

const untold = { known: false, reason: 'its memory was not dumped' } as const;
const FITTING: LazyBinding = { kind: 'none' };
/** Where stacks end as a rule, below 2^47. */
const STACK_END = 0x7ffd_1234_5000n;

function processOf(plan: ProcessPlan): ImageProcess {
  const { frames = [], saved = [], binding = FITTING, pid = 7, highestAddress = STACK_END } = plan;
  return idleProcess({
    pid,
    isAlive: plan.isAlive ?? true,
    threads: [thread(plan.inUse ?? 3n, plan.lost, pid, plan.xstateBv)],
    auxv: new Map(plan.auxv ?? []),
    highestAddress: highestAddress === 'untold' ? untold : { known: true, value: highestAddress },
    signalFrames:
      frames === 'untold'
        ? untold
        : {
            known: true,
            value: frames.map((frame) => ({
              tid: 7,
              areaBytes: 832,
              features: 7n,
              inUse: 3n,
              ...frame,
            })),
          },
    savedStates: saved === 'untold' ? untold : { known: true, value: saved.map(savedState) },
    lazyBinding: binding === 'untold' ? untold : { known: true, value: binding },
    keptCpuid: plan.kept === undefined ? untold : { known: true, value: plan.kept },
    gaps: plan.gaps ?? [],
    keptSizes: plan.sizes === undefined ? untold : { known: true, value: plan.sizes },
  });
}

interface FolderPlan {
  readonly from?: HostPlan;
  readonly mask?: RecordedMask;
  readonly processes?: readonly ProcessPlan[];
  readonly cpuinfo?: Host;
  readonly gaps?: readonly ImageGap[];
}

function imagesOf({ from, mask, processes = [{}], cpuinfo, gaps = [] }: FolderPlan): ImageFolder {
  const record: DumpRecord | undefined = from && {
    taken: '2026-01-01T00:00:00Z',
    cpugate: '0.1.0',
    fingerprint: '',
    host: hostOf({ ...from, system: { ...AREA, ...from.system } }),
    mask,
    enforcement: mask === undefined ? 'none' : 'cpuid-faulting',
    stopped: [],
    criu: '3.17.1',
  };
  return {
    name: 'images',
    rootPid: 7,
    processes: processes.map(processOf),
    cpuinfo,
    record,
    fingerprint: '',
    remarks: [],
    gaps,
  };
}

const target = (plan: HostPlan) => hostOf({ ...plan, system: { ...AREA, ...plan.system } });

/** Whatever is asked here, the answer is sentences. */
function ask(folder: FolderPlan, to: HostPlan, options?: GateOptions): GateReport {
  const report = gate(imagesOf(folder), target(to), options);
  const names = [report.from.name, report.to.name];
  for (const { effect } of report.findings) expect(faultOf(effect, names)).toBeUndefined();
  return report;
}

function codes(findings: readonly Finding[], severity: Finding['severity']): string[] {
  return findings.filter((one) => one.severity === severity).map(({ code }) => code);
}

const STYLE = { colors: picocolors.createColors(false), width: 200 };

describe('images with a record', () => {
  it('of a host like the target are compatible, and a restore is permitted', () => {
    const report = ask({ from: HASWELL }, HASWELL);
    expect(report.verdict).toBe('compatible');
    expect(report).toMatchObject({ permitted: true, forced: false });
    expect(report.images).toEqual({
      folder: 'images',
      processes: 1,
      threads: 1,
      source: 'record',
      dumpedOn: 'haswell-1',
      taken: '2026-01-01T00:00:00Z',
      remarks: [],
    });
  });

  it('are told where they can go on before what later tasks need', () => {
    const text = checkText(ask({ from: HASWELL }, NO_AVX), STYLE, false);
    const [, now, later] = text.split(/What to do|For tasks that start from now on/);
    expect(now?.trim()).toBe(
      'These images can go on at haswell-1, where they were dumped, or at a host like it.',
    );
    expect(later).toContain('Start new tasks under a mask');
    expect(checkText(ask({ from: HASWELL }, HASWELL), STYLE, false)).not.toContain('can go on at');
  });

  it('are refused for what the CPUs alone tell', () => {
    const report = ask({ from: HASWELL }, NO_AVX);
    expect(report.verdict).toBe('incompatible');
    expect(codes(report.findings, 'blocker')).toContain('instruction-missing');
    expect(report.permitted).toBe(false);
  });

  it('are judged under the mask that the record holds', () => {
    const mask = { ...baselineOfPlans([HASWELL, NO_AVX]), name: 'pool' };
    const report = ask({ from: HASWELL, mask }, NO_AVX);
    expect(report.verdict).toBe('compatible');
    expect(report.mask).toBe('pool');
  });

  it('do not take the word of somebody who claims another mask', () => {
    const mask = { ...baselineOfPlans([HASWELL, NO_AVX]), name: 'claimed' };
    const report = ask({ from: HASWELL }, NO_AVX, { mask });
    expect(report.verdict).toBe('incompatible');
    expect(report.images.remarks).toHaveLength(1);
  });
});

describe('images of which nobody tells the CPU', () => {
  it('are unknown, and one finding says so', () => {
    const report = ask({}, HASWELL);
    expect(report.verdict).toBe('unknown');
    expect(report.findings.map(({ code }) => code)).toEqual(['source-unknown']);
    expect(report).toMatchObject({ permitted: false, images: { source: 'none' } });
  });

  it('are restored by force, which the report records', () => {
    expect(ask({}, HASWELL, { force: true })).toMatchObject({ permitted: true, forced: true });
    expect(ask({ from: HASWELL }, HASWELL, { force: true })).toMatchObject({ forced: false });
  });

  it('stay unknown under a mask that somebody claims', () => {
    const mask = { ...baselineOfPlans([HASWELL]), name: 'claimed' };
    expect(ask({}, HASWELL, { mask }).verdict).toBe('unknown');
  });

  it('are refused all the same for state that is in use now', () => {
    const report = ask({ processes: [{ inUse: 7n }] }, NO_AVX);
    expect(report.verdict).toBe('incompatible');
  });

  it('with cpuinfo.img take what each process was told at its start from its auxiliary vector', () => {
    const cpuinfo = { ...hostOf(HASWELL), system: {} };
    const told = gate(
      imagesOf({ cpuinfo, processes: [{ auxv: [[26, 2n]] }] }),
      target({ ...HASWELL, system: { hwcap2: 0n } }),
    );
    expect(codes(told.findings, 'blocker')).toEqual(['kernel-feature-missing']);
    expect(told.images.source).toBe('cpuinfo');
  });
});

/** What a glibc keeps of a host of this plan. */
function keptOn(plan: HostPlan): KeptCpuid {
  const [cpu] = hostOf(plan).cpus;
  if (cpu?.xcr0 === undefined) throw new Error('a host made by hand');
  const kept = [0, 1, 7, 0x80000001];
  const rows = cpu.leaves.rows.filter(({ leaf }) => kept.includes(leaf));
  return { leaves: leafTable(rows), xcr0: cpu.xcr0 };
}

describe('images of which memory tells the CPU', () => {
  it('are refused for what is lost, and never compatible without the sizes', () => {
    const folder = { processes: [{ kept: keptOn(HASWELL) }] };
    const report = ask(folder, NO_AVX);
    expect(report.images.source).toBe('memory');
    expect(codes(report.findings, 'blocker')).toContain('instruction-missing');
    expect(ask(folder, HASWELL).verdict).toBe('unknown');
    expect(codes(ask(folder, HASWELL).findings, 'blocker')).toEqual([]);
  });

  it('have what any of their processes has seen', () => {
    const two = [{ kept: keptOn(NO_AVX) }, { pid: 8, kept: keptOn(HASWELL) }];
    for (const processes of [two, two.toReversed()]) {
      const { findings } = ask({ processes }, NO_AVX);
      const lost = findings.filter(({ code }) => code === 'instruction-missing');
      expect(lost.map(({ feature }) => feature)).toContain('avx2');
    }
  });

  it('are unknown for processes whose memory does not', () => {
    const report = ask({ processes: [{ kept: keptOn(HASWELL) }, { pid: 8 }, { pid: 9 }] }, HASWELL);
    const [finding] = report.findings.filter(({ code }) => code === 'source-unknown');
    expect(finding?.effect).toContain('process 8 (server) and 1 more');
  });

  it('go by the record or cpuinfo.img where there is one', () => {
    const processes = [{ kept: keptOn(NO_AVX) }];
    expect(ask({ from: HASWELL, processes }, HASWELL).images.source).toBe('record');
    expect(ask({ cpuinfo: hostOf(HASWELL), processes }, HASWELL).images.source).toBe('cpuinfo');
  });
});

describe('images whose host the user names', () => {
  const named = (plan: HostPlan) => ({ source: described(target({ ...plan, name: 'web-7' })) });
  const clashes = (processes: readonly ProcessPlan[], plan: HostPlan, mask?: RecordedMask) =>
    ask({ processes }, HASWELL, { ...named(plan), ...(mask === undefined ? {} : { mask }) })
      .findings.filter(({ code }) => code === 'source-contradicted')
      .map(({ effect }) => effect);

  it('are judged as if a record told it, and the report says whose word that is', () => {
    const report = ask({}, HASWELL, named(HASWELL));
    expect(report.verdict).toBe('compatible');
    expect(report.images).toMatchObject({ source: 'told', told: 'web-7' });
    expect(ask({}, NO_AVX, named(HASWELL)).verdict).toBe('incompatible');
  });

  it('go by their record all the same, and say so', () => {
    const report = ask({ from: HASWELL }, HASWELL, named(NO_AVX));
    expect(report).toMatchObject({ verdict: 'compatible', images: { source: 'record' } });
    expect(report.images.remarks.join()).toContain('--source is ignored');
  });

  const ENTRY = { hwcap: 16, hwcap2: 26, frame: 51 } as const;
  it.each<[string, ProcessPlan, HostPlan, RegExp | undefined]>([
    ['nothing', {}, HASWELL, undefined],
    ['AVX in use, of a host that has it', { inUse: 7n }, HASWELL, undefined],
    [
      'AVX in use, of one without',
      { inUse: 7n },
      NO_AVX,
      /^Seen by process 7 \(server\): ymm_hi128 state, which/,
    ],
    [
      'AVX-512 in a frame, of one without',
      { frames: [{ features: 0xe7n }] },
      HASWELL,
      /^Seen .*: opmask state/,
    ],
    [
      'a frame without AVX-512, of one with it',
      { frames: [{ features: 7n }] },
      INTEL_512,
      /^Not seen .*: opmask state in a signal frame/,
    ],
    [
      'a frame without tiles, of one with AMX',
      { frames: [{ features: 0xe7n }] },
      INTEL_AMX,
      undefined,
    ],
    [
      'another frame size',
      { auxv: [[ENTRY.frame, 3632n]] },
      HASWELL,
      /AT_MINSIGSTKSZ of 3632 bytes, not of 2000/,
    ],
    ['the same frame size', { auxv: [[ENTRY.frame, 2000n]] }, HASWELL, undefined],
    [
      'FSGSBASE, of a host without',
      { auxv: [[ENTRY.hwcap2, 2n]] },
      { ...HASWELL, system: { hwcap2: 0n } },
      /AT_HWCAP2 of 2, not of 0/,
    ],
    ['AT_HWCAP2 of a host that is not known', { auxv: [[ENTRY.hwcap2, 2n]] }, HASWELL, undefined],
    [
      'MMX in AT_HWCAP, of a host without',
      { auxv: [[ENTRY.hwcap, 1n << 23n]] },
      { ...HASWELL, features: HASWELL.features.filter((name) => name !== 'mmx') },
      /mmx in AT_HWCAP, which/,
    ],
    ['CPUID of the same host', { kept: keptOn(HASWELL) }, HASWELL, undefined],
    ['AVX2 in CPUID, of a host without', { kept: keptOn(HASWELL) }, NO_AVX, /^Seen .*: avx/],
    ['no AVX2 in CPUID, of a host with it', { kept: keptOn(NO_AVX) }, HASWELL, /^Not seen .*: avx/],
    [
      'another model',
      { kept: keptOn({ ...HASWELL, signature: [6, 61, 4] }) },
      { ...HASWELL, signature: [6, 60, 3] },
      /a CPU of family 6, model 61, not 6, 60/,
    ],
    [
      'another stepping',
      { kept: keptOn({ ...HASWELL, signature: [6, 60, 4] }) },
      { ...HASWELL, signature: [6, 60, 3] },
      undefined,
    ],
    ['another CPU of a zombie', { isAlive: false, inUse: 7n }, NO_AVX, undefined],
  ])('are contradicted or not by %s', (_, process, plan, said) => {
    const found = clashes([process], plan);
    if (said === undefined) expect(found).toEqual([]);
    else expect(found.join('\n')).toMatch(new RegExp(said, 'm'));
  });

  it('name the processes, and never end in a yes', () => {
    const processes = [{ inUse: 7n }, { inUse: 7n, pid: 8 }];
    expect(clashes(processes, NO_AVX)).toEqual([
      expect.stringContaining('process 7 (server) and 1 more'),
    ]);
    expect(ask({ processes }, NO_AVX, named(NO_AVX)).verdict).not.toBe('compatible');
  });

  it('under a mask have seen what it shows, and nothing else', () => {
    const mask = { ...baselineOfPlans([HASWELL, NO_AVX]), name: 'pool' };
    expect(clashes([{ kept: keptOn(NO_AVX) }], HASWELL, mask)).toEqual([]);
    expect(clashes([{ kept: keptOn(HASWELL) }], HASWELL, mask).join()).toContain('avx2');
  });
});

describe('images that are not all there', () => {
  it.each<[string, FolderPlan, RegExp]>([
    [
      'a missing image of a process',
      { processes: [{ gaps: [{ file: 'mm-7.img', gap: 'missing' }] }] },
      /: mm-7\.img is missing\.$/,
    ],
    [
      'too few pages',
      { processes: [{ gaps: [{ file: 'pages-1.img', gap: 'size' }] }] },
      /pages-1\.img doesn't have the pages/,
    ],
    [
      'entries that nobody knows',
      { processes: [{ gaps: [{ file: 'pagemap-7.img', gap: 'form' }] }] },
      /pagemap-7\.img holds entries of a form/,
    ],
    [
      'no list of files',
      { gaps: [{ file: 'files.img', gap: 'missing' }] },
      /files\.img is missing/,
    ],
  ])('are never compatible: %s', (_, folder, said) => {
    const report = ask({ from: HASWELL, ...folder }, HASWELL);
    expect(report.verdict).toBe('unknown');
    const found = report.findings.filter(({ code }) => code === 'images-incomplete');
    expect(found.map(({ effect }) => effect)).toEqual([expect.stringMatching(said)]);
  });

  it('are so once, however many processes share the image, and not for dead ones', () => {
    const gaps = [{ file: 'pages-1.img', gap: 'missing' }] as const;
    const shared = ask({ from: HASWELL, processes: [{ gaps }, { pid: 8, gaps }] }, HASWELL);
    expect(codes(shared.findings, 'unknown')).toEqual(['images-incomplete']);
    const dead = ask({ from: HASWELL, processes: [{}, { pid: 8, gaps, isAlive: false }] }, HASWELL);
    expect(dead.verdict).toBe('compatible');
  });
});

describe('a mask that the target has to keep up', () => {
  const mask = { ...baselineOfPlans([HASWELL, NO_AVX]), name: 'pool' };
  const faulting = (works: boolean) => ({
    ...HASWELL,
    system: { cpuidFaulting: { works, reason: 'the CPU lacks it' } },
  });

  it.each<[string, HostPlan, RecordedMask | undefined, readonly string[]]>([
    ['where CPUID faults', faulting(true), mask, []],
    ["where it doesn't", faulting(false), mask, ['mask-unavailable']],
    ['where that is unknown', HASWELL, mask, []],
    ['of tasks without one', faulting(false), undefined, []],
  ])('%s', (_, to, recorded, blockers) => {
    const report = ask({ from: HASWELL, ...(recorded ? { mask: recorded } : {}) }, to);
    expect(codes(report.findings, 'blocker')).toEqual(blockers);
  });
});

describe('state in use now', () => {
  it.each<[string, ProcessPlan, HostPlan, blockers: string[]]>([
    ['that the target has', { inUse: 7n }, HASWELL, []],
    ['that the target lacks', { inUse: 0x27n }, HASWELL, ['state-in-use']],
    [
      "that CRIU hasn't saved",
      { inUse: 0x40003n, lost: 0x40000n },
      INTEL_AMX,
      ['state-not-dumped'],
    ],
    ['of a zombie', { inUse: 0x27n, isAlive: false }, HASWELL, []],
  ])('%s', (_, plan, to, blockers) => {
    const report = ask({ from: to, processes: [plan] }, to, { criuVersion: '4.1' });
    expect(codes(report.findings, 'blocker')).toEqual(blockers);
  });

  it('is unknown where the target does not tell what it enables', () => {
    const report = ask(
      { from: HASWELL, processes: [{ inUse: 7n }] },
      { ...HASWELL, maskUntold: true },
    );
    expect(report.verdict).toBe('unknown');
    expect(codes(report.findings, 'unknown')).toContain('state-in-use');
  });

  it('that the mask hides makes the mask no proof', () => {
    const mask = { ...baselineOfPlans([INTEL_512, HASWELL]), name: 'pool' };
    const folder = (inUse: bigint) => ({ from: INTEL_512, mask, processes: [{ inUse }] });
    expect(ask(folder(7n), INTEL_512).verdict).toBe('compatible');
    const bypassed = ask(folder(0x27n), INTEL_512);
    expect(codes(bypassed.findings, 'risk')).toEqual(['mask-bypassed']);
    expect(bypassed.mask).toBeUndefined();
    const refused = ask(folder(0x27n), HASWELL);
    expect(codes(refused.findings, 'blocker')).toContain('instruction-missing');
    expect(codes(refused.findings, 'blocker')).toContain('state-in-use');
  });
});

/** Another code on one line: what one pair of hosts with one frame gives. */
describe('a signal handler that runs', () => {
  const frameFinding = (folder: FolderPlan, to: HostPlan) =>
    ask(folder, to).findings.find(({ code }) => code === 'signal-frame-layout')?.severity;

  // Linux: a frame larger than its own gives x87 and SSE alone, and no error.
  it.each<[string, HostPlan, HostPlan, Partial<SignalFrame>, Finding['severity'] | undefined]>([
    ['the same CPU', HASWELL, HASWELL, { inUse: 7n }, undefined],
    ['a larger area', HASWELL, INTEL_512, { inUse: 7n }, undefined],
    ['a smaller area, with AVX', WITH_KEYS, HASWELL, { areaBytes: 2696, inUse: 7n }, 'blocker'],
    ['a smaller area, without', WITH_KEYS, HASWELL, { areaBytes: 2696, inUse: 3n }, undefined],
    [
      'a smaller area, with PKRU',
      WITH_KEYS,
      HASWELL,
      { areaBytes: 2696, inUse: 0x203n },
      undefined,
    ],
    ['no AVX', HASWELL, NO_AVX, { inUse: 7n }, 'blocker'],
    ['other places, in use', AMD, INTEL_512, { areaBytes: 2432, inUse: 0xe7n }, 'blocker'],
    ['other places, AVX alone', AMD, INTEL_512, { areaBytes: 2432, inUse: 7n }, undefined],
    ['AMX, which no frame has', INTEL_512, INTEL_AMX, { areaBytes: 2688, inUse: 0xe7n }, undefined],
    ['less than the AMX host', INTEL_AMX, INTEL_512, { areaBytes: 2688, inUse: 0xe7n }, undefined],
  ])('to a host with %s', (_, from, to, frame, severity) => {
    expect(frameFinding({ from, processes: [{ frames: [frame] }] }, to)).toBe(severity);
  });

  it("is unknown where the places aren't told", () => {
    const placeless: HostPlan = { ...INTEL_512, places: YMM };
    const frame = { areaBytes: 2688, inUse: 0xe7n };
    const folder = { from: placeless, processes: [{ frames: [frame] }] };
    expect(frameFinding(folder, INTEL_512)).toBe('unknown');
  });

  it('may be there where nobody could look: that counts where its frame would be read wrongly', () => {
    const unseen = (from: HostPlan | undefined) => ({
      ...(from === undefined ? {} : { from }),
      processes: [{ frames: 'untold' as const }],
    });
    expect(frameFinding(unseen(HASWELL), HASWELL)).toBeUndefined();
    expect(frameFinding(unseen(HASWELL), INTEL_512)).toBeUndefined();
    expect(frameFinding(unseen(WITH_KEYS), HASWELL)).toBe('unknown');
    expect(frameFinding(unseen(AMD), INTEL_512)).toBe('unknown');
    expect(frameFinding(unseen(undefined), HASWELL)).toBe('unknown');
  });

  it('is named with its thread, or with the processes in which there may be one', () => {
    const said = (...processes: ProcessPlan[]) =>
      ask({ from: WITH_KEYS, processes }, HASWELL)
        .findings.filter(({ code }) => code === 'signal-frame-layout')
        .map(({ effect }) => effect);
    const unseen = (pid: number) => ({ pid, frames: 'untold' as const });
    const frame = { tid: 9, areaBytes: 2696, inUse: 7n };
    expect(said({ frames: [frame] })).toEqual([
      expect.stringMatching(
        /^A signal handler of thread 9 .* \(2696 bytes\) holds ymm_hi128 state that .* drops or misreads/,
      ),
    ]);
    const placeless = ask(
      {
        from: { ...INTEL_512, places: YMM },
        processes: [{ frames: [{ ...frame, areaBytes: 2688, inUse: 0xe7n }] }],
      },
      INTEL_512,
    ).findings.find(({ code }) => code === 'signal-frame-layout');
    expect(placeless?.effect).toMatch(/ zmm_hi256, hi16_zmm state, and whether .* is unknown\.$/);
    const some = 'Whether a signal handler is running in process 7 (server)';
    const why = ' is unknown: its memory was not dumped.';
    expect(said(unseen(7))).toEqual([expect.stringContaining(`${some}${why}`)]);
    expect(said(unseen(7), unseen(8))).toEqual([
      expect.stringContaining(`${some} and 1 more${why}`),
    ]);
  });
});

describe('a thread that binds a function', () => {
  const inFlight = (folder: FolderPlan, to: HostPlan) =>
    ask(folder, to)
      .findings.filter(({ code }) => code === 'binding-in-flight')
      .map(({ severity, facts }) => [severity, facts.what, facts.state]);
  const masked = (from: HostPlan, saved: ProcessPlan['saved']): FolderPlan => ({
    from,
    mask: { ...baselineOfPlans([from, HASWELL]), name: 'pool' },
    processes: [{ saved: saved ?? [] }],
  });
  const refused = ['blocker', 'refused', ['opmask', 'zmm_hi256', 'hi16_zmm']];
  const standard = (components: bigint): Partial<SavedState> => ({
    format: 'standard',
    components,
    xstateBv: components,
  });

  // Intel SDM vol. 1, 13.8.2: #GP for XCOMP_BV with a bit that XCR0 lacks, in use or not.
  it.each<[string, HostPlan, HostPlan, Partial<SavedState>, unknown[]]>([
    [
      'AVX-512 that the target lacks, although nothing is in use',
      INTEL_512,
      HASWELL,
      {},
      [refused],
    ],
    ['AVX-512 that the target has elsewhere, packed', AMD, INTEL_512, {}, []],
    ['AVX alone', INTEL_512, HASWELL, { components: 6n }, []],
    ['to a host like its own', INTEL_512, INTEL_512, {}, []],
    // 13.8.1: of the standard format, XSTATE_BV counts.
    ['in the standard format, with AVX', INTEL_512, HASWELL, standard(7n), []],
    ['in the standard format, with AVX-512', INTEL_512, HASWELL, standard(0xe7n), [refused]],
    [
      'in the standard format, with AVX-512 that lies elsewhere',
      AMD,
      INTEL_512,
      standard(0xe7n),
      [['blocker', 'moved', ['opmask', 'zmm_hi256', 'hi16_zmm']]],
    ],
    [
      'on a CPU without XSAVE',
      HASWELL,
      { ...NO_AVX, features: [], mask: 0n },
      {},
      [['blocker', 'refused', ['sse', 'ymm_hi128', 'opmask', 'zmm_hi256', 'hi16_zmm']]],
    ],
  ])('%s', (_, from, to, saved, found) =>
    expect(inFlight(masked(from, [saved]), to)).toEqual(found),
  );

  it('is looked at whatever the mask says, and refuses what else could move', () => {
    const calm = ask(masked(INTEL_512, []), HASWELL);
    expect(calm.verdict).toBe('compatible');
    const report = ask(masked(INTEL_512, [{ tid: 9 }]), HASWELL);
    expect(report.verdict).toBe('incompatible');
    expect(report.findings[0]).toMatchObject({ code: 'binding-in-flight', remedy: 'dump-again' });
    expect(report.findings[0]?.effect).toMatch(
      /^glibc has saved registers on the stack of thread 9, .* ends the task, mask or not\.$/,
    );
  });

  it('is unknown where the target does not tell what it enables', () =>
    expect(inFlight(masked(INTEL_512, [{}]), { ...INTEL_512, maskUntold: true })).toMatchObject([
      ['unknown', 'unknown', expect.arrayContaining(['hi16_zmm'])],
    ]));

  it('may be there where nobody could look: that counts where its registers would be refused', () => {
    expect(inFlight(masked(INTEL_512, 'untold'), HASWELL)).toEqual([
      ['unknown', 'unknown', ['opmask', 'zmm_hi256', 'hi16_zmm']],
    ]);
    expect(inFlight(masked(INTEL_512, 'untold'), INTEL_512)).toEqual([]);
    expect(inFlight(masked(HASWELL, 'untold'), HASWELL)).toEqual([]);
    const sentence = ask(masked(INTEL_512, 'untold'), HASWELL).findings.map(({ effect }) => effect);
    expect(sentence).toContainEqual(
      expect.stringMatching(
        /^Whether a thread of process 7 \(server\) is binding .*: its memory was not dumped\./,
      ),
    );
  });

  it('saves without XSAVEC where each CPU has its places', () => {
    const plain = (plan: HostPlan): HostPlan => ({
      ...plan,
      features: V4.filter((name) => name !== 'xsavec'),
    });
    expect(inFlight(masked(plain(AMD), 'untold'), plain(INTEL_512))).toMatchObject([
      ['unknown', 'unknown', ['opmask', 'zmm_hi256', 'hi16_zmm']],
    ]);
    expect(inFlight(masked(AMD, 'untold'), INTEL_512)).toEqual([]);
  });
});

describe("glibc's room for lazy binding", () => {
  const saves = (instruction: 'xsave' | 'xsavec', areaBytes: number, components = 0xeen) => ({
    instruction,
    areaBytes,
    components,
  });
  const xsave = (areaBytes: number): LazyBinding => ({
    kind: 'chosen',
    ways: [saves('xsave', areaBytes)],
  });
  const growth = (
    from: HostPlan,
    to: HostPlan,
    ...bindings: NonNullable<ProcessPlan['binding']>[]
  ) =>
    ask({ from, processes: bindings.map((binding, place) => ({ binding, pid: place + 7 })) }, to)
      .findings.filter(({ code }) => code === 'xsave-area-grows')
      .map(({ severity }) => severity);

  it('that AVX-512 overruns is a blocker', () => {
    expect(growth(HASWELL, INTEL_512, xsave(832))).toEqual(['blocker']);
    expect(growth(HASWELL, INTEL_512, { kind: 'none' }, xsave(832))).toEqual(['blocker']);
  });

  it('that is large enough leaves a risk for others who save', () => {
    expect(growth(HASWELL, INTEL_512, xsave(2752))).toEqual(['risk']);
    expect(growth(HASWELL, INTEL_512, { kind: 'none' })).toEqual(['risk']);
  });

  it('is untouched by PKRU, which glibc does not save', () => {
    expect(growth(HASWELL, WITH_KEYS, xsave(832))).toEqual(['risk']);
  });

  it('that is not known stays the worst case', () => {
    expect(growth(HASWELL, INTEL_512, 'untold')).toEqual(['blocker']);
    expect(growth(HASWELL, INTEL_512, xsave(2752), 'untold')).toEqual(['blocker']);
    expect(growth(HASWELL, WITH_KEYS, 'untold')).toEqual(['blocker']);
  });

  it('is small from an earlier host, though both hosts are alike now', () => {
    expect(growth(INTEL_512, INTEL_512, xsave(832))).toEqual(['blocker']);
  });

  it('with XSAVEC is no blocker, and plain XSAVE on a CPU with XSAVEC is', () => {
    const smaller: HostPlan = { ...HASWELL, features: [...HASWELL.features, 'xsavec'] };
    const compact: LazyBinding = { kind: 'chosen', ways: [saves('xsavec', 832)] };
    expect(growth(smaller, INTEL_512, compact)).toEqual(['risk']);
    expect(growth(smaller, INTEL_512, xsave(832))).toEqual(['blocker']);
  });

  describe('that XSAVEC saves into', () => {
    const withMpx: HostPlan = {
      ...INTEL_512,
      name: 'mpx',
      mask: 0xffn,
      places: { ...INTEL_AVX512, 3: [64, 960], 4: [64, 1024] },
    };
    const avx: HostPlan = { ...HASWELL, features: [...HASWELL.features, 'xsavec'] };
    const packed = (areaBytes: number, components = 0xeen): LazyBinding => ({
      kind: 'chosen',
      ways: [saves('xsavec', areaBytes, components)],
    });
    const shift = (
      from: HostPlan,
      to: HostPlan,
      ...bindings: NonNullable<ProcessPlan['binding']>[]
    ) =>
      ask({ from, processes: bindings.map((binding, place) => ({ binding, pid: place + 7 })) }, to)
        .findings.filter(({ code }) => code === 'compacted-area-grows')
        .map(({ severity, facts }) => [severity, facts.process, facts.before]);

    it('is overrun where MPX moves AVX-512 behind it', () =>
      expect(shift(INTEL_512, withMpx, packed(2432))).toEqual([
        ['blocker', 'process 7 (server)', 2432],
      ]));
    it('is large enough where it was reserved on a host that shows MPX, whatever the source says', () =>
      expect(shift(INTEL_512, withMpx, packed(2496))).toEqual([]));
    it('is the worst of all processes', () =>
      expect(shift(INTEL_512, withMpx, packed(2496), packed(2432))).toEqual([
        ['blocker', 'process 8 (server)', 2432],
      ]));
    it('is small from an earlier host, though both hosts are alike now', () =>
      expect(shift(INTEL_512, INTEL_512, packed(832))).toEqual([
        ['blocker', 'process 7 (server)', 832],
      ]));
    it('may be too small for what is new at the target: a risk', () =>
      expect(shift(avx, INTEL_512, packed(832))).toEqual([['risk', 'process 7 (server)', 832]]));
    it('of objects that are loaded later counts where it is not known whether glibc saw XSAVEC', () => {
      const idle: LazyBinding = { kind: 'idle', ways: [saves('xsavec', 832)] };
      const untoldXsavec: HostPlan = {
        ...INTEL_512,
        features: V4.filter((name) => name !== 'xsavec'),
        untold: ['xsavec'],
      };
      expect(shift(untoldXsavec, INTEL_512, idle)).toEqual([
        ['unknown', 'process 7 (server)', 832],
      ]);
      expect(shift(INTEL_512, INTEL_512, idle)).toEqual([['blocker', 'process 7 (server)', 832]]);
    });
    it('is overrun by registers that are marked as in use, whatever they hold', () => {
      const mask = { ...baselineOfPlans([INTEL_512, avx]), name: 'pool' };
      const folder = (xstateBv: bigint): FolderPlan => ({
        from: INTEL_512,
        mask,
        processes: [{ binding: packed(1408), inUse: 7n, xstateBv }],
      });
      const found = (xstateBv: bigint) =>
        ask(folder(xstateBv), INTEL_512)
          .findings.filter(({ code }) => code === 'compacted-area-grows')
          .map(({ severity, facts }) => [severity, facts.before, facts.after]);
      expect(found(7n)).toEqual([['risk', 1408, 2432]]);
      expect(found(0x87n)).toEqual([['blocker', 1408, 2432]]);
    });
    it('that is not known stays the worst case', () => {
      expect(shift(INTEL_512, withMpx, 'untold')).toEqual([['blocker', null, 2432]]);
      expect(shift(INTEL_512, withMpx, packed(2496), 'untold')).toEqual([['blocker', null, 2432]]);
    });
    it('does not matter where nothing binds lazily', () =>
      expect(shift(INTEL_512, withMpx, { kind: 'none' })).toEqual([]));
    it('of TLS descriptors is what the table says, for a glibc that has them', () => {
      expect(shift(INTEL_512, withMpx, packed(2496, 0x800een))).toEqual([]);
      expect(shift(avx, INTEL_AMX, packed(2496, 0x800een))).toEqual([
        ['risk', 'process 7 (server)', 896],
      ]);
    });
  });

  it('of TLS descriptors is what the memory holds, where that is seen', () => {
    const noMpx: HostPlan = { ...INTEL_512, features: V4 };
    const lazy = { instruction: 'xsavec', areaBytes: 2496, components: 0x800een } as const;
    const found = (tlsBytes: number) =>
      ask(
        {
          from: noMpx,
          processes: [
            {
              binding: { kind: 'chosen', ways: [lazy] },
              sizes: [
                {
                  ...lazy,
                  components: 0xe00een,
                  areaBytes: tlsBytes,
                  bytes: tlsBytes + 64,
                  address: 0x7000n,
                  between: [],
                },
              ],
            },
          ],
        },
        noMpx,
      )
        .findings.filter(({ code }) => code === 'compacted-area-grows')
        .map(({ severity, facts }) => [severity, facts.before, facts.after]);
    expect(found(2432)).toEqual([]);
    expect(found(1408)).toEqual([['blocker', 1408, 2432]]);
  });

  it('of objects that are loaded later goes by the CPU that glibc saw', () => {
    const smaller: HostPlan = { ...HASWELL, features: [...HASWELL.features, 'xsavec'] };
    const idle: LazyBinding = { kind: 'idle', ways: [saves('xsave', 832), saves('xsavec', 832)] };
    expect(growth(smaller, INTEL_512, idle)).toEqual(['risk']);
    expect(growth(HASWELL, INTEL_512, idle)).toEqual(['blocker']);
    // A mask that hides XSAVEC, and shows too small a size.
    const mask = { ...baselineOfPlans([HASWELL]), name: 'pool' };
    const masked = ask({ from: smaller, mask, processes: [{ binding: idle }] }, INTEL_512);
    expect(codes(masked.findings, 'blocker')).toContain('xsave-area-grows');
  });

  // Since 2.39 TLS descriptors have a trampoline that saves AMX's state too, and room for it.
  it('is asked of each trampoline that is in use, by what that one saves', () => {
    const withTls = (areaBytes: number): LazyBinding => ({
      kind: 'chosen',
      ways: [saves('xsave', 2752), saves('xsave', areaBytes, 0x600efn)],
    });
    expect(growth(INTEL_AMX, INTEL_AMX, withTls(11_072))).toEqual([]);
    expect(growth(INTEL_AMX, INTEL_AMX, withTls(2752))).toEqual(['blocker']);
  });
});

describe('with --repair', () => {
  const SKYLAKE: HostPlan = { ...INTEL_512, features: [...new Set([...V4, ...HASWELL.features])] };
  const kept = (bytes: number, between: readonly number[] = []): KeptSize => ({
    instruction: 'xsave',
    components: 0xeen,
    areaBytes: bytes - 64,
    bytes,
    address: 0x7000n,
    between,
  });
  const dumped = (bytes: number, more: ProcessPlan = {}): FolderPlan => ({
    from: HASWELL,
    processes: [
      {
        binding: {
          kind: 'chosen',
          ways: [{ instruction: 'xsave', areaBytes: bytes - 64, components: 0xeen }],
        },
        sizes: [kept(bytes)],
        ...more,
      },
    ],
  });

  it('the verdict is of the tasks as they are then, as if they had kept enough from the start', () => {
    const plain = ask(dumped(896), SKYLAKE);
    expect(plain.verdict).toBe('incompatible');
    expect(plain.repair).toMatchObject({ verdict: 'at-risk', isAsked: false, between: [] });
    const repaired = ask(dumped(896), SKYLAKE, { repair: true });
    expect(repaired).toMatchObject({ verdict: 'at-risk', permitted: false, forced: false });
    expect(repaired.repair).toMatchObject({ verdict: 'at-risk', isAsked: true });
    const enough = ask(dumped(2752), SKYLAKE);
    expect(repaired.findings.filter(({ code }) => code !== 'stack-taken')).toEqual(enough.findings);
    expect(ask(dumped(896), SKYLAKE, { repair: true, failOn: 'unknown' })).toMatchObject({
      permitted: true,
      forced: false,
    });
  });

  it('is in the JSON of the report, and in a line of its text where it makes the verdict better', () => {
    const style = { colors: picocolors.createColors(false), width: 200 };
    const said = (folder: FolderPlan, options?: GateOptions) => {
      const report = ask(folder, SKYLAKE, options);
      const json = JSON.parse(JSON.stringify(reportJson(report)));
      expect(validateCheck(json), JSON.stringify(validateCheck.errors)).toBe(true);
      const [, text] = checkText(report, style, false).split('\nRepair\n');
      return { json: json.repair, text };
    };
    const processes = [{ pid: 7, sizes: [{ before: 896, after: 2752 }] }];
    const offered = said(dumped(896));
    expect(offered.json).toEqual({ verdict: 'at-risk', asked: false, processes, between: [] });
    expect(offered.text).toMatch(
      /^ {2}"cpugate restore --repair" makes this at-risk: .* in a process /,
    );
    const asked = said(dumped(896), { repair: true });
    expect(asked.json).toEqual({ verdict: 'at-risk', asked: true, processes, between: [] });
    expect(asked.text).toBeUndefined();
    const between = said(dumped(896, { sizes: [kept(896, [9])] }));
    expect(between.json).toMatchObject({ processes: [], between: [9] });
    expect(between.text).toMatch(/^ {2}--repair can't .* thread 9, .*Dump again/);
    expect(said(dumped(2752))).toEqual({ json: undefined, text: undefined });
  });

  it('says how much more stack is taken, as a risk', () => {
    const { findings } = ask(dumped(896), SKYLAKE, { repair: true });
    expect(findings.find(({ code }) => code === 'stack-taken')).toMatchObject({
      severity: 'risk',
      facts: { process: 'process 7 (server)', processes: 1, before: 896, after: 2752 },
    });
    expect(ask(dumped(896), SKYLAKE).findings.map(({ code }) => code)).not.toContain('stack-taken');
  });

  it('nothing else that blocks is forgiven', () => {
    const busy = dumped(896, { inUse: 0x47n });
    const report = ask(
      { ...busy, from: SKYLAKE, processes: busy.processes ?? [] },
      { ...SKYLAKE, mask: 0x7n, features: V3 },
      { repair: true },
    );
    expect(report.verdict).toBe('incompatible');
  });

  it('nothing is offered where nothing is too small, or where it cannot be done', () => {
    expect(ask(dumped(2752), SKYLAKE).repair).toBeUndefined();
    expect(
      ask({ from: HASWELL, processes: [{ binding: 'untold' }] }, SKYLAKE).repair,
    ).toBeUndefined();
    const between = ask(dumped(896, { sizes: [kept(896, [9])] }), SKYLAKE, { repair: true });
    expect(between).toMatchObject({
      verdict: 'incompatible',
      repair: { verdict: 'incompatible', repairs: [], between: [9] },
    });
  });
});

describe('CRIU itself', () => {
  it.each<[string | undefined, HostPlan, Finding['severity'] | undefined]>([
    ['3.17.1', INTEL_AMX, 'blocker'],
    ['3.18', INTEL_AMX, 'blocker'],
    ['3.19', INTEL_AMX, undefined],
    ['4.1.1', INTEL_AMX, undefined],
    ['4.2', INTEL_AMX, undefined],
    ['10.0', INTEL_AMX, undefined],
    ['3.17.1-2', INTEL_AMX, 'blocker'],
    ['3.9.9', INTEL_AMX, 'blocker'],
    ['3.19-rc1', INTEL_AMX, undefined],
    ['99999999999999999999.3.1', INTEL_AMX, 'risk'],
    [undefined, INTEL_AMX, 'risk'],
    ['unknown', INTEL_AMX, 'risk'],
    ['3.17.1', INTEL_512, undefined],
  ])('%s', (criuVersion, to, severity) => {
    const report = ask({ from: to }, to, criuVersion === undefined ? {} : { criuVersion });
    expect(report.findings.find(({ code }) => code === 'criu-too-old')?.severity).toBe(severity);
  });

  it('forgets the permission to use INTEL_AMX, which a mask without AMX makes harmless', () => {
    const options = { criuVersion: '4.1' };
    expect(codes(ask({ from: INTEL_AMX }, INTEL_AMX, options).findings, 'risk')).toEqual([
      'permission-lost',
    ]);
    const mask = { ...baselineOfPlans([INTEL_AMX, INTEL_512]), name: 'pool' };
    expect(ask({ from: INTEL_AMX, mask }, INTEL_AMX, options).verdict).toBe('compatible');
  });
});

describe('alternate signal stacks', () => {
  it('are as large as the smallest that any process was told, on whatever host', () => {
    const to = { ...HASWELL, system: { minSigStackBytes: 3632 } };
    const grows = (auxv: ProcessPlan['auxv']) =>
      codes(
        ask({ from: to, processes: [{ auxv: auxv ?? [] }, { auxv: [], pid: 8 }] }, to).findings,
        'risk',
      );
    expect(grows([[51, 3632n]])).toEqual([]);
    expect(grows([[51, 1776n]])).toEqual(['signal-frame-grows']);
  });
});

describe('modes, --allow and --fail-on', () => {
  it('weigh what images tell as they weigh the rest', () => {
    const folder = { from: INTEL_512, processes: [{ inUse: 0x23n }] };
    const allowed = ask(folder, HASWELL, { allow: ['opmask', 'avx512f'] });
    const state = allowed.findings.find(({ code }) => code === 'state-in-use');
    expect(state).toMatchObject({ severity: 'info', allowedFrom: 'blocker' });
    const risky = { from: HASWELL };
    expect(ask(risky, WITH_KEYS)).toMatchObject({ verdict: 'at-risk', permitted: false });
    expect(ask(risky, WITH_KEYS, { failOn: 'unknown' })).toMatchObject({ permitted: true });
  });

  it("give CRIU's own answer beside the gate's", () => {
    const report = ask({ from: INTEL_512, processes: [{ inUse: 0x27n }] }, HASWELL, {
      mode: 'criu:default',
    });
    expect(report.criu?.portable).toBe('incompatible');
  });
});
