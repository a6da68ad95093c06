/**
 * What a dumped process's glibc keeps of CPUID (struct cpu_features): five words that name the CPU, then
 * for each leaf four words as CPUID gave them and four with what glibc takes for usable. It lies in the
 * data of the dynamic linker, or of a static program. No offset has to be known, since the words prove
 * themselves: leaf 1 EAX has to decode to the family, model and stepping that stand before it. Releases
 * before 2.32 keep other words in another order.
 * Source: glibc sysdeps/x86/include/cpu-features.h, cpu-features.c (init_cpu_features).
 */
import type { KeptCpuid, Told } from '../../model/image-folder.js';
import { type LeafRow, leafTable } from '../../model/leaves.js';
import { decodeSignature } from '../../model/signature.js';
import { GLIBC_LEAVES, glibcIdentityRows, xcr0ByGlibc } from '../glibc-features.js';
import type { AddressSpace } from './address-space.js';

/** Every release has these first; what follows differs. */
const LEAVES = GLIBC_LEAVES.slice(0, 7);
const BASIC_BYTES = 20;
const LEAF_BYTES = 32;
const BYTES = BASIC_BYTES + LEAVES.length * LEAF_BYTES;
const PROT_EXEC = 4;
/** A dynamic linker's data are some ten pages; a static program's may be more. */
const MOST_BYTES = 16 * 1024 * 1024;
const CHUNK = 1 << 20;

/** enum cpu_features_kind, without "unknown" and "other", of which glibc decodes no family. */
const KINDS = { first: 1, last: 4 } as const;
const HIGHEST_LEAF = 0x100;

function isKept(words: DataView, at: number): boolean {
  const word = (index: number) => words.getUint32(at + index * 4, true);
  const kind = word(0);
  if (kind < KINDS.first || kind > KINDS.last) return false;
  if (word(1) < 1 || word(1) > HIGHEST_LEAF) return false;
  const signature = decodeSignature(word(5));
  if (word(2) !== signature.family || word(3) !== signature.model) return false;
  if (word(4) !== signature.stepping || signature.family < 6) return false;
  // Usable is only what CPUID shows; of EAX and EBX nothing is.
  const [ecx, edx] = [word(7), word(8)];
  return word(9) === 0 && word(10) === 0 && (word(11) & ~ecx) === 0 && (word(12) & ~edx) === 0;
}

function rowsAt(words: DataView, at: number): LeafRow[] {
  return LEAVES.map(([leaf, subleaf], index) => {
    const word = (place: number) => words.getUint32(at + index * LEAF_BYTES + place * 4, true);
    return { leaf, subleaf, eax: word(0), ebx: word(1), ecx: word(2), edx: word(3) };
  });
}

function keptAt(words: DataView, at: number): KeptCpuid {
  const word = (index: number) => words.getUint32(at + index * 4, true);
  const identity = { kind: word(0), highestLeaf: word(1), family: word(2), signature: undefined };
  const rows = rowsAt(words, at + BASIC_BYTES);
  const leaves = leafTable([...glibcIdentityRows(identity), ...rows]);
  const active = leafTable(rowsAt(words, at + BASIC_BYTES + LEAF_BYTES / 2));
  // Its environment could hold a tunable, and its kernel isn't named.
  const xcr0 = xcr0ByGlibc(leaves, active, { isTuned: undefined, checksComponents: false });
  return { leaves, xcr0 };
}

function placesIn(bytes: Uint8Array): number[] {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 0; at + BYTES <= bytes.length; at += 4) if (isKept(words, at)) found.push(at);
  return found;
}

function no(reason: string): Told<KeptCpuid> {
  return { known: false, reason };
}

/** `within`: an address in the dynamic linker, or in the code of a program without one. */
export function findKeptCpuid(space: AddressSpace, within: bigint): Told<KeptCpuid> {
  const code = space.mappingAt(within);
  if (code?.kind !== 'file') return no('the images name no file with its C library');
  const found: KeptCpuid[] = [];
  let left = MOST_BYTES;
  for (const { start, end, kind, prot, file } of space.mappings) {
    if (kind !== 'file' || file !== code.file || (prot & PROT_EXEC) !== 0) continue;
    // What lies across two chunks is seen in the second.
    for (const part of space.dumpedParts(start, end))
      for (let at = part.start; at < part.end && left > 0; at += BigInt(CHUNK - BYTES)) {
        const rest = Number(part.end - at);
        const length = Math.min(rest, CHUNK);
        left -= length;
        const bytes = space.read(at, length);
        if (bytes === undefined) return no("the images lack the pages of its C library's data");
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        found.push(...placesIn(bytes).map((place) => keptAt(view, place)));
        if (length === rest) break;
      }
  }
  const [only, another] = found;
  if (only === undefined) return no('no glibc that keeps CPUID (2.32 and later) is in its memory');
  if (another !== undefined) return no('its memory holds two answers of CPUID');
  return { known: true, value: only };
}
