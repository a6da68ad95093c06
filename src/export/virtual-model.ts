/**
 * The CPU of a virtual machine: the named model that is nearest to a baseline, and what has to be
 * added to it and taken from it so that tasks in the machine see the baseline.
 */
import type { Baseline } from '../baseline/baseline.js';
import { findNearest } from '../baseline/nearest.js';
import { EVERY_64_BIT_CPU, type FeatureName } from '../catalogue/index.js';
import { QEMU_MODELS, type QemuModel } from '../catalogue/qemu-models.js';
import { printable } from '../model/printable.js';
import { condition, notExpressed, note, type Remark } from './remark.js';

export interface VirtualModel {
  readonly model: QemuModel;
  /** In the catalogue's order. */
  readonly plus: readonly FeatureName[];
  readonly minus: readonly FeatureName[];
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
    names: [
      'sgx',
      'sgx1',
      'sgx2',
      'sgx_edeccssa',
      'sgx_exinfo',
      'sgx_debug',
      'sgx_mode64',
      'sgx_provisionkey',
      'sgx_tokenkey',
      'sgx_kss',
      'sgx_aex_notify',
    ],
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

/** Of models that show the same, the last: the one with the mitigations. */
function lastOfAlike(models: readonly QemuModel[]): readonly QemuModel[] {
  const byFeatures = new Map<string, QemuModel>();
  for (const model of models) byFeatures.set([...model.features].sort().join(' '), model);
  return [...byFeatures.values()];
}

/** Takes only models that the program at hand has (isThere). */
export function chooseModel(
  wanted: readonly FeatureName[],
  vendors: readonly string[],
  isThere: (model: QemuModel) => boolean,
): VirtualModel {
  const usable = lastOfAlike(QEMU_MODELS.filter((one) => isThere(one) && fits(one, vendors)));
  const nearest = findNearest(
    wanted,
    usable.map(({ name, features }) => ({ name, title: '', features })),
  );
  const model = usable.find(({ name }) => name === nearest?.name);
  if (model === undefined || nearest === undefined) throw new Error('no model to choose from');
  return { model, plus: nearest.plus, minus: nearest.minus };
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
