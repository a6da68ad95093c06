/**
 * Flags that Linux prints in /proc/cpuinfo without one CPUID bit behind them. They are read (so that
 * nobody wonders about an unknown flag); those that tasks can lose say what that means.
 */
import type { FeatureClass, Loss } from './features.js';

export interface SyntheticFlag {
  readonly name: string;
  readonly class: FeatureClass;
  readonly from: string;
  readonly note: string;
  /** Where the kernel gives tasks something by it. */
  readonly loss?: Loss;
}

export const SYNTHETIC_FLAGS = [
  { name: 'constant_tsc', class: 'kernel_user', from: 'CPUID 0x80000007 EDX[8] or model check', note: 'TSC ticks at a constant rate' },
  { name: 'art', class: 'kernel', from: 'CPUID 0x15', note: 'Always running timer relation known' },
  { name: 'arch_perfmon', class: 'kernel', from: 'CPUID 0xa', note: 'Architectural performance monitoring' },
  { name: 'pebs', class: 'kernel', from: 'IA32_MISC_ENABLE', note: 'Precise event sampling' },
  { name: 'bts', class: 'kernel', from: 'IA32_MISC_ENABLE', note: 'Branch trace store' },
  { name: 'rep_good', class: 'hint', from: 'model check or erms', note: 'Kernel judgement that REP string code is fast; CRIU puts it in its instruction mask although nothing can fault' },
  { name: 'nopl', class: 'isa', from: 'always on 64-bit', note: 'Long NOP encodings; always true on x86-64' },
  { name: 'xtopology', class: 'identity', from: 'CPUID 0xb/0x1f', note: 'Extended topology leaf present' },
  { name: 'tsc_reliable', class: 'kernel', from: 'kernel judgement', note: 'TSC trusted without watchdog' },
  { name: 'nonstop_tsc_s3', class: 'kernel', from: 'model check', note: 'TSC survives S3' },
  { name: 'tsc_known_freq', class: 'kernel', from: 'CPUID 0x15/hypervisor', note: 'TSC frequency known' },
  { name: 'cpuid', class: 'identity', from: 'EFLAGS.ID', note: 'CPUID instruction works' },
  { name: 'extd_apicid', class: 'identity', from: 'AMD PCI config', note: '8-bit APIC IDs' },
  { name: 'amd_dcm', class: 'identity', from: 'NodeId', note: 'Multi-node package' },
  { name: 'up', class: 'identity', from: 'kernel', note: 'SMP kernel on one CPU' },
  { name: 'ring3mwait', class: 'kernel_user', from: 'Knights Landing MSR', note: 'MONITOR/MWAIT allowed at CPL3; also announced in AT_HWCAP2 bit 0; faults elsewhere', loss: { severity: 'blocker', effect: 'MONITOR and MWAIT fail with SIGILL in tasks; the kernel has to switch them on (ring3mwait=disable keeps them off).' } },
  { name: 'cpuid_fault', class: 'kernel_user', from: 'Intel MSR_PLATFORM_INFO or AMD gp_on_user_cpuid', note: 'Kernel can make user CPUID fault (arch_prctl ARCH_SET_CPUID)' },
  { name: 'pti', class: 'security', from: 'kernel decision', note: 'Page table isolation on' },
  { name: 'ibrs', class: 'security', from: 'spec_ctrl or amd_ibrs', note: 'Synthesised from several bits' },
  { name: 'ibpb', class: 'security', from: 'spec_ctrl or amd_ibpb', note: 'Synthesised from several bits' },
  { name: 'stibp', class: 'security', from: 'intel_stibp or amd_stibp', note: 'Synthesised from several bits' },
  { name: 'ssbd', class: 'security', from: 'spec_ctrl_ssbd, amd_ssbd, virt_ssbd or LS_CFG', note: 'Synthesised from several bits' },
  { name: 'ibrs_enhanced', class: 'security', from: 'IA32_ARCH_CAPABILITIES or autoibrs', note: 'Enhanced IBRS in use' },
  { name: 'tpr_shadow', class: 'kernel', from: 'VMX MSR', note: 'Hypervisor only' },
  { name: 'flexpriority', class: 'kernel', from: 'VMX MSR', note: 'Hypervisor only' },
  { name: 'ept', class: 'kernel', from: 'VMX MSR', note: 'Hypervisor only' },
  { name: 'vpid', class: 'kernel', from: 'VMX MSR', note: 'Hypervisor only' },
  { name: 'ept_ad', class: 'kernel', from: 'VMX MSR', note: 'Hypervisor only' },
  { name: 'vnmi', class: 'kernel', from: 'VMX MSR or CPUID 0x8000000a EDX[25]', note: 'Hypervisor only; on Intel the flag comes from VMX in older kernels and moved to the VMX flags line' },
  { name: 'vmmcall', class: 'kernel', from: 'vendor check', note: 'Hypercall encoding choice' },
  { name: 'tdx_guest', class: 'kernel', from: 'CPUID 0x21', note: 'Running as TDX guest' },
  { name: 'tdx_host_platform', class: 'kernel', from: 'MSR', note: 'Platform can host TDX guests' },
  { name: 'split_lock_detect', class: 'kernel_user', from: 'IA32_CORE_CAPABILITIES bit 5 or model check', note: '#AC on split locks; a split-lock task may get SIGBUS on this host' },
  { name: 'user_shstk', class: 'kernel_user', from: 'shstk and kernel support', note: 'User shadow stacks usable (Linux 6.6+); the flag to test for CET tasks' },
  { name: 'cxmmx', class: 'isa', from: 'Cyrix CPUID', note: 'Cyrix MMX extensions, 32-bit parts only' },
  { name: 'k6_mtrr', class: 'kernel', from: 'AMD K6', note: '32-bit parts only' },
  { name: 'cyrix_arr', class: 'kernel', from: 'Cyrix', note: '32-bit parts only' },
  { name: 'centaur_mcr', class: 'kernel', from: 'Centaur', note: '32-bit parts only' },
] as const satisfies readonly SyntheticFlag[];

type Row = (typeof SYNTHETIC_FLAGS)[number];
export type KernelRow = Extract<Row, { readonly loss: Loss }>;
/** What tasks can lose beside CPUID's features. */
export type KernelFeature = KernelRow['name'];

export const KERNEL_FEATURES: readonly KernelRow[] = SYNTHETIC_FLAGS.filter((row) => 'loss' in row);

export function kernelFeature(name: string): KernelRow | undefined {
  return KERNEL_FEATURES.find((row) => row.name === name);
}
