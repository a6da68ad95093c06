/**
 * What KVM makes of a host's bits for its guests: those that QEMU's "host", and so libvirt's host-model and
 * host-passthrough, don't follow. All other bits that QEMU has a name for are given to a guest where the host
 * has them. Source: Linux arch/x86/kvm/cpuid.c (kvm_set_cpu_caps, __do_cpuid_func); QEMU target/i386/kvm/kvm.c
 * (kvm_arch_get_supported_cpuid) and target/i386/cpu.c (unmigratable_flags).
 */
import { type FeatureName, ROWS } from './index.js';

/** KVM shows them whatever the host has: it emulates what they stand for. */
const ALWAYS_GIVEN: readonly FeatureName[] = [
  'apic',
  'arat',
  'hypervisor',
  'tsc_adjust',
  'tsc_deadline_timer',
  'x2apic',
];

/** Enclaves, as tasks use them. */
export const ENCLAVES = [
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
] as const satisfies readonly FeatureName[];

/** KVM has no such thing for guests, or gives it to those only that ask by name; QEMU sets "ht" by the topology. */
const NOT_GIVEN: readonly FeatureName[] = [
  ...([
    'acpi',
    'cid',
    'dca',
    'ds_cpl',
    'dtes64',
    'dts',
    'est',
    'ht',
    'ia64',
    'monitor',
    'pbe',
    'pdcm',
  ] as const),
  ...([
    'pn',
    'smx',
    'tm',
    'tm2',
    'xtpr',
    'ss',
    'intel_pt',
    'pt_lip',
    'arch_lbr',
    'pks',
    'pconfig',
  ] as const),
  ...ENCLAVES,
  'sgx_lc',
  ...([
    'core_capabilities',
    'key_locker',
    'enqcmd',
    'uintr',
    'waitpkg',
    'ptwrite',
    'lwp',
    'mpx',
  ] as const),
  ...([
    'extapic',
    'ibs',
    'skinit',
    'wdt',
    'tce',
    'nodeid_msr',
    'cmp_legacy',
    'perfctr_nb',
    'mwaitx',
  ] as const),
  ...([
    'overflow_recov',
    'succor',
    'avic',
    'svm_lock',
    'nonstop_tsc',
    'osxsave',
    'ospke',
    'xfd',
  ] as const),
];

/** Nested virtualisation: given where the host's kernel has it switched on, which no bit says. */
export const NESTED: readonly FeatureName[] = ['vmx', 'svm'];
/** Bits of AMD's leaf 0x8000000A mean something beside svm alone. */
const NESTED_LEAF = 0x8000000a;

const left = new Set<FeatureName>([...ALWAYS_GIVEN, ...NOT_GIVEN, ...NESTED]);

/** What a guest that shows its host's CPU has from it. */
export const GIVEN_TO_GUESTS: readonly FeatureName[] = ROWS.filter(
  ({ name, leaf, bit, names }) =>
    names?.qemu !== undefined && typeof bit === 'number' && leaf !== NESTED_LEAF && !left.has(name),
).map(({ name }) => name);
