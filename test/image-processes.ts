/** Dumped tasks made by hand. */
import type { ImageProcess } from '../src/model/image-folder.js';

/** A task in which nothing is going on that a move could hurt; `parts` win. */
export function idleProcess(parts: Partial<ImageProcess> = {}): ImageProcess {
  return {
    pid: 7,
    comm: 'server',
    isAlive: true,
    isStopped: false,
    threads: [],
    auxv: new Map(),
    // Where stacks end as a rule, below 2^47.
    highestAddress: { known: true, value: 0x7ffd_1234_5000n },
    signalFrames: { known: true, value: [] },
    savedStates: { known: true, value: [] },
    lazyBinding: { known: true, value: { kind: 'none' } },
    keptSizes: { known: true, value: [] },
    keptCpuid: { known: false, reason: 'no glibc' },
    gaps: [],
    ...parts,
  };
}
