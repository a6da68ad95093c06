/**
 * GLIBC_TUNABLES: what glibc's own functions, and its choice among library folders, may use. Programs
 * that execute CPUID themselves see no difference.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, LEVELS } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { compareReleases, isSince } from '../model/release.js';
import {
  environmentUsage,
  type Variable,
  type VariableGroup,
  writeEnvironment,
} from './environment.js';
import { lazyBinding } from './glibc-lazy-binding.js';
import {
  AVX_PREFERENCE,
  FIRST_KEEPING_XSAVE,
  FIRST_WITH_HWCAPS,
  FIRST_WITHOUT_XSAVE,
  type GlibcVersion,
  hwcapsTunable,
  lacksUsableNames,
  parseGlibcVersion,
  tunableFeatures,
  tunableNames,
} from './glibc-tunables.js';
import { hiddenFeatures, mayBeSomewhere } from './hidden-features.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, ExportOptions, Target } from './target.js';

function parseOrThrow(text: string): GlibcVersion {
  const version = parseGlibcVersion(text);
  if (version === undefined)
    throw new InputError('malformed', `"${text}" is no glibc version`, {
      remedy: 'Give the release, for example --glibc 2.36 (what ldd --version prints).',
    });
  return version;
}

/** Ascending, each once. */
function versionsOf(baseline: Baseline, options: ExportOptions): readonly GlibcVersion[] {
  if (options.glibc !== undefined) return [parseOrThrow(options.glibc)];
  const found = new Set<GlibcVersion>();
  for (const { glibcVersions } of baseline.cluster.values())
    for (const text of glibcVersions) found.add(parseOrThrow(text));
  if (found.size === 0)
    throw new InputError('data-missing', "the glibc version of the baseline's hosts is unknown", {
      remedy: 'Name it: --glibc 2.36 (what ldd --version prints where the programs run).',
    });
  return [...found].sort(compareReleases);
}

/**
 * Releases up to 2.31 have no name for the AVX512VL and AVX512BW bits by which the EVEX variants are
 * chosen (in their distributions' backports: Debian 11, RHEL 8). All of those stand behind AVX2 or
 * AVX_Fast_Unaligned_Load, so these go where AVX512VL has to.
 */
function hidesAvx2ForEvex(
  baseline: Baseline,
  version: GlibcVersion,
  kept: ReadonlySet<FeatureName>,
): boolean {
  const dropped = (name: FeatureName) => !kept.has(name) && mayBeSomewhere(baseline, name);
  return lacksUsableNames(version) && (dropped('avx512vl') || dropped('avx512bw'));
}

/** Names for glibc to do without, in the catalogue's order. */
export function namesToHide(baseline: Baseline, version: GlibcVersion): readonly string[] {
  if (!isSince(version, FIRST_WITH_HWCAPS)) return [];
  const kept = new Set(baseline.features);
  const noEvex = hidesAvx2ForEvex(baseline, version, kept);
  const names = tunableFeatures(version)
    .filter((name) => !kept.has(name) || (noEvex && name === 'avx2'))
    .flatMap((name) => tunableNames(version, name));
  return !kept.has('avx') || noEvex ? [...names, AVX_PREFERENCE] : names;
}

/** NEWS of 2.33: libraries are looked for in glibc-hwcaps/x86-64-v3 and the like. */
const FIRST_WITH_FOLDERS: GlibcVersion = '2.33';

/** Levels that the baseline lacks and whose folder would still be searched. */
function unstoppedLevels(baseline: Baseline, version: GlibcVersion): readonly string[] {
  if (!isSince(version, FIRST_WITH_FOLDERS)) return [];
  const kept = new Set(baseline.features);
  const gone = new Set(tunableFeatures(version));
  return LEVELS.filter(({ features }) => {
    const lost = (features as readonly FeatureName[]).filter((name) => !kept.has(name));
    return lost.length > 0 && !lost.some((name) => gone.has(name));
  }).map(({ name }) => name);
}

