/** Settings that know the levels of x86-64 and nothing else: Go's GOAMD64, the variant of an OCI platform. */
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

export const go: Target = { name: 'go', file: 'go.env', comments: 'hash', write: writeGo };
export const oci: Target = { name: 'oci', file: 'platform.json', write: writeOci };
