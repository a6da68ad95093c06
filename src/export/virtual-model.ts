/**
 * The CPU of a virtual machine: the named model that is nearest to a baseline, and what has to be
 * added to it and taken from it so that tasks in the machine see the baseline.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type Cluster, hardwareGroups } from '../baseline/cluster.js';
import { joinKernelBits, kernelFeatureNames } from '../baseline/kernel-bits.js';
import { findNearest } from '../baseline/nearest.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureIndex } from '../catalogue/index.js';
import { ENCLAVES } from '../catalogue/kvm-features.js';
import { modelKernelFeatures } from '../catalogue/model-kernel-features.js';
import { QEMU_MODELS, type QemuModel } from '../catalogue/qemu-models.js';
import { printable } from '../model/printable.js';
import { condition, notExpressed, note, type Remark } from './remark.js';

export interface VirtualModel {
  readonly model: QemuModel;
  /** In the catalogue's order. */
  readonly plus: readonly FeatureName[];
  readonly minus: readonly FeatureName[];
  /** What the model shows to kernels alone and some host lacks, or may lack: it would keep the machine from starting. */
  readonly off: readonly FeatureName[];
  /** The same that not every host's record tells; it stays. */
  readonly untold: readonly FeatureName[];
}

/** The guest's system sets these where it enables what they show. */
export const SET_BY_GUEST: ReadonlySet<FeatureName> = new Set(['osxsave', 'ospke']);

interface LeftOut {
  readonly names: readonly FeatureName[];
  readonly why: string;
  /** Absent: of every baseline. */
  readonly of?: (baseline: Baseline) => boolean;
}

/**
 * Linux turns XSAVES off on AMD's and Hygon's families 0x17 and 0x18 (erratum 1386; 6.3 and the stable
 * releases of March 2023), and then KVM has none to give. Shadow stacks came with the family after
 * them: hosts that all have those have a XSAVES that works.
 */
function mayLoseXsaves({ vendors, features }: Baseline): boolean {
  const isAmd = vendors.some((vendor) => /^(?:AuthenticAMD|HygonGenuine)$/.test(vendor));
  return isAmd && !features.includes('shstk');
}

/** Features that are left out although the baseline has them, and why. */
const LEFT_OUT: readonly LeftOut[] = [
  {
    names: ['nonstop_tsc'],
    why: 'a guest with it (invtsc) moves to another host only where the frequency of its TSC is fixed as well',
  },
  {
    names: ENCLAVES,
    why: 'enclaves need memory of their own, and no guest with one moves',
  },
  {
    names: ['waitpkg'],
    why: 'QEMU gives it to no named model, only to -cpu host with -overcommit cpu-pm=on',
  },
  { names: ['lwp', 'ptwrite'], why: 'KVM has no such state for guests' },
  {
    names: ['xsaves'],
    why: 'Linux turns it off on AMD CPUs before Zen 3 (erratum 1386), and a guest that requires it does not start there; no task needs it',
    of: mayLoseXsaves,
  },
];

function leftOutOf(baseline: Baseline): readonly LeftOut[] {
  return LEFT_OUT.filter(({ of }) => of === undefined || of(baseline));
}

/** Why the machine can't or mustn't show some of the baseline. */
export function leftOut(baseline: Baseline): readonly Remark[] {
  return leftOutOf(baseline).flatMap(({ names, why }) => {
    const had = names.filter((name) => baseline.features.includes(name));
    return had.length === 0 ? [] : [notExpressed(`${had.join(', ')} left out: ${why}.`)];
  });
}

/** Kernels count on them: they stay where a baseline doesn't list them, for a host's record lacks them. */
function keptAnyway(baseline: Baseline): readonly FeatureName[] {
  if (!baseline.features.includes('lm')) return [];
  return EVERY_64_BIT_CPU.filter((name) => !baseline.features.includes(name));
}

export function keptNotes(baseline: Baseline): readonly Remark[] {
  const kept = keptAnyway(baseline);
  return kept.length === 0
    ? []
    : [
        note(
          `${kept.join(', ')} stay, although the baseline doesn't list them: every 64-bit CPU has them, and kernels count on them.`,
        ),
      ];
}

/** What is to be told to the machine: neither left out nor the guest's own. */
export function wantedFeatures(baseline: Baseline): readonly FeatureName[] {
  const omitted = new Set(leftOutOf(baseline).flatMap(({ names }) => names));
  const unwanted = (name: FeatureName) => SET_BY_GUEST.has(name) || omitted.has(name);
  return [...baseline.features.filter((name) => !unwanted(name)), ...keptAnyway(baseline)];
}

