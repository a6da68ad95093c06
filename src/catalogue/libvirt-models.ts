/**
 * libvirt's CPU map: what each of its named models shows to tasks, and which of its releases has a
 * name for which feature. Facts of libvirt's src/cpu_map (x86_*.xml), 9.0 and as of 2025; 9.0 is what
 * the tests ask again where libvirt is installed.
 *
 * Most of its models are QEMU's (qemu-models.ts), and libvirt counts some features otherwise than QEMU
 * ("disputed" there). Here are those that QEMU's table lacks, and how a name finds its model: since 10.10
 * libvirt has "NAME-vN" as well, which is the model that libvirt had already called otherwise
 * (Haswell-v2 is Haswell-noTSX), or else QEMU's own list.
 */
import type { FeatureName } from './index.js';
import { QEMU_MODELS, type QemuModel } from './qemu-models.js';

export interface LibvirtModel {
  readonly features: ReadonlySet<FeatureName>;
  /** Features that libvirt counts to the model and QEMU doesn't, or the other way round. */
  readonly disputed: ReadonlySet<FeatureName>;
  /** Place in RELEASES of the map that the model came with. */
  readonly release: number;
}

interface ModelRow {
  readonly name: string;
  /** A model above, or one of QEMU's. */
  readonly like?: string;
  readonly plus?: readonly FeatureName[];
  readonly minus?: readonly FeatureName[];
}

/**
 * Maps that were compared, oldest first, with the names that each brought; the first has all others.
 * "2025" is one after 9.6 that has no names of shadow stacks or APX yet.
 */
export const RELEASES: readonly {
  readonly release: string;
  readonly names: readonly FeatureName[];
}[] = [
  { release: '6', names: [] },
  { release: '9.0', names: ['sgx', 'fsrm', 'avx512_vp2intersect', 'serialize', 'tsxldtrk', 'bus_lock_detect', 'amx_bf16', 'avx512_fp16', 'amx_tile', 'amx_int8', 'avx_vnni', 'xfd', 'sgx1', 'sgx2', 'sgx_exinfo', 'sgx_debug', 'sgx_mode64', 'sgx_provisionkey', 'sgx_tokenkey', 'sgx_kss'] },
  { release: '9.6', names: ['amx_fp16', 'avx_ifma', 'avx_ne_convert', 'avx_vnni_int8', 'cmpccxadd', 'fsrc', 'fsrs', 'fzrm', 'lfence_rdtsc', 'prefetchiti', 'sgx_aex_notify', 'sgx_edeccssa'] },
  { release: '2025', names: ['fdp_excptn_only', 'zero_fcs_fds', 'amx_complex', 'avx10', 'avx10_128', 'avx10_256', 'avx10_512', 'avx_vnni_int16', 'lam', 'sha512', 'sm3', 'sm4'] },
  { release: 'later', names: ['ibt', 'shstk', 'apx', 'apx_nci_ndd_nf', 'movrs', 'prefetchi', 'amx_fp8', 'amx_tf32', 'amx_avx512', 'amx_movrs', 'amx_bf16_alias', 'amx_complex_alias', 'amx_fp16_alias', 'amx_int8_alias', 'avx10_v1_aux'] },
];

/** Places in RELEASES. */
const FIRST = 0;
const MID_2023 = 2;
const WITH_VERSIONS = 3;

/** Models of 9.6 that 9.0 lacks. */
const OF_MID_2023: ReadonlySet<string> = new Set(['SapphireRapids', 'EPYC-Genoa']);

const ROWS: readonly ModelRow[] = [
  { name: '486', plus: ['fpu'] },
  { name: 'pentium', like: '486', plus: ['cx8', 'mmx', 'tsc'] },
  { name: 'pentium2', like: 'pentium', plus: ['cmov', 'fxsr', 'sep'] },
  { name: 'pentium3', like: 'pentium2', plus: ['sse'] },
  { name: 'pentiumpro', like: 'pentium3', plus: ['sse2'] },
  { name: 'qemu32', like: 'pentiumpro', plus: ['pni'] },
  { name: 'kvm32', like: 'pentiumpro', plus: ['clflush', 'pni'] },
  { name: 'coreduo', like: 'kvm32' },
  { name: 'n270', like: 'coreduo', plus: ['ssse3'] },
  { name: 'core2duo', like: 'n270', plus: ['lm', 'syscall'] },
  { name: 'athlon', like: 'pentiumpro', plus: ['3dnow', '3dnowext', 'mmxext'] },
  { name: 'phenom', like: 'athlon', plus: ['clflush', 'lm', 'pni', 'syscall'] },
  { name: 'qemu64', like: 'kvm64-v1' },
  { name: 'cpu64-rhel5', like: 'kvm64-v1', minus: ['cx16'] },
  { name: 'cpu64-rhel6', like: 'kvm64-v1', plus: ['lahf_lm'] },
  { name: 'Icelake-Client', like: 'Skylake-Client-v1', plus: ['mpx', 'avx512_vpopcntdq', 'avx512_bitalg', 'avx512vbmi', 'avx512_vbmi2', 'avx512_vnni', 'gfni', 'pku', 'umip', 'vaes', 'vpclmulqdq'] },
  { name: 'Icelake-Client-noTSX', like: 'Icelake-Client', minus: ['hle', 'rtm'] },
  { name: 'EPYC-IBRS', like: 'EPYC-v2' },
];

