/**
 * The XSAVE state components, by bit of XCR0 (user) or IA32_XSS (supervisor). Offsets are those of
 * the standard format as CPUs of that vendor report them; they are defaults for hosts whose leaf
 * 0xD isn't at hand, never a substitute for what a CPU says. Sources: Intel SDM vol. 1 ch. 13,
 * AMD APM vol. 2 ch. 11, Linux arch/x86/include/asm/fpu/types.h, and real CPUs.
 */
import type { Encoding, FeatureName, FeatureRow } from './features.js';

export interface ComponentRow {
  readonly bit: number;
  readonly name: string;
  readonly kind: 'user' | 'supervisor';
  /** Bytes. */
  readonly size: number;
  readonly offsetIntel?: number;
  readonly offsetAmd?: number;
  /** Linux switches the component on where the CPU has one of these. */
  readonly enabledBy: readonly FeatureName[];
  /** Aligned to 64 bytes in the compacted format. */
  readonly aligned: boolean;
  /** Given to a task only on request (extended feature disable). */
  readonly xfd: boolean;
  /** Whether Linux keeps it for tasks. */
  readonly linux: 'yes' | 'no' | 'guest-only' | 'perf';
  readonly note: string;
}

export const COMPONENTS = [
  { bit: 0, name: 'x87', kind: 'user', size: 160, offsetIntel: 0, offsetAmd: 0, enabledBy: ['fpu'], aligned: false, xfd: false, linux: 'yes', note: 'Legacy region bytes 0-159 without MXCSR; always present with xsave' },
  { bit: 1, name: 'sse', kind: 'user', size: 256, offsetIntel: 160, offsetAmd: 160, enabledBy: ['sse'], aligned: false, xfd: false, linux: 'yes', note: 'XMM0-15 at 160-415; MXCSR and MXCSR_MASK at 24-31 belong to it; the 64-byte XSAVE header follows at 512' },
  { bit: 2, name: 'ymm_hi128', kind: 'user', size: 256, offsetIntel: 576, offsetAmd: 576, enabledBy: ['avx'], aligned: false, xfd: false, linux: 'yes', note: 'Same place for every vendor' },
  { bit: 3, name: 'bndregs', kind: 'user', size: 64, offsetIntel: 960, enabledBy: ['mpx'], aligned: false, xfd: false, linux: 'yes', note: 'Centaur CNS uses the Intel offset; Linux removed user MPX support in 5.6 but still enables the component; Goldmont has it without component 2, still at 960' },
  { bit: 4, name: 'bndcsr', kind: 'user', size: 64, offsetIntel: 1024, enabledBy: ['mpx'], aligned: false, xfd: false, linux: 'yes', note: 'As bndregs; 64 bytes reported, 16 used' },
  { bit: 5, name: 'opmask', kind: 'user', size: 64, offsetIntel: 1088, offsetAmd: 832, enabledBy: ['avx512f', 'avx10'], aligned: false, xfd: false, linux: 'yes', note: 'Offset differs by vendor; all three of 5,6,7 must be on together' },
  { bit: 6, name: 'zmm_hi256', kind: 'user', size: 512, offsetIntel: 1152, offsetAmd: 896, enabledBy: ['avx512f', 'avx10'], aligned: false, xfd: false, linux: 'yes', note: 'Offset differs by vendor' },
  { bit: 7, name: 'hi16_zmm', kind: 'user', size: 1024, offsetIntel: 1664, offsetAmd: 1408, enabledBy: ['avx512f', 'avx10'], aligned: false, xfd: false, linux: 'yes', note: 'Offset differs by vendor' },
  { bit: 8, name: 'pt', kind: 'supervisor', size: 128, enabledBy: ['intel_pt'], aligned: false, xfd: false, linux: 'no', note: 'Compacted format only; Linux does not manage it through XSAVES' },
  { bit: 9, name: 'pkru', kind: 'user', size: 8, offsetIntel: 2688, offsetAmd: 2432, enabledBy: ['pku'], aligned: false, xfd: false, linux: 'yes', note: 'AMD Zen3 and later: 8 bytes at 2432 even on parts without AVX-512. AMD Zen2 reports 64 bytes at 832 in XCR0 although CPUID pku is 0 there. Intel client parts without AVX-512 keep 2688' },
  { bit: 10, name: 'pasid', kind: 'supervisor', size: 8, enabledBy: ['enqcmd'], aligned: false, xfd: false, linux: 'yes', note: 'Seen on Sapphire/Emerald/Granite Rapids' },
  { bit: 11, name: 'cet_u', kind: 'supervisor', size: 16, enabledBy: ['shstk', 'ibt'], aligned: false, xfd: false, linux: 'yes', note: 'IA32_U_CET and PL3_SSP; supervisor component, so not in the plain XSAVE image: ptrace regset NT_X86_SHSTK' },
  { bit: 12, name: 'cet_s', kind: 'supervisor', size: 24, enabledBy: ['shstk', 'ibt'], aligned: false, xfd: false, linux: 'guest-only', note: 'PL0-2 SSP; Linux saves it for KVM guests only' },
  { bit: 13, name: 'hdc', kind: 'supervisor', size: 8, enabledBy: ['hdc'], aligned: false, xfd: false, linux: 'no', note: 'Seen on Ice Lake client, Tiger Lake, Rocket Lake' },
  { bit: 14, name: 'uintr', kind: 'supervisor', size: 48, enabledBy: ['uintr'], aligned: false, xfd: false, linux: 'no', note: 'Seen on Sapphire Rapids and later, Lunar/Arrow/Panther Lake' },
  { bit: 15, name: 'arch_lbr', kind: 'supervisor', size: 808, enabledBy: ['arch_lbr'], aligned: false, xfd: false, linux: 'perf', note: 'Allocated by perf only' },
  { bit: 16, name: 'hwp', kind: 'supervisor', size: 8, enabledBy: ['hwp'], aligned: false, xfd: false, linux: 'no', note: 'Seen on hybrid client parts, Granite Rapids and Zhaoxin KX-7000' },
  { bit: 17, name: 'xtile_cfg', kind: 'user', size: 64, offsetIntel: 2752, enabledBy: ['amx_tile'], aligned: true, xfd: false, linux: 'yes', note: 'Must be enabled together with 18' },
  { bit: 18, name: 'xtile_data', kind: 'user', size: 8192, offsetIntel: 2816, enabledBy: ['amx_tile'], aligned: true, xfd: true, linux: 'yes', note: 'Dynamic: armed through XFD, granted per process by arch_prctl(ARCH_REQ_XCOMP_PERM)' },
  { bit: 19, name: 'apx', kind: 'user', size: 128, offsetIntel: 960, enabledBy: ['apx'], aligned: false, xfd: false, linux: 'yes', note: 'R16-R31. Reuses the MPX hole at 960 in the standard format, so mpx and apx cannot coexist; documented value, no dump yet; QEMU refuses mpx and apx together' },
  { bit: 20, name: 'bsr', kind: 'user', size: 128, enabledBy: ['ace_ai'], aligned: true, xfd: false, linux: 'no', note: 'Block scale register of ACE, 1024 bits. No CPU, and no Linux that enables it, yet: place unknown; whether it is aligned or armed through XFD is not published, so the larger (aligned) is assumed' },
  { bit: 62, name: 'lwp', kind: 'user', size: 128, offsetAmd: 832, enabledBy: ['lwp'], aligned: false, xfd: false, linux: 'no', note: 'AMD family 0x15 only (one console-derived family 0x17 model 0x47 part reports 896); never enabled by Linux' },
] as const satisfies readonly ComponentRow[];

