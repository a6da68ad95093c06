/**
 * gVisor's names of features (pkg/cpuid/features_amd64.go), two of them misspelt there. Every other feature of
 * these registers has Linux's flag for its name.
 */
import { type FeatureName, featureRow, ROWS } from './index.js';

/** Registers whose bits gVisor names, and tasks' features among them that it doesn't. */
const NAMED: Readonly<Record<string, readonly FeatureName[]>> = {
  '1.0.edx': [],
  '1.0.ecx': [],
  '7.0.ebx': ['sgx', 'pcommit', 'avx512ifma'],
  '7.0.ecx': ['key_locker', 'bus_lock_detect', 'enqcmd'],
  '7.0.edx': ['uintr'],
  'd.1.eax': ['xfd'],
  '80000001.0.ecx': ['cvt16'],
  '80000001.0.edx': [],
};

const SPELLING: Partial<Record<FeatureName, string>> = {
  clflushopt: 'clfushopt',
  shstk: 'cet_ss',
  zero_fcs_fds: 'fpcsds',
};

/** Came last: what a list lacks of it isn't known to be absent. */
const LATER = '7.0.edx';

function registerOf(name: FeatureName): string {
  const { leaf, subleaf, reg } = featureRow(name);
  return `${leaf.toString(16)}.${subleaf}.${reg}`;
}

/** Undefined: gVisor has no name for it. */
export function gvisorName(name: FeatureName): string | undefined {
  const nameless = NAMED[registerOf(name)];
  return nameless === undefined || nameless.includes(name) ? undefined : (SPELLING[name] ?? name);
}

let byName: ReadonlyMap<string, FeatureName> | undefined;

export function featureOfGvisorName(spelled: string): FeatureName | undefined {
  byName ??= new Map(
    ROWS.flatMap(({ name }) => {
      const own = gvisorName(name);
      return own === undefined ? [] : [[own, name] as const];
    }),
  );
  return byName.get(spelled);
}

/** Whether a list without the name says that the CPU lacks the feature. */
export function gvisorTells(name: FeatureName): boolean {
  return gvisorName(name) !== undefined && registerOf(name) !== LATER;
}
