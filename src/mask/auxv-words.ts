/** What a new program's auxiliary vector says of the CPU, with the mask and without. Pure. */
import type { Host } from '../model/host.js';
import type { Mask } from './mask.js';

export interface AuxvWord {
  readonly name: 'AT_HWCAP' | 'AT_HWCAP2' | 'AT_MINSIGSTKSZ';
  /** Of the kernel here. */
  readonly real: bigint;
  readonly masked: bigint;
}

/** As far as this host tells; native/supervisor/auxv.cc puts the masked ones on the program's stack. */
export function auxvWords(mask: Mask, system: Host['system'] = {}): AuxvWord[] {
  const { hwcap, hwcap2, minSigStackBytes: frame } = system;
  const words: AuxvWord[] = [];
  const bits = (name: AuxvWord['name'], real: bigint | undefined, by: Mask['hwcap']) => {
    if (real !== undefined) words.push({ name, real, masked: (real & by.keep) | by.set });
  };
  bits('AT_HWCAP', hwcap, mask.hwcap);
  bits('AT_HWCAP2', hwcap2, mask.hwcap2);
  if (frame !== undefined)
    words.push({
      name: 'AT_MINSIGSTKSZ',
      real: BigInt(frame),
      masked: BigInt(Math.max(frame, mask.minSigStackBytes)),
    });
  return words;
}
