/**
 * Old dumping tools wrote the subleaves of a leaf one below the other without their numbers, and
 * left out those that are all zero. A number is given only where the lines themselves prove it;
 * any other line stays without one, and what it says unknown.
 */
import { COMPONENT, componentRow } from '../catalogue/index.js';
import { type SubleafRule, subleafRule } from '../catalogue/subleaves.js';
import { bitsOf, field, hasBit, hasBit64, join64, type Registers } from '../model/registers.js';
import { LEGACY_AREA_BYTES } from '../model/xsave.js';

type Numbers = (number | undefined)[];

/** Subleaf 0 comes first always, and is written also where it is zero. */
function onlyFirst(lines: readonly Registers[]): Numbers {
  return lines.map((_, place) => (place === 0 ? 0 : undefined));
}

/** A list that ends with the first entry of type 0: no entry before the end can be all zero. */
function numberCaches(lines: readonly Registers[]): Numbers {
  return lines.slice(0, -1).every(({ eax }) => field(eax, 4, 0) !== 0)
    ? lines.map((_, place) => place)
    : onlyFirst(lines);
}

/** ECX[7:0] of the topology leaves repeats the subleaf's number. */
function numberTopology(lines: readonly Registers[]): Numbers {
  const numbers = lines.map(({ ecx }) => field(ecx, 7, 0));
  return numbers.every((number, place) => place === 0 || number > (numbers[place - 1] as number))
    ? numbers
    : onlyFirst(lines);
}

/** EAX of subleaf 0 counts the further ones: in order if none was left out. */
function numberCounted(lines: readonly Registers[]): Numbers {
  return lines.length === (lines[0]?.eax ?? 0) + 1
    ? lines.map((_, place) => place)
    : onlyFirst(lines);
}

/** YMM state is alike on every CPU (Intel SDM vol. 1, 13.4.2): the one line that can't be mistaken. */
function isYmm({ eax, ebx, ecx, edx }: Registers): boolean {
  return eax === 0x100 && ebx === 0x240 && ecx === 0 && edx === 0;
}

/** Bits of subleaf 1 EAX that have a meaning; a component's size is another number but for PKRU's. */
const SUBLEAF_1_EAX = 0x1f;

/** Supervisor components set ECX[0] (Intel SDM vol. 2A, CPUID leaf 0xD). */
function isSupervisor({ ecx }: Registers): boolean {
  return hasBit(ecx, 0);
}

function couldBe(bit: number, line: Registers, areaBytes: number): boolean {
  const size = componentRow(bit)?.size;
  if (line.eax === 0 || (size !== undefined && size !== line.eax)) return false;
  if (isSupervisor(line)) return true;
  return line.ebx >= LEGACY_AREA_BYTES && line.ebx + line.eax <= areaBytes;
}

/**
 * Leaf 0xD: YMM's line is the landmark. What stands before it is subleaf 1; what comes after are
 * the components of the mask in order, if there are as many lines as components and each line fits
 * its component. Haswell dumps without subleaf 1 show that its absence isn't a zero.
 */
function numberComponents(lines: readonly Registers[]): Numbers {
  const numbers = onlyFirst(lines);
  const first = lines[0] as Registers;
  const offered = join64(first.edx, first.eax);
  const ymm = lines.findIndex(isYmm);
  if (!hasBit64(offered, COMPONENT.ymm_hi128) || ymm < 1 || ymm > 2) return numbers;
  if (ymm === 2 && (lines[1] as Registers).eax > SUBLEAF_1_EAX) return numbers;
  numbers[ymm] = COMPONENT.ymm_hi128;
  if (ymm === 2) numbers[1] = 1;
  const supervisor =
    ymm === 2 ? join64((lines[1] as Registers).edx, (lines[1] as Registers).ecx) : 0n;
  for (const [mask, kind] of [
    [offered, false],
    [supervisor, true],
  ] as const) {
    const bits = bitsOf(mask).filter((bit) => bit > COMPONENT.ymm_hi128);
    const places = [...lines.keys()].filter(
      (place) => place > ymm && isSupervisor(lines[place] as Registers) === kind,
    );
    if (bits.length !== places.length) continue;
    const fits = bits.every((bit, n) =>
      couldBe(bit, lines[places[n] as number] as Registers, first.ecx),
    );
    if (fits) for (const [n, bit] of bits.entries()) numbers[places[n] as number] = bit;
  }
  return numbers;
}

const NUMBERINGS: Readonly<Record<SubleafRule, (lines: readonly Registers[]) => Numbers>> = {
  'up-to-eax': numberCounted,
  'bits-of-eax': onlyFirst,
  'bits-of-ebx': onlyFirst,
  'bits-of-edx': onlyFirst,
  'until-cache-type-0': numberCaches,
  'until-level-type-0': numberTopology,
  'until-target-0': onlyFirst,
  enclaves: onlyFirst,
  state: numberComponents,
};

/**
 * Subleaf of each line of one leaf, in the order of the file; undefined: can't be told. Leaves
 * without subleaves give 0 for every line, which makes the second one a repetition.
 */
export function numberSubleaves(
  leaf: number,
  lines: readonly Registers[],
): readonly (number | undefined)[] {
  const rule = subleafRule(leaf);
  if (rule === undefined) return lines.map(() => 0);
  return lines.length === 1 ? [0] : NUMBERINGS[rule](lines);
}