/** Of hosts of one vendor that vendor's models, and always those of none. */
function fits(model: QemuModel, vendors: readonly string[]): boolean {
  return model.vendor === undefined || (vendors.length === 1 && vendors[0] === model.vendor);
}

/**
 * QEMU shows with it what is in a register that only kernels can read (rdctl-no, mds-no …), and asks the
 * host for each of these bits; no record of a host has them.
 */
const BEHIND_REGISTER: FeatureName = 'arch_capabilities';

/** What the model shows to kernels alone, by what is known of the hosts. */
function sortKernelFeatures(
  model: QemuModel,
  cluster: Cluster,
): Pick<VirtualModel, 'off' | 'untold'> {
  const bits = hardwareGroups(cluster).map(({ kernel }) => kernel);
  const { had, lacked } = kernelFeatureNames(bits.reduce(joinKernelBits));
  const shown = [...modelKernelFeatures(model.name)].sort(
    (a, b) => featureIndex(a) - featureIndex(b),
  );
  const off = shown.filter((name) => name === BEHIND_REGISTER || lacked.includes(name));
  return { off, untold: shown.filter((name) => !off.includes(name) && !had.includes(name)) };
}

/** Of models that show tasks the same, the one that hosts lack least of; of these the last, which has the mitigations. */
function bestOfAlike(models: readonly QemuModel[], cluster: Cluster): readonly QemuModel[] {
  const best = new Map<string, { readonly model: QemuModel; readonly missing: number }>();
  for (const model of models) {
    const key = [...model.features].sort().join(' ');
    const missing = sortKernelFeatures(model, cluster).off.length;
    if (missing <= (best.get(key)?.missing ?? Number.POSITIVE_INFINITY))
      best.set(key, { model, missing });
  }
  return [...best.values()].map(({ model }) => model);
}

/** Takes only models that the program at hand has (isThere). */
export function chooseModel(
  wanted: readonly FeatureName[],
  { vendors, cluster }: Baseline,
  isThere: (model: QemuModel) => boolean,
): VirtualModel {
  const there = QEMU_MODELS.filter((one) => isThere(one) && fits(one, vendors));
  const usable = bestOfAlike(there, cluster);
  const nearest = findNearest(
    wanted,
    usable.map(({ name, features }) => ({ name, title: '', features })),
  );
  const model = usable.find(({ name }) => name === nearest?.name);
  if (model === undefined || nearest === undefined) throw new Error('no model to choose from');
  const { plus, minus } = nearest;
  return { model, plus, minus, ...sortKernelFeatures(model, cluster) };
}

/** What was found of what only the guest's kernel uses. */
export function kernelNotes(
  { off, untold }: VirtualModel,
  nameOf: (name: FeatureName) => string | undefined,
): readonly Remark[] {
  const names = (list: readonly FeatureName[]) =>
    list.map((name) => nameOf(name) ?? name).join(', ');
  const lacked = off.filter((name) => name !== BEHIND_REGISTER);
  return [
    ...(lacked.length === 0
      ? []
      : [
          note(
            `Turned off, for the model has it and not every host: ${names(lacked)}. Tasks see none of it.`,
          ),
        ]),
    ...(lacked.length === off.length
      ? []
      : [
          note(
            `${names([BEHIND_REGISTER])} is turned off: with it the model asks for what a register tells kernels alone (rdctl-no, mds-no and others), and no record of a host has that. A guest without it mitigates more than it may have to. Take the word out, and the machine starts where KVM has all of these.`,
          ),
        ]),
    ...(untold.length === 0
      ? []
      : [
          condition(
            `Every host has what only the guest's kernel uses of the model; some records leave open: ${names(untold)}. A record made by "cpugate probe" does not.`,
          ),
        ]),
  ];
}

/**
 * What machines of hosts with several vendors show. KVM moves between vendors (linux-kvm.org,
 * Migration); Red Hat's limitations for migrating virtual machines call it unsupported.
 */
export function vendorConditions(vendors: readonly string[]): readonly Remark[] {
  return vendors.length === 1
    ? []
    : [
        condition(
          `The hosts are of several vendors (${printable(vendors.join(', '))}): a guest goes on showing that of the host it was started on. Moving it to another vendor's CPU can work, but Red Hat and others don't support it.`,
        ),
      ];
}
