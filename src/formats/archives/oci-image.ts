/**
 * An OCI image whose one layer is a checkpoint: `podman container checkpoint --create-image`, what
 * CRI-O restores from, `checkpointctl build`. An annotation tells, of the manifest or in the index.
 * https://github.com/opencontainers/image-spec (image-layout.md, manifest.md)
 */
import { InputError } from '../../model/errors.js';
import type { Input } from '../format.js';
import { malformed } from '../format.js';

/** Manifests have some kilobytes. */
export const LARGEST_MANIFEST = 4 * 1024 * 1024;
/** An archive holds one image, or the few of a platform each. */
const MOST_MANIFESTS = 64;

const CHECKPOINT =
  /^(?:io\.podman\.annotations\.checkpoint|io\.kubernetes\.cri-o\.annotations\.checkpoint|org\.criu\.checkpoint)\./;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface OciDescriptor {
  /** Below the layout's folder. */
  readonly blob: string;
  readonly isCheckpoint: boolean;
}

function isCheckpoint({ annotations }: Json): boolean {
  return isObject(annotations) && Object.keys(annotations).some((key) => CHECKPOINT.test(key));
}

function descriptors(input: Input, of: 'manifests' | 'layers'): readonly OciDescriptor[] {
  const json = input.json();
  const list = isObject(json) ? json[of] : undefined;
  if (!Array.isArray(list))
    throw malformed(input, input.jsonError() ?? `has no list "${of}"`, { at: `/${of}` });
  return list.slice(0, MOST_MANIFESTS).map((entry: unknown, place): OciDescriptor => {
    const digest = isObject(entry) ? entry.digest : undefined;
    const [, hash, hex] = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(String(digest)) ?? [];
    if (hash === undefined || !isObject(entry))
      throw malformed(input, 'is no digest', { at: `/${of}/${place}/digest` });
    return { blob: `blobs/${hash}/${hex}`, isCheckpoint: isCheckpoint(entry) };
  });
}

/** The layer of a checkpoint; undefined: the image is another. Throws InputError. */
function layerIn(manifest: Input, isMarked: boolean): string | undefined {
  const json = manifest.json();
  if (!isMarked && !(isObject(json) && isCheckpoint(json))) return undefined;
  const [layer, ...more] = descriptors(manifest, 'layers');
  if (layer === undefined || more.length > 0)
    throw malformed(
      manifest,
      `has ${more.length + (layer === undefined ? 0 : 1)} layers`,
      {
        at: '/layers',
      },
      'The image of a checkpoint has one.',
    );
  return layer.blob;
}

/**
 * The layer with the checkpoint of the image `name`, below its folder. `need` gives the files of a
 * layout, by their names there. Throws InputError where there is none.
 */
export function checkpointLayer(name: string, need: (file: string) => Input): string {
  for (const { blob, isCheckpoint } of descriptors(need('index.json'), 'manifests')) {
    const layer = layerIn(need(blob), isCheckpoint);
    if (layer !== undefined) return layer;
  }
  throw new InputError('not-enough-data', 'is an OCI image without a checkpoint in it', {
    place: { file: name },
    remedy:
      'None of its manifests has the annotation of one (io.podman.annotations.checkpoint.name, for example).',
  });
}
