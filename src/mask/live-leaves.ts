/**
 * Leaves, and registers of feature leaves, that hold no feature bits and reach tasks as the CPU gives
 * them: identity, topology, caches, widths, rates. They say nothing that an instruction depends on.
 * What isn't here, in no catalogue row and not XSAVE's answers zeros: power management (6), serial
 * numbers (3), resource control (0xF, 0x10), trace (0x14), SVM (0x8000000A), memory encryption …
 *
 * The maxima (leaf 0, 0x80000000) stay live too: a larger fixed one would send tasks to leaves that a
 * host answers with another leaf's data, a smaller one would cut off what the cluster has.
 *
 * Sources: Intel SDM vol. 2A CPUID; AMD APM vol. 3 appendix E.
 */
import type { FeatureName, Register } from '../catalogue/index.js';
import { ALL_SUBLEAVES } from './mask.js';

export interface LiveLeaf {
  readonly leaf: number;
  /** Default: the leaf ignores ECX, or all subleaves alike. */
  readonly subleaves?: readonly [first: number, last: number];
  /** Default: all four. */
  readonly registers?: readonly Register[];
  /** Only under baselines with this feature. */
  readonly needs?: FeatureName;
  /** Differs between the CPUs of a host, beside what the catalogue's per-CPU fields say. */
  readonly perCpu?: true;
  readonly what: string;
}

/** Where a hypervisor that imitates another has its own (Linux asm/cpuid/api.h). */
const HYPERVISOR_BASES = [0x40000000, 0x40000100];
/** KVM, VMware and Xen have up to 0x40000010 (timing); what Hyper-V has behind is for kernels. */
const HYPERVISOR_LEAVES = 0x11;

const hypervisor: readonly LiveLeaf[] = HYPERVISOR_BASES.flatMap((base) =>
  Array.from({ length: HYPERVISOR_LEAVES }, (_, place) => ({
    leaf: base + place,
    what: "the hypervisor's name and rates",
  })),
);

export const LIVE_LEAVES: readonly LiveLeaf[] = [
  { leaf: 0x0, what: 'vendor, highest basic leaf' },
  { leaf: 0x1, registers: ['eax', 'ebx'], what: 'family, model, APIC id, cache line' },
  // Never blank: an empty one made glibc take caches for 0 bytes and overrun in its memcpy.
  { leaf: 0x2, perCpu: true, what: 'caches and TLBs; the core types of hybrid CPUs differ' },
  { leaf: 0x4, perCpu: true, what: 'caches; the core types of hybrid CPUs differ' },
  { leaf: 0x5, what: 'line that MONITORX watches' },
  { leaf: 0x7, subleaves: [0, 0], registers: ['eax'], what: 'highest subleaf' },
  { leaf: 0xa, perCpu: true, what: 'performance counters, which the kernel hands out' },
  { leaf: 0xb, what: 'topology' },
  { leaf: 0x12, subleaves: [0, 0], registers: ['edx'], needs: 'sgx', what: 'largest enclaves' },
  { leaf: 0x12, subleaves: [2, ALL_SUBLEAVES], needs: 'sgx', what: 'enclave memory' },
  { leaf: 0x15, what: 'rates of TSC and crystal' },
  { leaf: 0x16, what: 'frequencies' },
  { leaf: 0x17, what: 'maker of a system on chip' },
  { leaf: 0x18, perCpu: true, what: 'TLBs; the core types of hybrid CPUs differ' },
  { leaf: 0x1a, perCpu: true, what: 'core type of hybrid CPUs' },
  { leaf: 0x1d, subleaves: [0, 1], needs: 'amx_tile', what: 'tile palettes' },
  { leaf: 0x1e, subleaves: [0, 0], needs: 'amx_tile', what: 'tile multiplier, highest subleaf' },
  { leaf: 0x1f, what: 'topology, second version' },
  { leaf: 0x24, subleaves: [0, 0], registers: ['eax'], needs: 'avx10', what: 'highest subleaf' },
  { leaf: 0x29, subleaves: [0, 0], registers: ['eax'], needs: 'apx', what: 'highest subleaf' },
  ...hypervisor,
  { leaf: 0x80000000, what: 'highest extended leaf; AMD: vendor' },
  { leaf: 0x80000001, registers: ['eax', 'ebx'], what: 'AMD: family, model, package' },
  { leaf: 0x80000002, what: 'brand' },
  { leaf: 0x80000003, what: 'brand' },
  { leaf: 0x80000004, what: 'brand' },
  { leaf: 0x80000005, what: 'AMD: first-level caches and TLBs' },
  { leaf: 0x80000006, what: 'second- and third-level caches' },
  { leaf: 0x80000008, registers: ['eax', 'ecx', 'edx'], what: 'widths of addresses, cores, RDPRU' },
  { leaf: 0x80000019, what: 'AMD: TLBs of large pages' },
  { leaf: 0x8000001a, what: 'AMD: width of execution units' },
  { leaf: 0x8000001d, what: 'AMD: caches' },
  { leaf: 0x8000001e, what: 'AMD: core and node' },
  { leaf: 0x80000026, what: 'AMD: topology' },
  { leaf: 0xc0000000, what: 'Centaur: highest leaf' },
];
