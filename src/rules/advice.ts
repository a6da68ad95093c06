/** What to do, where several rules advise the same. Without a context they speak of any two hosts. */
import { COMPONENTS, type FeatureName, isLegacyState } from '../catalogue/index.js';
import { ABSENT, PRESENT, presenceInMask } from '../model/xsave.js';
import type { Context } from './context.js';

/** What is typed for the two: their names, where these tell them apart and are single words. */
function typedNames(context: Context | undefined): string {
  const names = context === undefined ? [] : [context.from.name, context.to.name];
  const areWords = names.every((name) => /^[\w.,:@+/][\w.,:@+/-]*$/.test(name));
  return names.length === 2 && areWords && names[0] !== names[1] ? names.join(' ') : 'FROM TO';
}

export const BASELINE = (context?: Context) =>
  'Start new tasks under a mask that shows only what both hosts have: "cpugate baseline ' +
  `${typedNames(context)} -o both.json", then "cpugate run --mask both.json -- COMMAND". Masking needs CPUID ` +
  'faulting; without it, use VMs with a CPU model that both hosts can give ("cpugate export both.json --for ' +
  'libvirt", or qemu), "--for glibc" for what only libc uses, or "--for crac" for a JVM with CRaC. Tasks that are ' +
  'already running stay on hosts like their own.';

/** By which Linux enables state at the target that the source hasn't got. */
function newState({ from, to }: Context): FeatureName[] {
  const added = COMPONENTS.filter(
    ({ bit, kind }) =>
      kind === 'user' &&
      !isLegacyState(bit) &&
      presenceInMask(from.xsave.enabled, bit) === ABSENT &&
      presenceInMask(to.xsave.enabled, bit) === PRESENT,
  );
  const features = new Set<FeatureName>(added.flatMap(({ enabledBy }) => [...enabledBy]));
  return [...features].filter((name) => to.effective(name) === PRESENT);
}

export const SMALLER_AREA = (context?: Context) => {
  const added = context === undefined ? [] : newState(context);
  const clearing =
    added.length === 0
      ? 'clearcpuid= and the features whose state is new there'
      : `clearcpuid=${added.join(',')}`;
  return (
    "Start the tasks under a baseline of both hosts: it shows the target's size from the start. Or keep the " +
    "target's XSAVE area as small as the source's: use a VM with the source's CPU model, or boot the target " +
    `with ${clearing}. Programs linked with -z now do not bind lazily.`
  );
};

export const RECORD =
  'Record both hosts with "cpugate probe -o FILE", which leaves nothing out, and check again.';

export const STAY_WITH_STATE =
  'Keep these tasks on hosts that have the state. To be able to move others, start them under a mask that ' +
  'hides it: "cpugate run --mask".';

export const WITHOUT_AMX = (context?: Context) =>
  `Start new tasks under a baseline without AMX: "cpugate baseline ${typedNames(context)} --without amx_tile -o FILE". ` +
  'Tasks that run already stay on hosts with the same tiles.';

export const FOR_THE_WAY_BACK =
  'For tasks that start at the target and shall move back: a baseline of both hosts.';