type Row = (typeof COMPONENTS)[number];
export type ComponentName = Row['name'];

/** Bits of XCR0 or IA32_XSS by name: COMPONENT.pkru is 9. */
export const COMPONENT = Object.fromEntries(COMPONENTS.map(({ name, bit }) => [name, bit])) as {
  readonly [Name in ComponentName]: Extract<Row, { readonly name: Name }>['bit'];
};

/** A mask as XCR0 and IA32_XSS have it. */
export function componentMask(bits: readonly number[]): bigint {
  return bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
}

/** x87 and SSE, which every OS with XSAVE enables. */
export const LEGACY_STATE = componentMask([COMPONENT.x87, COMPONENT.sse]);
/** What Linux can enable in XCR0; other bits are clear there, known or not. */
export const LINUX_STATE = componentMask(
  COMPONENTS.filter(({ kind, linux }) => kind === 'user' && linux === 'yes').map(({ bit }) => bit),
);
/** What Linux may set in IA32_XSS, by kernel and for guests. */
export const LINUX_SUPERVISOR_STATE = componentMask(
  COMPONENTS.filter(({ kind, linux }) => kind === 'supervisor' && linux !== 'no').map(
    ({ bit }) => bit,
  ),
);
export const CATALOGUED_STATE = componentMask(COMPONENTS.map(({ bit }) => bit));

/** x87 and SSE lie in the legacy area, and have no subleaf of leaf 0xD: 0 and 1 mean other things. */
export function isLegacyState(bit: number): boolean {
  return bit <= COMPONENT.sse;
}

const { ymm_hi128, opmask, zmm_hi256, hi16_zmm, xtile_cfg, xtile_data } = COMPONENT;

/** State components, beside x87 and SSE, that instructions of an encoding need in XCR0. */
const STATE_OF_ENCODING: Readonly<Record<Encoding, readonly number[]>> = {
  vex: [ymm_hi128],
  evex: [ymm_hi128, opmask, zmm_hi256, hi16_zmm],
  'vex-tile': [xtile_cfg, xtile_data],
  'vex-gpr': [],
};

const NONE: readonly number[] = [];

/** Bits of XCR0 without which a feature's instructions fault, whatever CPUID shows. */
export function neededState({ components, encoding }: FeatureRow): readonly number[] {
  if (encoding === undefined) return components ?? NONE;
  const encoded = STATE_OF_ENCODING[encoding];
  return components === undefined ? encoded : [...new Set([...encoded, ...components])];
}
