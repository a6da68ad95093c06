/**
 * Leaves whose answer depends on ECX, and how each tells which subleaves it has; all others ignore
 * ECX. native/probe/enumerate.cc has the same rows (test/catalogue/subleaves.test.ts).
 * Sources: Intel SDM vol. 2A CPUID, and the Architecture Instruction Set Extensions reference for what
 * isn't there yet; AMD APM vol. 3 appendix E.
 */

/**
 * Of subleaf 0, unless said otherwise:
 * - up-to-eax: EAX is the last subleaf.
 * - bits-of-…: the register has a bit for each subleaf from 1 on.
 * - until-cache-type-0: they end with the first one where EAX[4:0] is 0.
 * - until-level-type-0: with the first one where ECX[15:8] is 0; ECX[7:0] repeats the number.
 * - until-target-0: with the first one where EAX[11:0] is 0.
 * - enclaves: 0 and 1, then those of memory sections from 2 on, until EAX[3:0] is 0.
 * - state: 0 and 1, then one for each bit from 2 on of 0.EDX:EAX and 1.EDX:ECX.
 */
export type SubleafRule =
  | 'up-to-eax'
  | 'bits-of-eax'
  | 'bits-of-ebx'
  | 'bits-of-edx'
  | 'until-cache-type-0'
  | 'until-level-type-0'
  | 'until-target-0'
  | 'enclaves'
  | 'state';

export interface SubleafRow {
  readonly leaf: number;
  readonly rule: SubleafRule;
  readonly what: string;
  readonly source: 'SDM' | 'ISE' | 'APM';
}

export const SUBLEAVES: readonly SubleafRow[] = [
  { leaf: 0x4, rule: 'until-cache-type-0', what: 'caches', source: 'SDM' },
  { leaf: 0x7, rule: 'up-to-eax', what: 'features', source: 'SDM' },
  { leaf: 0xb, rule: 'until-level-type-0', what: 'topology', source: 'SDM' },
  { leaf: 0xd, rule: 'state', what: 'XSAVE', source: 'SDM' },
  { leaf: 0xf, rule: 'bits-of-edx', what: 'resource monitoring', source: 'SDM' },
  { leaf: 0x10, rule: 'bits-of-ebx', what: 'resource allocation', source: 'SDM' },
  { leaf: 0x12, rule: 'enclaves', what: 'SGX', source: 'SDM' },
  { leaf: 0x14, rule: 'up-to-eax', what: 'processor trace', source: 'SDM' },
  { leaf: 0x17, rule: 'up-to-eax', what: 'maker of a system on chip', source: 'SDM' },
  { leaf: 0x18, rule: 'up-to-eax', what: 'TLBs', source: 'SDM' },
  { leaf: 0x1b, rule: 'until-target-0', what: 'PCONFIG', source: 'SDM' },
  { leaf: 0x1d, rule: 'up-to-eax', what: 'tile palettes', source: 'SDM' },
  { leaf: 0x1e, rule: 'up-to-eax', what: 'tile multiplication', source: 'SDM' },
  { leaf: 0x1f, rule: 'until-level-type-0', what: 'topology, second version', source: 'SDM' },
  { leaf: 0x20, rule: 'up-to-eax', what: 'history reset', source: 'SDM' },
  { leaf: 0x23, rule: 'bits-of-eax', what: 'performance monitoring', source: 'SDM' },
  { leaf: 0x24, rule: 'up-to-eax', what: 'AVX10', source: 'SDM' },
  { leaf: 0x27, rule: 'bits-of-edx', what: "resource monitoring, a CPU's own", source: 'ISE' },
  { leaf: 0x28, rule: 'bits-of-ebx', what: "resource allocation, a CPU's own", source: 'ISE' },
  { leaf: 0x29, rule: 'up-to-eax', what: 'APX', source: 'ISE' },
  { leaf: 0x8000001d, rule: 'until-cache-type-0', what: 'caches', source: 'APM' },
  { leaf: 0x80000020, rule: 'bits-of-ebx', what: 'bandwidth enforcement', source: 'APM' },
  { leaf: 0x80000026, rule: 'until-level-type-0', what: 'topology', source: 'APM' },
];

const byLeaf: ReadonlyMap<number, SubleafRule> = new Map(
  SUBLEAVES.map(({ leaf, rule }) => [leaf, rule]),
);

/** Undefined: the leaf has no subleaves. */
export function subleafRule(leaf: number): SubleafRule | undefined {
  return byLeaf.get(leaf);
}