/** The same of maps after 9.6. */
const LATER_ROWS: readonly ModelRow[] = [
  { name: 'Icelake-Server-v7', like: 'Icelake-Server-v6', plus: ['hle', 'rtm'] },
  { name: 'SapphireRapids-v2', like: 'SapphireRapids-v1' },
  { name: 'SapphireRapids-v3', like: 'SapphireRapids-v2', plus: ['cldemote', 'movdiri', 'movdir64b'] },
  { name: 'SapphireRapids-v4', like: 'SapphireRapids-v3' },
  { name: 'SapphireRapids-v5', like: 'SapphireRapids-v4', plus: ['ibt', 'shstk'] },
  { name: 'SapphireRapids-v6', like: 'SapphireRapids-v5' },
  { name: 'GraniteRapids-v2', like: 'GraniteRapids-v1', plus: ['avx10', 'avx10_128', 'avx10_256', 'avx10_512', 'cldemote', 'movdiri', 'movdir64b'] },
  { name: 'GraniteRapids-v3', like: 'GraniteRapids-v2' },
  { name: 'GraniteRapids-v4', like: 'GraniteRapids-v3', plus: ['ibt', 'shstk'] },
  { name: 'GraniteRapids-v5', like: 'GraniteRapids-v4' },
  { name: 'SierraForest-v1', like: 'Skylake-Client-v4', plus: ['avx_ifma', 'avx_ne_convert', 'avx_vnni', 'avx_vnni_int8', 'bus_lock_detect', 'clflushopt', 'clwb', 'cmpccxadd', 'fsrm', 'fsrs', 'gfni', 'pku', 'rdpid', 'serialize', 'sha_ni', 'umip', 'vaes', 'vpclmulqdq'] },
  { name: 'SierraForest-v2', like: 'SierraForest-v1', plus: ['cldemote', 'lam', 'movdiri', 'movdir64b'] },
  { name: 'SierraForest-v3', like: 'SierraForest-v2' },
  { name: 'SierraForest-v4', like: 'SierraForest-v3', plus: ['ibt', 'shstk'] },
  { name: 'SierraForest-v5', like: 'SierraForest-v4' },
  { name: 'ClearwaterForest-v1', like: 'SierraForest-v2', plus: ['avx_vnni_int16', 'prefetchiti', 'sha512', 'sm3', 'sm4'] },
  { name: 'ClearwaterForest-v2', like: 'ClearwaterForest-v1', plus: ['ibt', 'shstk'] },
  { name: 'ClearwaterForest-v3', like: 'ClearwaterForest-v2' },
  { name: 'DiamondRapids-v1', like: 'GraniteRapids-v1', plus: ['amx_avx512', 'amx_bf16_alias', 'amx_complex', 'amx_complex_alias', 'amx_fp16_alias', 'amx_fp8', 'amx_int8_alias', 'amx_movrs', 'amx_tf32', 'apx', 'apx_nci_ndd_nf', 'avx_ifma', 'avx_ne_convert', 'avx_vnni_int8', 'avx10', 'avx10_v1_aux', 'cldemote', 'cmpccxadd', 'fdp_excptn_only', 'ibt', 'lam', 'movdiri', 'movdir64b', 'movrs', 'shstk', 'zero_fcs_fds'] },
  { name: 'KnightsMill-v1', like: 'Broadwell-v2', plus: ['avx512f', 'avx512cd', 'avx512er', 'avx512pf', 'avx512_4fmaps', 'avx512_4vnniw', 'avx512_vpopcntdq'] },
  { name: 'EPYC-v4', like: 'EPYC-v3' },
  { name: 'EPYC-v5', like: 'EPYC-v4' },
  { name: 'EPYC-Rome-v3', like: 'EPYC-Rome-v2' },
  { name: 'EPYC-Rome-v4', like: 'EPYC-Rome-v3', minus: ['xsaves'] },
  { name: 'EPYC-Rome-v5', like: 'EPYC-Rome-v4' },
  { name: 'EPYC-Milan-v3', like: 'EPYC-Milan-v2' },
  { name: 'EPYC-Genoa-v2', like: 'EPYC-Genoa-v1' },
  { name: 'EPYC-Turin-v1', like: 'EPYC-Genoa-v1', plus: ['avx_vnni', 'avx512_vp2intersect', 'movdiri', 'movdir64b', 'prefetchi'] },
  { name: 'YongFeng-v1', like: 'Broadwell-v2', plus: ['ace', 'ace_en', 'ace2', 'nonstop_tsc', 'phe', 'phe_en', 'pku', 'pmm', 'pmm_en', 'rdpid', 'rng', 'rng_en', 'sha_ni', 'umip'], minus: ['erms'] },
  { name: 'YongFeng-v2', like: 'YongFeng-v1' },
  { name: 'YongFeng-v3', like: 'YongFeng-v2' },
];