/** What one release is told. */
interface ReleaseSettings {
  readonly version: GlibcVersion;
  readonly variables: readonly Variable[];
  readonly why: string;
  /** What it can't be told, a sentence each. */
  readonly lost: readonly string[];
}

function nameless(baseline: Baseline, version: GlibcVersion): readonly string[] {
  const named = new Set(tunableFeatures(version));
  const lost = hiddenFeatures(baseline).filter((name) => !named.has(name));
  return lost.length === 0 ? [] : [`glibc ${version} has no name for ${lost.join(', ')}.`];
}

function settingsFor(baseline: Baseline, version: GlibcVersion): ReleaseSettings {
  if (!isSince(version, FIRST_WITH_HWCAPS))
    return {
      version,
      variables: [],
      why: 'It has no such setting (2.26 and later have).',
      lost: [`glibc ${version} takes no feature away: the setting came with 2.26.`],
    };
  const names = namesToHide(baseline, version);
  const binding = lazyBinding(baseline, version);
  const lost = [...nameless(baseline, version)];
  const levels = unstoppedLevels(baseline, version);
  if (levels.length > 0)
    lost.push(`glibc ${version} goes on loading libraries from glibc-hwcaps/${levels.join(', ')}.`);
  if (binding.off && !isSince(version, FIRST_WITHOUT_XSAVE))
    lost.push(`glibc ${version} saves with XSAVE for TLS descriptors and LD_AUDIT.`);
  const variables: Variable[] = [];
  if (names.length > 0)
    variables.push({
      name: 'GLIBC_TUNABLES',
      value: `${hwcapsTunable(version)}=${names.map((name) => `-${name}`).join(',')}`,
    });
  if (binding.off) variables.push({ name: 'LD_BIND_NOW', value: '1' });
  return { version, variables, why: binding.why, lost };
}

const CONFIG_MAP = 'cpugate-glibc';

const HEAD: readonly Remark[] = [
  'What glibc may not use under this baseline.',
  'glibc passes over these settings in programs with set-user-ID, set-group-ID or file capabilities, and statically linked programs carry a glibc of their own.',
  `A glibc built for x86-64-v3 (RHEL 10, UBI 10) uses AVX2 whatever is set: it doesn't start on a host below that level, and from ${FIRST_KEEPING_XSAVE} on it keeps XSAVE. Older such builds can crash where XSAVEC is hidden.`,
  "Only glibc itself obeys: compilers' built-ins, JIT compilers, Go and libraries with a CPU check of their own still see all of the host.",
].map(note);

/** Of several releases only one can be set: the newest. */
function groupsOf(releases: readonly ReleaseSettings[]): VariableGroup[] {
  return releases.map(({ version, variables, why }, place) => ({
    comments: [`glibc ${version}`, why],
    variables,
    isOff: place < releases.length - 1,
  }));
}

function choiceOf(releases: readonly ReleaseSettings[]): readonly Remark[] {
  const newest = releases.at(-1);
  if (newest === undefined || releases.length < 2) return [];
  return [
    condition(
      `The hosts have several releases, and what is set here is for glibc ${newest.version}. For programs that run with another (in a container the image's counts) set what stands in the comments for it instead, or write the file with --glibc.`,
    ),
  ];
}

function write(baseline: Baseline, options: ExportOptions): Exported {
  const { format = 'env-file' } = options;
  const releases = versionsOf(baseline, options).map((version) => settingsFor(baseline, version));
  return {
    content: writeEnvironment(format, CONFIG_MAP, groupsOf(releases)),
    remarks: [
      ...HEAD,
      environmentUsage(format, CONFIG_MAP),
      ...choiceOf(releases),
      ...releases.flatMap(({ lost }) => lost.map(notExpressed)),
    ],
  };
}

export const glibc: Target = {
  name: 'glibc',
  file: 'glibc.env',
  comments: 'hash',
  isEnvironment: true,
  write,
};
