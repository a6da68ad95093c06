/** What to do, where several rules advise the same. */

export const BASELINE =
  'Start new tasks under a mask that shows only what both hosts have: "cpugate baseline FROM TO -o ' +
  'both.json", then "cpugate run --mask both.json -- COMMAND". Masking needs CPUID faulting; without it, ' +
  'use VMs with a CPU model that both hosts can give ("cpugate export both.json --for libvirt", or qemu), ' +
  '"--for glibc" for what only libc uses, or "--for crac" for a JVM with CRaC. Tasks that are already running ' +
  'stay on hosts like their own.';

export const SMALLER_AREA =
  "Start the tasks under a baseline of both hosts: it shows the target's size from the start. Or keep the " +
  "target's XSAVE area as small as the source's: use a VM with the source's CPU model, or boot the target " +
  'with clearcpuid= and the features whose state is new there. Programs linked with -z now do not bind lazily.';

export const RECORD =
  'Record both hosts with "cpugate probe -o FILE", which leaves nothing out, and check again.';

export const STAY_WITH_STATE =
  'Keep these tasks on hosts that have the state. To be able to move others, start them under a mask that ' +
  'hides it: "cpugate run --mask".';

export const WITHOUT_AMX =
  'Start new tasks under a baseline without AMX: "cpugate baseline FROM TO --without amx_tile -o FILE". ' +
  'Tasks that run already stay on hosts with the same tiles.';

export const FOR_THE_WAY_BACK =
  'For tasks that start at the target and shall move back: a baseline of both hosts.';