/** <vendor> of a CPU in libvirt's XML, and CPUID's twelve letters; 9.0 doesn't know a later one. */
export const LIBVIRT_VENDORS: readonly {
  readonly name: string;
  readonly letters: string;
  readonly isLater?: true;
}[] = [
  { name: 'Intel', letters: 'GenuineIntel' },
  { name: 'AMD', letters: 'AuthenticAMD' },
  { name: 'Hygon', letters: 'HygonGenuine' },
  { name: 'Zhaoxin CentaurHauls', letters: 'CentaurHauls', isLater: true },
];

/** By the rows' own names. */
function expand(): ReadonlyMap<string, ReadonlySet<FeatureName>> {
  const models = new Map<string, ReadonlySet<FeatureName>>(
    QEMU_MODELS.map(({ name, features }) => [name, new Set(features)]),
  );
  for (const { name, like, plus = [], minus = [] } of [...ROWS, ...LATER_ROWS]) {
    const features = new Set(like === undefined ? [] : models.get(like));
    for (const feature of plus) features.add(feature);
    for (const feature of minus) features.delete(feature);
    models.set(name, features);
  }
  return models;
}

/** libvirt's own list of one of QEMU's models. */
function asLibvirtHasIt({ features, disputed = [] }: QemuModel): ReadonlySet<FeatureName> {
  const own = new Set(features);
  for (const name of disputed) if (!own.delete(name)) own.add(name);
  return own;
}

const AGREED: ReadonlySet<FeatureName> = new Set();

function build(): ReadonlyMap<string, LibvirtModel> {
  const rows = expand();
  const models = new Map<string, LibvirtModel>();
  const add = (name: string, features: Iterable<FeatureName>, release: number) => {
    if (!models.has(name))
      models.set(name, { features: new Set(features), disputed: AGREED, release });
  };
  for (const model of QEMU_MODELS) {
    const { name, libvirt, disputed = [] } = model;
    const found = { features: asLibvirtHasIt(model), disputed: new Set(disputed) };
    if (libvirt !== undefined) models.set(libvirt, { ...found, release: FIRST });
    models.set(name, { ...found, release: WITH_VERSIONS });
  }
  for (const { name } of ROWS) add(name, rows.get(name) ?? [], FIRST);
  for (const { name } of LATER_ROWS) add(name, rows.get(name) ?? [], WITH_VERSIONS);
  // Every first version has its plain name, and the other way round.
  for (const [name, { features }] of [...models]) {
    const plain = /^(.+)-v1$/.exec(name)?.[1];
    if (plain !== undefined)
      add(plain, features, OF_MID_2023.has(plain) ? MID_2023 : WITH_VERSIONS);
    else if (!/-v\d+$/.test(name)) add(`${name}-v1`, features, WITH_VERSIONS);
  }
  return models;
}

let models: ReadonlyMap<string, LibvirtModel> | undefined;

/** The model that libvirt has under exactly this name. */
export function libvirtModel(name: string): LibvirtModel | undefined {
  models ??= build();
  return models.get(name);
}

export function libvirtModelNames(): readonly string[] {
  models ??= build();
  return [...models.keys()];
}

/** Place in RELEASES of the map that first had a name for a feature. */
export function libvirtNameSince(feature: FeatureName): number {
  return Math.max(
    FIRST,
    RELEASES.findIndex(({ names }) => names.includes(feature)),
  );
}
