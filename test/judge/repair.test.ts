/** Which sizes a restore makes larger, and when it leaves them alone. */
import { describe, expect, it } from 'vitest';
import { planRepair } from '../../src/judge/repair.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { ImageProcess, KeptSize, LazyBinding } from '../../src/model/image-folder.js';
import type { ImageEvidence } from '../../src/rules/context.js';
import { HASWELL, type HostPlan, hostOf, INTEL_512, INTEL_AMX } from '../hosts.js';
import { idleProcess } from '../image-processes.js';

const AVX: HostPlan = { ...HASWELL, features: [...HASWELL.features, 'xsavec'] };

/** glibc's code takes the size, and 64 bytes of it for general registers. */
function kept(
  instruction: KeptSize['instruction'],
  bytes: number,
  { address = 0x7000n, components = 0xeen, between = [] as readonly number[] } = {},
): KeptSize {
  return { instruction, bytes, areaBytes: Math.max(0, bytes - 64), components, address, between };
}

interface Plan {
  readonly sizes: readonly KeptSize[];
  readonly kind?: 'chosen' | 'idle';
  readonly chosen?: KeptSize['instruction'];
  readonly pid?: number;
}

function processOf({ sizes, kind = 'chosen', chosen = 'xsave', pid = 7 }: Plan): ImageProcess {
  const ways = sizes
    .filter(({ instruction }) => kind === 'idle' || instruction === chosen)
    .map(({ instruction, areaBytes, components }) => ({ instruction, areaBytes, components }));
  const binding: LazyBinding = { kind, ways };
  return idleProcess({
    pid,
    lazyBinding: { known: true, value: binding },
    keptSizes: { known: true, value: sizes },
  });
}

const evidence = (from: HostPlan, ...alive: ImageProcess[]): ImageEvidence => ({
  alive,
  source: describeHost(hostOf(from)),
  mask: undefined,
  criuVersion: undefined,
});

/** Address, before and after of all that is planned. */
function planned(from: HostPlan, to: HostPlan, ...plans: Plan[]) {
  const images = evidence(from, ...plans.map(processOf));
  const plan = planRepair(images, describeHost(hostOf(to)));
  return plan?.repairs.flatMap(({ pid, sizes }) =>
    sizes.map(({ address, before, after }) => [pid, address, before, after]),
  );
}

describe('what a restore makes larger', () => {
  // Standard format: Hi16_ZMM ends at 2688. Compacted without MPX: 576 + 256 + 64 + 512 + 1024 = 2432.
  it.each<[string, HostPlan, HostPlan, Plan, unknown[] | undefined]>([
    [
      'for plain XSAVE, what the standard format takes',
      HASWELL,
      INTEL_512,
      { sizes: [kept('xsave', 896)] },
      [[7, 0x7000n, 896, 2752]],
    ],
    [
      'for XSAVEC, what the compacted format takes',
      AVX,
      INTEL_512,
      { sizes: [kept('xsavec', 896)], chosen: 'xsavec' },
      [[7, 0x7000n, 896, 2496]],
    ],
    [
      'nothing that is large enough',
      HASWELL,
      INTEL_512,
      { sizes: [kept('xsave', 2752)] },
      undefined,
    ],
    [
      'nothing at a host like the source',
      HASWELL,
      HASWELL,
      { sizes: [kept('xsave', 896)] },
      undefined,
    ],
    ['nothing smaller', INTEL_512, HASWELL, { sizes: [kept('xsave', 2752)] }, undefined],
    [
      'nothing of code that glibc does not use',
      HASWELL,
      INTEL_512,
      { sizes: [kept('xsave', 0)] },
      undefined,
    ],
    [
      'one size once, for the code that the process uses',
      AVX,
      INTEL_512,
      { sizes: [kept('xsave', 896), kept('xsavec', 896)], chosen: 'xsavec' },
      [[7, 0x7000n, 896, 2496]],
    ],
    [
      'of code that is used later, by what glibc saw',
      AVX,
      INTEL_512,
      { sizes: [kept('xsave', 896), kept('xsavec', 896)], kind: 'idle' },
      [[7, 0x7000n, 896, 2496]],
    ],
    [
      'each place for itself: TLS descriptors save tiles, too',
      INTEL_512,
      INTEL_AMX,
      {
        sizes: [
          kept('xsavec', 2496, { components: 0x800een }),
          kept('xsavec', 2560, { components: 0xe00een, address: 0x7008n }),
        ],
        chosen: 'xsavec',
      },
      // 2432 and tiles: 64 behind it, then 8192 from the next multiple of 64.
      [[7, 0x7008n, 2560, 2432 + 64 + 8192 + 64]],
    ],
    [
      'the largest where code with more components shares a place',
      INTEL_512,
      INTEL_AMX,
      {
        sizes: [
          kept('xsavec', 2496, { components: 0x800een }),
          kept('xsavec', 2496, { components: 0xe00een }),
        ],
        chosen: 'xsavec',
      },
      [[7, 0x7000n, 2496, 2432 + 64 + 8192 + 64]],
    ],
  ])('%s', (_, from, to, plan, expected) => expect(planned(from, to, plan)).toEqual(expected));

  it('is nothing where the target does not tell what it enables', () =>
    expect(
      planned(HASWELL, { ...INTEL_512, maskUntold: true }, { sizes: [kept('xsave', 896)] }),
    ).toBeUndefined());

  it('is of each process its own', () =>
    expect(
      planned(
        HASWELL,
        INTEL_512,
        { sizes: [kept('xsave', 896)], pid: 8 },
        { sizes: [kept('xsave', 2752)], pid: 9 },
        { sizes: [kept('xsave', 1152, { address: 0x9000n })], pid: 10 },
      ),
    ).toEqual([
      [8, 0x7000n, 896, 2752],
      [10, 0x9000n, 1152, 2752],
    ]));

  it('spares a process with a thread that has taken its stack and not saved yet', () => {
    const standing = processOf({ sizes: [kept('xsave', 896, { between: [9] })] });
    const plan = planRepair(evidence(HASWELL, standing), describeHost(hostOf(INTEL_512)));
    expect(plan).toMatchObject({ repairs: [], between: [9] });
    expect(plan?.evidence.alive).toEqual([standing]);
  });

  it('is what the rules are shown then, and no more', () => {
    const images = evidence(HASWELL, processOf({ sizes: [kept('xsave', 896)] }));
    const [process] = planRepair(images, describeHost(hostOf(INTEL_512)))?.evidence.alive ?? [];
    expect(process).toEqual({
      ...images.alive[0],
      lazyBinding: {
        known: true,
        value: {
          kind: 'chosen',
          ways: [{ instruction: 'xsave', areaBytes: 2688, components: 0xeen }],
        },
      },
      keptSizes: { known: true, value: [kept('xsave', 2752)] },
    });
  });
});
