/**
 * Settings that know the levels of x86-64 and nothing else: Go's GOAMD64, the variant of an OCI platform, the targets of
 * Spack that are levels.
 */
import type { Baseline } from '../baseline/baseline.js';
import { InputError } from '../model/errors.js';
import { condition, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

function variantOf({ level }: Baseline): string {
  if (level !== undefined) return level.replace('x86-64-', '');
  throw new InputError('not-expressible', 'the baseline is below x86-64-v1', {
    remedy: 'There is no setting for less than that level.',
  });
}

/** What is above the level isn't used, so nothing of the baseline gets in the way. */
const ONLY_LEVEL: Remark = note(
  'It says the level and no more: what the baseline has beyond is left unused.',
);

/** Source: go.dev/wiki/MinimumRequirements, "amd64" (Go 1.18 and later). */
function writeGo(baseline: Baseline): Exported {
  return {
    content: `GOAMD64=${variantOf(baseline)}\n`,
    remarks: [
      note(
        'Environment of "go build" for programs that run on every host of the baseline. Go 1.18 and later.',
      ),
      note('Its standard library asks CPUID at run time as well: --for runtimes holds that back.'),
      ONLY_LEVEL,
    ],
  };
}

/** Source: OCI image-spec, image-index.md, platform.variant; containerd/platforms reads and compares amd64 variants. */
function writeOci(baseline: Baseline): Exported {
  const variant = variantOf(baseline);
  const platform = {
    architecture: 'amd64',
    os: 'linux',
    ...(variant === 'v1' ? {} : { variant }),
  };
  return {
    content: `${JSON.stringify(platform, null, 2)}\n`,
    remarks: [
      note(
        `The platform of an image built for the baseline, in an image index; as a word: linux/amd64${variant === 'v1' ? '' : `/${variant}`}.`,
      ),
      condition(
        'The engine compares variants of amd64 (containerd does); others may take any amd64 image, or none with a variant.',
      ),
      ONLY_LEVEL,
    ],
  };
}

/**
 * Of archspec's targets, which Spack's are, the levels (x86_64, x86_64_v2 …; cpu/microarchitectures.json). One with a CPU's
 * name is compiled for with -march of that name, and compilers know more of such a CPU than archspec's list of its
 * features says: for "haswell" gcc uses FSGSBASE as well, of which that list has nothing.
 */
function writeSpack(baseline: Baseline): Exported {
  const variant = variantOf(baseline);
  const target = variant === 'v1' ? 'x86_64' : `x86_64_${variant}`;
  return {
    content: `packages:\n  all:\n    require:\n      - target=${target}\n`,
    remarks: [
      note(
        "For Spack's packages.yaml, of a machine that builds for every host of the baseline; for one package: spack install PACKAGE target=…",
      ),
      condition(
        'A package with requirements of its own needs the target among them: those under "all" are not for it then.',
      ),
      ONLY_LEVEL,
    ],
  };
}

export const go: Target = { name: 'go', file: 'go.env', comments: 'hash', write: writeGo };
export const oci: Target = { name: 'oci', file: 'platform.json', write: writeOci };
export const spack: Target = {
  name: 'spack',
  file: 'packages.yaml',
  comments: 'hash',
  write: writeSpack,
};
