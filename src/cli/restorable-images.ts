/** What "restore --images" names, as the folder that CRIU is given. */
import { ArchiveFiles } from '../enforce/archive-files.js';
import { type DumpPlace, openDump } from '../enforce/open-images.js';
import { unpackImages } from '../enforce/unpack-images.js';
import { type ContainerEngine, containerEngine } from '../formats/archives/container-engine.js';
import { InputError } from '../model/errors.js';

const HOW: Readonly<Record<ContainerEngine, (given: string) => string>> = {
  podman: (given) => `Podman can: "podman container restore --import ${given}".`,
  'cri-o': () =>
    'CRI-O can: made an image by "checkpointctl build" or buildah, it is the image of a new container.',
  containerd: () =>
    'containerd up to 2.3 can: made an image by "checkpointctl build", it is the image of a new container.',
};

const OF_ANOTHER = () => 'The engine that has dumped it can.';

/**
 * CRIU puts back tasks; a container is more: its file system, mounts and network are the engine's to
 * prepare. Its images in a folder of their own are left to who knows what else CRIU must be told.
 */
function refuseContainer(given: string, { found, spec }: DumpPlace): void {
  if (found.kind !== 'dump' || found.container === undefined) return;
  const engine = containerEngine(spec);
  const how = engine === undefined ? OF_ANOTHER : HOW[engine];
  throw new InputError(
    'usage',
    "is a container's dump, and CRIU alone can't put back a container",
    {
      place: { file: given },
      remedy: `${how(given)} "cpugate check ${given} localhost" tells before whether its tasks can go on here.`,
    },
  );
}

export interface RestorableImages {
  readonly folder: string;
  /** After CRIU has read them, or won't. */
  readonly remove: () => void;
}

/** Throws InputError for what holds no dump, or that of a container. */
export async function restorableImages(given: string): Promise<RestorableImages> {
  const place = await openDump(given, { pages: false });
  const { files } = place;
  try {
    refuseContainer(given, place);
    if (!(files instanceof ArchiveFiles)) return { folder: files.name, remove: () => {} };
    return await unpackImages(files);
  } finally {
    files.close();
  }
}
