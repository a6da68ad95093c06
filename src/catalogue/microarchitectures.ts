/**
 * CPU designs by vendor, family and model. From a model number nothing is ever concluded that a CPU can
 * do; that a real CPU can't have what only later designs brought is (generations.ts).
 */
export interface Microarchitecture {
  readonly vendor: string;
  readonly family: number;
  /** Inclusive ranges. */
  readonly models: readonly (readonly [number, number])[];
  /** Inclusive range; absent: every stepping. */
  readonly steppings?: readonly [number, number];
  readonly codename: string;
  /** Of the first product. */
  readonly year?: number;
  /** Of the first product with the same core, where that is older; unknown: whose core it is, is in doubt. */
  readonly coreYear?: number | 'unknown';
  /** Of Intel's: small cores alone, Xeon Phi. Absent: large cores, with small ones beside them or not. */
  readonly line?: 'atom' | 'phi';
  readonly archspec?: string;
  readonly gcc?: string;
  /** The nearest QEMU and libvirt model, which need not be exact. */
  readonly qemu?: string;
  readonly note?: string;
}

export const MICROARCHITECTURES: readonly Microarchitecture[] = [
  { vendor: 'AuthenticAMD', family: 15, models: [[4, 5], [7, 8], [11, 12], [14, 15], [20, 21], [23, 24], [27, 28], [31, 31]], codename: 'K8 (rev C-D)', year: 2003, archspec: 'x86_64', gcc: 'k8', qemu: 'Opteron_G1', note: 'no SSE3' },
  { vendor: 'AuthenticAMD', family: 15, models: [[33, 33], [35, 37], [39, 39], [43, 44], [47, 47]], codename: 'K8 (rev E)', year: 2005, archspec: 'x86_64', gcc: 'k8-sse3', qemu: 'Opteron_G1', note: 'SSE3' },
  { vendor: 'AuthenticAMD', family: 15, models: [[65, 65], [67, 67], [72, 72], [75, 76], [79, 79], [93, 93], [95, 95], [104, 104], [107, 108], [111, 111], [124, 124], [127, 127], [193, 193]], codename: 'K8 (rev F-G)', year: 2006, archspec: 'x86_64', gcc: 'k8-sse3', qemu: 'Opteron_G2', note: 'CX16 and RDTSCP from rev F' },
  { vendor: 'AuthenticAMD', family: 16, models: [[2, 2], [4, 6], [8, 10]], codename: 'K10', year: 2007, archspec: 'k10', gcc: 'amdfam10', qemu: 'Opteron_G3' },
  { vendor: 'AuthenticAMD', family: 17, models: [[3, 3]], codename: 'K8L Griffin', year: 2008, archspec: 'x86_64', gcc: 'k8-sse3', qemu: 'Opteron_G2', note: 'family 0x11' },
  { vendor: 'AuthenticAMD', family: 18, models: [[1, 1]], codename: 'Llano (K10)', year: 2011, archspec: 'k10', gcc: 'amdfam10', qemu: 'Opteron_G3', note: 'family 0x12' },
  { vendor: 'AuthenticAMD', family: 20, models: [[0, 2]], codename: 'Bobcat', year: 2011, archspec: 'k10', gcc: 'btver1', qemu: 'Opteron_G3', note: 'family 0x14; SSSE3 but no SSE4.1' },
  { vendor: 'AuthenticAMD', family: 21, models: [[0, 1]], codename: 'Bulldozer', year: 2011, archspec: 'bulldozer', gcc: 'bdver1', qemu: 'Opteron_G4', note: 'family 0x15; model 0x0 was a sample' },
  { vendor: 'AuthenticAMD', family: 21, models: [[2, 2], [16, 16], [19, 19]], codename: 'Piledriver', year: 2012, archspec: 'piledriver', gcc: 'bdver2', qemu: 'Opteron_G5' },
  { vendor: 'AuthenticAMD', family: 21, models: [[48, 48], [56, 56]], codename: 'Steamroller', year: 2014, archspec: 'steamroller', gcc: 'bdver3', qemu: 'Opteron_G5' },
  { vendor: 'AuthenticAMD', family: 21, models: [[96, 96], [101, 101], [112, 112]], codename: 'Excavator', year: 2015, archspec: 'excavator', gcc: 'bdver4', qemu: 'Opteron_G5', note: 'Opteron_G5 lacks AVX2/BMI2' },
  { vendor: 'AuthenticAMD', family: 22, models: [[0, 0], [38, 38]], codename: 'Jaguar', year: 2013, archspec: 'x86_64_v2', gcc: 'btver2', qemu: 'Opteron_G3', note: 'family 0x16; AVX, F16C, BMI1, MOVBE but no FMA/AVX2' },
  { vendor: 'AuthenticAMD', family: 22, models: [[48, 48]], codename: 'Puma', year: 2014, archspec: 'x86_64_v2', gcc: 'btver2', qemu: 'Opteron_G3' },
  { vendor: 'AuthenticAMD', family: 23, models: [[0, 7], [16, 23], [32, 47]], codename: 'Zen', year: 2017, archspec: 'zen', gcc: 'znver1', qemu: 'EPYC', note: '0x1 Naples/Summit Ridge, 0x11 Raven Ridge, 0x20 Dali' },
  { vendor: 'AuthenticAMD', family: 23, models: [[8, 15], [24, 31]], codename: 'Zen+', year: 2018, coreYear: 2017, archspec: 'zen', gcc: 'znver1', qemu: 'EPYC', note: '0x8 Pinnacle Ridge, 0x18 Picasso' },
  { vendor: 'AuthenticAMD', family: 23, models: [[48, 79], [96, 127], [132, 132], [144, 145], [152, 152], [160, 175]], codename: 'Zen2', year: 2019, archspec: 'zen2', gcc: 'znver2', qemu: 'EPYC-Rome', note: '0x31 Rome, 0x71 Matisse, 0x60 Renoir, 0x68 Lucienne, 0x90/0x91 Van Gogh, 0xa0 Mendocino; 0x47 and 0x84 console-derived' },
  { vendor: 'AuthenticAMD', family: 23, models: [[80, 95]], codename: 'Zen (Fenghuang semi-custom)', year: 2018, coreYear: 2017, archspec: 'zen', gcc: 'znver1', qemu: 'EPYC' },
  { vendor: 'AuthenticAMD', family: 25, models: [[0, 15], [32, 95]], codename: 'Zen3/Zen3+', year: 2020, archspec: 'zen3', gcc: 'znver3', qemu: 'EPYC-Milan', note: '0x1 Milan, 0x8 Chagall, 0x21 Vermeer, 0x30 Trento, 0x44 Rembrandt (Zen3+), 0x50 Cezanne' },
  { vendor: 'AuthenticAMD', family: 25, models: [[16, 31], [96, 175]], codename: 'Zen4/Zen4c', year: 2022, archspec: 'zen4', gcc: 'znver4', qemu: 'EPYC-Genoa', note: '0x11 Genoa, 0x18 Storm Peak, 0x61 Raphael, 0x74/0x75/0x78/0x7c Phoenix/Hawk Point, 0xa0 Bergamo/Siena' },
  { vendor: 'AuthenticAMD', family: 26, models: [[0, 47], [64, 79], [96, 127]], codename: 'Zen5/Zen5c', year: 2024, archspec: 'zen5', gcc: 'znver5', qemu: 'EPYC-Turin', note: '0x2 Turin, 0x11 Turin Dense, 0x8 Shimada Peak, 0x44 Granite Ridge, 0x24 Strix Point, 0x60/0x68 Krackan/Gorgon Point, 0x70 Strix Halo' },
  { vendor: 'AuthenticAMD', family: 26, models: [[80, 95], [128, 175], [192, 239]], codename: 'Zen6', year: 2026, archspec: 'zen5', gcc: 'znver6', note: 'model ranges as in Linux; 0xd0-0xef from a 2026 patch; year as announced (doubt)' },
  { vendor: 'CentaurHauls', family: 6, models: [[15, 15]], codename: 'VIA Isaiah/ZhangJiang', year: 2008, archspec: 'core2', gcc: 'nano' },
  { vendor: 'CentaurHauls', family: 6, models: [[71, 71]], codename: 'Centaur CNS', year: 2020, archspec: 'skylake_avx512', gcc: 'skylake-avx512', note: 'never sold; Intel-style XSAVE layout including AVX-512' },
  { vendor: 'CentaurHauls', family: 7, models: [[11, 11], [27, 27], [59, 59]], codename: 'Zhaoxin WuDaoKou/LuJiaZui/Century Avenue', year: 2017, archspec: 'haswell', gcc: 'lujiazui', qemu: 'YongFeng', note: 'vendor may also read Shanghai; 0x1b WuDaoKou, 0x3b LuJiaZui; 0xb dumps are KX-4000..KX-7000; nearest names only (doubt)' },
  { vendor: 'GenuineIntel', family: 6, models: [[15, 15], [22, 22]], codename: 'Core2 Merom/Conroe', year: 2006, archspec: 'core2', gcc: 'core2', qemu: 'Conroe' },
  { vendor: 'GenuineIntel', family: 6, models: [[23, 23], [29, 29]], codename: 'Core2 Penryn/Dunnington', year: 2007, archspec: 'core2', gcc: 'core2', qemu: 'Penryn' },
  { vendor: 'GenuineIntel', family: 6, models: [[26, 26], [30, 31], [46, 46]], codename: 'Nehalem', year: 2008, archspec: 'nehalem', gcc: 'nehalem', qemu: 'Nehalem' },
  { vendor: 'GenuineIntel', family: 6, models: [[28, 28], [38, 39], [53, 54]], codename: 'Bonnell/Saltwell', line: 'atom', year: 2008, archspec: 'core2', gcc: 'bonnell', qemu: 'n270', note: 'Atom; lacks SSE4; 0x27 and 0x35 are 32-bit phone parts' },
  { vendor: 'GenuineIntel', family: 6, models: [[37, 37], [44, 44], [47, 47]], codename: 'Westmere', year: 2010, archspec: 'westmere', gcc: 'westmere', qemu: 'Westmere' },
  { vendor: 'GenuineIntel', family: 6, models: [[42, 42], [45, 45]], codename: 'SandyBridge', year: 2011, archspec: 'sandybridge', gcc: 'sandybridge', qemu: 'SandyBridge', note: '0x2d is the -E/-EP server part; Pentium/Celeron fuse off AVX' },
  { vendor: 'GenuineIntel', family: 6, models: [[55, 55], [74, 74], [77, 77], [90, 90], [93, 93]], codename: 'Silvermont', line: 'atom', year: 2013, archspec: 'westmere', gcc: 'silvermont', qemu: 'Westmere', note: '0x4a/0x5a/0x5d are phone/tablet parts' },
  { vendor: 'GenuineIntel', family: 6, models: [[58, 58], [62, 62]], codename: 'IvyBridge', year: 2012, archspec: 'ivybridge', gcc: 'ivybridge', qemu: 'IvyBridge', note: '0x3e is -E/-EP/-EX (2013)' },
  { vendor: 'GenuineIntel', family: 6, models: [[60, 60], [63, 63], [69, 70]], codename: 'Haswell', year: 2013, archspec: 'haswell', gcc: 'haswell', qemu: 'Haswell', note: '0x3f is -E/-EP/-EX (2014); TSX disabled by microcode on many: use Haswell-noTSX; Pentium/Celeron fuse off AVX/BMI/FMA' },
  { vendor: 'GenuineIntel', family: 6, models: [[61, 61], [71, 71], [79, 79], [86, 86]], codename: 'Broadwell', year: 2014, archspec: 'broadwell', gcc: 'broadwell', qemu: 'Broadwell', note: '0x4f -E/-EP/-EX and 0x56 Xeon D (2015-2016)' },
  { vendor: 'GenuineIntel', family: 6, models: [[76, 76], [117, 117]], codename: 'Airmont', line: 'atom', year: 2015, archspec: 'westmere', gcc: 'silvermont', qemu: 'Westmere', note: '0x75 is a third-party phone part' },
  { vendor: 'GenuineIntel', family: 6, models: [[78, 78], [94, 94]], codename: 'Skylake client', year: 2015, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[85, 85]], steppings: [0, 4], codename: 'Skylake-SP/X', year: 2017, archspec: 'skylake_avx512', gcc: 'skylake-avx512', qemu: 'Skylake-Server' },
  { vendor: 'GenuineIntel', family: 6, models: [[85, 85]], steppings: [5, 7], codename: 'CascadeLake', year: 2019, archspec: 'cascadelake', gcc: 'cascadelake', qemu: 'Cascadelake-Server' },
  { vendor: 'GenuineIntel', family: 6, models: [[85, 85]], steppings: [10, 11], codename: 'CooperLake', year: 2020, archspec: 'cascadelake', gcc: 'cooperlake', qemu: 'Cooperlake' },
  { vendor: 'GenuineIntel', family: 6, models: [[87, 87]], codename: 'KnightsLanding', line: 'phi', year: 2016, archspec: 'mic_knl', gcc: 'knl', note: 'AVX512F/CD/ER/PF only; gcc 15 removed knl' },
  { vendor: 'GenuineIntel', family: 6, models: [[92, 92], [95, 95]], codename: 'Goldmont', line: 'atom', year: 2016, archspec: 'westmere', gcc: 'goldmont', qemu: 'Westmere', note: '0x5f Denverton: QEMU Denverton model' },
  { vendor: 'GenuineIntel', family: 6, models: [[102, 102]], codename: 'CannonLake', year: 2018, archspec: 'cannonlake', gcc: 'cannonlake', qemu: 'Skylake-Server', note: 'no exact QEMU model; lacks CLWB' },
  { vendor: 'GenuineIntel', family: 6, models: [[106, 106], [108, 108]], codename: 'IceLake-SP/D', year: 2021, coreYear: 2019, archspec: 'icelake', gcc: 'icelake-server', qemu: 'Icelake-Server' },
  { vendor: 'GenuineIntel', family: 6, models: [[122, 122]], codename: 'GoldmontPlus', line: 'atom', year: 2017, archspec: 'westmere', gcc: 'goldmont-plus', qemu: 'Westmere' },
  { vendor: 'GenuineIntel', family: 6, models: [[125, 126], [157, 157]], codename: 'IceLake client', year: 2019, archspec: 'icelake', gcc: 'icelake-client', qemu: 'Icelake-Client', note: '0x9d NNP-I; QEMU withdrew Icelake-Client, use Icelake-Server minus bits' },
  { vendor: 'GenuineIntel', family: 6, models: [[133, 133]], codename: 'KnightsMill', line: 'phi', year: 2017, archspec: 'mic_knl', gcc: 'knm', qemu: 'KnightsMill', note: 'QEMU has KnightsMill; gcc 15 removed knm' },
  { vendor: 'GenuineIntel', family: 6, models: [[134, 134], [150, 150], [156, 156]], codename: 'Tremont', line: 'atom', year: 2020, archspec: 'westmere', gcc: 'tremont', qemu: 'Snowridge', note: '0x86 Snow Ridge/Jacobsville, 0x96 Elkhart Lake, 0x9c Jasper Lake; no AVX' },
  { vendor: 'GenuineIntel', family: 6, models: [[138, 138]], codename: 'Lakefield', year: 2020, archspec: 'westmere', gcc: 'tremont', qemu: 'Snowridge', note: 'hybrid; AVX hidden' },
  { vendor: 'GenuineIntel', family: 6, models: [[140, 141]], codename: 'TigerLake', year: 2020, archspec: 'icelake', gcc: 'tigerlake', qemu: 'Icelake-Server', note: 'no exact QEMU model' },
  { vendor: 'GenuineIntel', family: 6, models: [[142, 142]], steppings: [9, 9], codename: 'KabyLake/AmberLake', year: 2016, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[142, 142]], steppings: [10, 12], codename: 'CoffeeLake-U/WhiskeyLake/CometLake-U', year: 2017, coreYear: 2016, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[143, 143]], codename: 'SapphireRapids', year: 2023, coreYear: 2021, archspec: 'sapphirerapids', gcc: 'sapphirerapids', qemu: 'SapphireRapids' },
  { vendor: 'GenuineIntel', family: 6, models: [[151, 151], [154, 154]], codename: 'AlderLake', year: 2021, archspec: 'alderlake', gcc: 'alderlake', qemu: 'Skylake-Client', note: 'no exact QEMU model; early P-core-only BIOS could expose AVX-512' },
  { vendor: 'GenuineIntel', family: 6, models: [[158, 158]], steppings: [9, 9], codename: 'KabyLake', year: 2016, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[158, 158]], steppings: [10, 13], codename: 'CoffeeLake', year: 2017, coreYear: 2016, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[165, 166]], codename: 'CometLake', year: 2019, coreYear: 2017, archspec: 'skylake', gcc: 'skylake', qemu: 'Skylake-Client', note: 'some dumps have pku (W-1200), as Skylake-SP' },
  { vendor: 'GenuineIntel', family: 6, models: [[167, 167]], codename: 'RocketLake', year: 2021, coreYear: 2019, archspec: 'icelake', gcc: 'rocketlake', qemu: 'Icelake-Server', note: 'no exact QEMU model' },
  { vendor: 'GenuineIntel', family: 6, models: [[170, 170], [172, 172]], codename: 'MeteorLake', year: 2023, archspec: 'alderlake', gcc: 'meteorlake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[173, 173]], codename: 'GraniteRapids', year: 2024, coreYear: 2023, archspec: 'sapphirerapids', gcc: 'graniterapids', qemu: 'GraniteRapids' },
  { vendor: 'GenuineIntel', family: 6, models: [[174, 174]], codename: 'GraniteRapids-D', year: 2025, coreYear: 2023, archspec: 'sapphirerapids', gcc: 'graniterapids-d', qemu: 'GraniteRapids', note: 'adds amx_complex' },
  { vendor: 'GenuineIntel', family: 6, models: [[175, 175]], codename: 'SierraForest', line: 'atom', year: 2024, archspec: 'alderlake', gcc: 'sierraforest', qemu: 'SierraForest' },
  { vendor: 'GenuineIntel', family: 6, models: [[181, 181]], codename: 'ArrowLake-U', year: 2025, coreYear: 2023, archspec: 'alderlake', gcc: 'arrowlake', qemu: 'Skylake-Client', note: 'Redwood Cove refresh' },
  { vendor: 'GenuineIntel', family: 6, models: [[182, 182]], codename: 'GrandRidge', line: 'atom', year: 2024, archspec: 'alderlake', gcc: 'grandridge', qemu: 'SierraForest' },
  { vendor: 'GenuineIntel', family: 6, models: [[183, 183], [186, 186], [191, 191]], codename: 'RaptorLake', year: 2022, archspec: 'alderlake', gcc: 'raptorlake', qemu: 'Skylake-Client', note: '0xb7 also BartlettLake-S' },
  { vendor: 'GenuineIntel', family: 6, models: [[189, 189]], codename: 'LunarLake', year: 2024, archspec: 'arrowlake_s', gcc: 'lunarlake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[190, 190]], codename: 'AlderLake-N/TwinLake (Gracemont)', line: 'atom', year: 2023, coreYear: 2021, archspec: 'alderlake', gcc: 'gracemont', qemu: 'Skylake-Client', note: 'no exact QEMU model' },
  { vendor: 'GenuineIntel', family: 6, models: [[197, 197]], codename: 'ArrowLake-H', year: 2025, archspec: 'arrowlake', gcc: 'arrowlake', qemu: 'Skylake-Client', note: 'lacks sha512/sm3/sm4/avx_vnni_int16 in dumps' },
  { vendor: 'GenuineIntel', family: 6, models: [[198, 198]], codename: 'ArrowLake-S/HX', year: 2024, archspec: 'arrowlake_s', gcc: 'arrowlake-s', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[204, 204], [229, 229]], codename: 'PantherLake', year: 2026, archspec: 'arrowlake_s', gcc: 'pantherlake', qemu: 'Skylake-Client', note: 'first client part with FRED' },
  { vendor: 'GenuineIntel', family: 6, models: [[207, 207]], codename: 'EmeraldRapids', year: 2023, coreYear: 2022, archspec: 'sapphirerapids', gcc: 'emeraldrapids', qemu: 'SapphireRapids', note: 'same features as Sapphire Rapids for user code' },
  { vendor: 'GenuineIntel', family: 6, models: [[213, 213]], codename: 'WildcatLake', year: 2026, archspec: 'arrowlake_s', gcc: 'wildcatlake', qemu: 'Skylake-Client' },
  { vendor: 'GenuineIntel', family: 6, models: [[215, 215]], codename: 'BartlettLake (P-core only)', year: 2026, archspec: 'alderlake', gcc: 'raptorlake', qemu: 'Skylake-Client', note: 'year as in dump set (doubt)' },
  { vendor: 'GenuineIntel', family: 6, models: [[221, 221]], codename: 'ClearwaterForest', line: 'atom', year: 2026, archspec: 'alderlake', gcc: 'clearwaterforest', qemu: 'ClearwaterForest', note: 'launch year as announced' },
  { vendor: 'GenuineIntel', family: 15, models: [[3, 4]], codename: 'Prescott/Nocona', year: 2004, archspec: 'nocona', gcc: 'nocona', qemu: 'core2duo', note: 'first Intel 64-bit parts; only later steppings have long mode, cx16 and lahf_lm' },
  { vendor: 'GenuineIntel', family: 15, models: [[6, 6]], codename: 'CedarMill/Tulsa', year: 2006, archspec: 'nocona', gcc: 'nocona', qemu: 'core2duo' },
  { vendor: 'GenuineIntel', family: 18, models: [[1, 1], [3, 3]], codename: 'NovaLake', year: 2026, archspec: 'arrowlake_s', gcc: 'novalake', note: 'family 0x12; as announced (doubt)' },
  { vendor: 'GenuineIntel', family: 19, models: [[1, 1]], codename: 'DiamondRapids', year: 2026, archspec: 'sapphirerapids', gcc: 'diamondrapids', qemu: 'DiamondRapids', note: 'family 0x13; launch year as announced (doubt)' },
  { vendor: 'HygonGenuine', family: 24, models: [[0, 2]], codename: 'Hygon Dhyana (Zen)', year: 2018, coreYear: 2017, archspec: 'zen', gcc: 'znver1', qemu: 'Dhyana', note: '0x1/0x2 are Dhyana refreshes' },
  { vendor: 'HygonGenuine', family: 24, models: [[16, 16]], codename: 'Hygon (later core)', year: 2023, coreYear: 'unknown', archspec: 'zen', gcc: 'znver1', qemu: 'Dhyana', note: 'dump shows UMIP; exact core unknown (doubt)' },
];

/**
 * The design that a signature belongs to; undefined where the table has none, or several that only a
 * stepping would tell apart.
 */
export function findMicroarchitecture(
  vendor: string,
  family: number,
  model: number,
  stepping: number | undefined,
): Microarchitecture | undefined {
  const rows = MICROARCHITECTURES.filter(
    (row) =>
      row.vendor === vendor &&
      row.family === family &&
      row.models.some(([low, high]) => low <= model && model <= high) &&
      (row.steppings === undefined ||
        stepping === undefined ||
        (row.steppings[0] <= stepping && stepping <= row.steppings[1])),
  );
  return stepping === undefined && rows.length > 1 ? undefined : rows[0];
}
