/**
 * VIRT_CPUID_MASK of libvirtcpuid. Its file /etc/ld-inject.env knows no comments: a line without "="
 * ends every program of the host, and so does a feature of another name than it knows (src/loader.c,
 * src/cpuid.c). So there is just the setting here, and names that came after its list of flags (that
 * of Linux 5.4) are written as it takes bits without a name: leaf_subleaf_register_bit.
 *
 * Where the live area is larger than xsavearea=, it ends the program: that is the floor of a baseline,
 * enforced.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { hiddenFeatures } from './hidden-features.js';
import { type RegisterName, registerOf } from './register-masks.js';
import { notExpressed } from './remark.js';
import type { Exported, Target } from './target.js';

/** What it can mask, and features in these registers that its list doesn't name. */
const REACHED: Readonly<Record<RegisterName, readonly FeatureName[]>> = {
  '1.0.edx': [],
  '1.0.ecx': ['osxsave'],
  '80000001.0.edx': [],
  '80000001.0.ecx': ['cvt16'],
  '7.0.ebx': ['sgx', 'fdp_excptn_only', 'zero_fcs_fds', 'pcommit'],
  '7.0.ecx': ['prefetchwt1', 'shstk', 'key_locker', 'bus_lock_detect', 'enqcmd'],
  '7.0.edx': [
    'fsrm',
    'uintr',
    'serialize',
    'tsxldtrk',
    'ibt',
    'amx_bf16',
    'avx512_fp16',
    'amx_tile',
    'amx_int8',
  ],
  '7.1.eax': [
    'sha512',
    'sm3',
    'sm4',
    'rao_int',
    'avx_vnni',
    'cmpccxadd',
    'fzrm',
    'fsrs',
    'fsrc',
    'amx_fp16',
    'avx_ifma',
    'lam',
    'movrs',
  ],
  'd.1.eax': ['xfd'],
  '80000008.0.ebx': ['rdpru', 'mcommit'],
  'c0000001.0.edx': [],
};

/** Undefined: out of its reach. */
export function libvirtcpuidName(name: FeatureName): string | undefined {
  const nameless = REACHED[registerOf(name)];
  if (nameless === undefined) return undefined;
  if (!nameless.includes(name)) return name;
  const { leaf, subleaf, reg, bit } = featureRow(name);
  return `${leaf.toString(16)}_${subleaf.toString(16)}_${reg}_${bit}`;
}

/** It sets both sizes of leaf 0xD.0 to one. */
function areaBytes({ areaBytes: area, offeredBytes: offered }: Baseline): number | undefined {
  return area === undefined ? undefined : Math.max(area, offered ?? 0);
}

function write(baseline: Baseline): Exported {
  const hidden = hiddenFeatures(baseline);
  const names = hidden.map(libvirtcpuidName).filter((name) => name !== undefined);
  const unreached = hidden.filter((name) => libvirtcpuidName(name) === undefined);
  const lost: string[] = [];
  if (unreached.length > 0)
    lost.push(`libvirtcpuid can't mask ${unreached.join(', ')}: programs go on seeing them.`);
  const area = areaBytes(baseline);
  if (area === undefined)
    lost.push('xsavearea= is left out: the size of the XSAVE area is unknown for some hosts.');
  else if (area > 0) names.push(`xsavearea=${area}`);
  lost.push(
    'Leaf 0xD goes on showing the state components and the compacted size of each host.',
    'Statically linked programs, musl and 32-bit programs are not reached.',
  );
  return { content: `VIRT_CPUID_MASK=${names.join(',')}\n`, remarks: lost.map(notExpressed) };
}

export const libvirtcpuid: Target = { name: 'libvirtcpuid', file: 'ld-inject.env', write };
