/**
 * -XX:CPUFeatures of a JVM with CRaC, given where a checkpoint is made: the JVM uses no more than it says, and a
 * host that has all of it may restore. The two numbers mean something else in each numbering of JDKs, so each
 * has its line; bits that a JVM derives otherwise than from CPUID are left out. An option with a bit that the
 * JVM doesn't find on its CPU keeps it from starting. The tables and their sources: src/formats/crac.ts.
 */
import type { Baseline } from '../baseline/baseline.js';
import type { FeatureName } from '../catalogue/index.js';
import { cracBits, isMisread } from '../formats/crac.js';
import { hashComments } from './comments.js';
import { condition, notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';

/**
 * One release of each numbering, and which others have it. Those after 17 look for more, but which of them
 * and which update does from when isn't known well enough; without a bit a JVM just does without.
 */
const NUMBERINGS = [
  { release: 17, jdks: 'JDK 17 to 24' },
  { release: 25, jdks: 'JDK 25' },
] as const;

/** A JVM up to 27 doesn't start without. */
const ALWAYS: readonly FeatureName[] = ['sse', 'sse2', 'clflush'];
/** Derived by the JVM: with AVX on all but Xeon Phi, which has AVX-512 PF and ER. */
const VZEROUPPER = 1n << 36n;
/** Never the same on two hosts for good: what the time stamp counter is like, and whether there is a hypervisor. */
const LEFT_OUT: readonly FeatureName[] = ['nonstop_tsc', 'hypervisor', 'ht'];

export function cracOption(
  { features, vendors }: Baseline,
  release: number,
): readonly [first: bigint, second: bigint] {
  const kept = new Set<FeatureName>([...features, ...ALWAYS]);
  const mayBeAmd = vendors.some((vendor) => vendor !== 'GenuineIntel');
  const counts = (name: FeatureName, under: string) =>
    kept.has(name) &&
    !LEFT_OUT.includes(name) &&
    !(mayBeAmd && isMisread(name, release)) &&
    (under !== 'under avx512f' || kept.has('avx512f'));
  const [first, second] = cracBits(release).map((table) =>
    table
      .filter(({ name, clear }) => counts(name, clear))
      .reduce((number, { bit }) => number | (1n << BigInt(bit)), 0n),
  ) as [bigint, bigint];
  const isPhi = kept.has('avx512er') || kept.has('avx512pf');
  return [kept.has('avx') && !isPhi ? first | VZEROUPPER : first, second];
}

function write(baseline: Baseline): Exported {
  const lines = NUMBERINGS.map(({ release, jdks }) => {
    const [first, second] = cracOption(baseline, release);
    return `${hashComments([`${jdks}:`])}-XX:CPUFeatures=0x${first.toString(16)},0x${second.toString(16)}\n`;
  });
  return {
    content: lines.join(''),
    remarks: [
      note(
        'An option of java where a checkpoint is made (with -XX:CRaCCheckpointTo): the line of its release. A restore takes none.',
      ),
      note(
        'The JVM executes itself once more with GLIBC_TUNABLES, so that the C library does without the rest; under "cpugate run --mask" no option is needed.',
      ),
      condition('Every host of the baseline runs the same build of the JDK, as CRaC itself asks.'),
      notExpressed(
        'The numbers have no size of the XSAVE area: whether the images fit a host is what "cpugate check IMAGES HOST" says.',
      ),
      notExpressed('JDK 26 and later number the bits in ways of their own, and are left out.'),
    ],
  };
}

export const crac: Target = { name: 'crac', file: 'crac-options.txt', comments: 'hash', write };
