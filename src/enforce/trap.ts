/**
 * How CPUID gets to the supervisor: CPUID faulting; other code in its place, which is for programs that mean no
 * harm; or whichever works, in this order.
 */
export const TRAPS = ['faulting', 'patch', 'auto'] as const;
export type Trap = (typeof TRAPS)[number];
