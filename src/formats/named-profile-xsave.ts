/**
 * The XSAVE section of a named profile: held to what Linux would enable for the listed features,
 * then turned into leaf 0xD. Source: Linux arch/x86/kernel/fpu/xstate.c; Intel SDM vol. 2A, CPUID
 * leaf 0xD.
 */
import {
  componentMask,
  componentRow,
  type FeatureName,
  featureRow,
  LEGACY_STATE,
  neededState,
} from '../catalogue/index.js';
import type { LeafRow } from '../model/leaves.js';
import { ALL_KNOWN, fieldMask, split64 } from '../model/registers.js';
import { standardAreaBytes } from '../model/xsave.js';
import { type Input, malformed } from './format.js';

export interface ProfileComponent {
  readonly bit: number;
  readonly size: number;
  readonly offset?: number;
  readonly aligned?: true;
  readonly xfd?: true;
}

/** As schemas/cpu-profile.schema.json describes it. */
export interface ProfileXsave {
  readonly components: readonly ProfileComponent[];
  readonly areaBytes?: number;
  readonly offeredOnly?: readonly ProfileComponent[];
  readonly offeredAreaBytes?: number;
}

/** Size of the standard format with these components; undefined where a place isn't told. */
function areaOf(components: readonly ProfileComponent[]): number | undefined {
  return standardAreaBytes(
    components.map(({ bit, size, offset }) => ({
      bit,
      name: '',
      size,
      offset,
      aligned: undefined,
    })),
  );
}

function checkArea(
  input: Input,
  components: readonly ProfileComponent[],
  said: number | undefined,
  at: string,
): void {
  const area = areaOf(components);
  if (area === said) return;
  throw malformed(
    input,
    area === undefined
      ? "the area's size can't be known without every offset"
      : said === undefined
        ? `the area's size is missing; the last component ends at byte ${area}`
        : `the last component ends at byte ${area}, not ${said}`,
    { at },
  );
}

/** Components must be such that Linux enables them for these features. */
function checkEnabled(
  input: Input,
  { components }: ProfileXsave,
  listed: ReadonlySet<FeatureName>,
): void {
  for (const { bit } of components) {
    const row = componentRow(bit);
    const enablers: readonly FeatureName[] =
      row?.kind === 'user' && row.linux === 'yes' ? row.enabledBy : [];
    if (!enablers.some((name) => listed.has(name)))
      throw malformed(
        input,
        `Linux doesn't enable component ${bit} with these features`,
        { at: '/xsave/components' },
        'List components that the CPU offers and Linux does not enable under "offeredOnly".',
      );
  }
}

/** No listed feature may lack its state. */
function checkNeeded(
  input: Input,
  components: readonly ProfileComponent[],
  listed: ReadonlySet<FeatureName>,
): void {
  const bits = new Set(components.map(({ bit }) => bit));
  for (const name of listed)
    for (const bit of neededState(featureRow(name)))
      if (!bits.has(bit))
        throw malformed(input, `${name} needs component ${bit}, which isn't listed`, {
          at: '/xsave/components',
        });
}

/** Throws InputError where features and components contradict each other, or sizes their offsets. */
export function checkXsave(
  input: Input,
  xsave: ProfileXsave | undefined,
  listed: ReadonlySet<FeatureName>,
): void {
  const at = '/xsave';
  if ((xsave !== undefined) !== listed.has('xsave'))
    throw malformed(
      input,
      xsave ? 'state components without the feature xsave' : 'xsave is listed without its layout',
      { at },
      'List xsave among the features and its components under "xsave", or neither.',
    );
  checkNeeded(input, xsave?.components ?? [], listed);
  if (xsave === undefined) return;
  checkEnabled(input, xsave, listed);
  const offered = [...xsave.components, ...(xsave.offeredOnly ?? [])];
  if (new Set(offered.map(({ bit }) => bit)).size !== offered.length)
    throw malformed(input, 'a component is given twice', { at });
  checkArea(input, xsave.components, xsave.areaBytes, `${at}/areaBytes`);
  if (xsave.offeredOnly !== undefined)
    checkArea(input, offered, xsave.offeredAreaBytes, `${at}/offeredAreaBytes`);
}

/** Bits of XCR0. */
export function maskOf(components: readonly ProfileComponent[]): bigint {
  // x87 and SSE are enabled wherever there is XSAVE.
  return LEGACY_STATE | componentMask(components.map(({ bit }) => bit));
}

/** Leaf 0xD: subleaf 0, and one subleaf a component. Flags: Intel SDM vol. 2A, CPUID leaf 0xD. */
export function xsaveRows({
  components,
  areaBytes,
  offeredOnly,
  offeredAreaBytes,
}: ProfileXsave): LeafRow[] {
  const offered = [...components, ...(offeredOnly ?? [])];
  const { high, low } = split64(maskOf(offered));
  const offeredBytes = offeredAreaBytes ?? areaBytes;
  const told = (value: number | undefined) => (value === undefined ? 0 : ALL_KNOWN);
  return [
    {
      leaf: 0xd,
      subleaf: 0,
      eax: low,
      ebx: areaBytes ?? 0,
      ecx: offeredBytes ?? 0,
      edx: high,
      known: { eax: ALL_KNOWN, ebx: told(areaBytes), ecx: told(offeredBytes), edx: ALL_KNOWN },
    },
    ...offered.map(({ bit, size, offset, aligned, xfd }) => ({
      leaf: 0xd,
      subleaf: bit,
      eax: size,
      ebx: offset ?? 0,
      // Bit 0: supervisor state, which none of these is.
      ecx: (aligned ? 2 : 0) + (xfd ? 4 : 0),
      edx: 0,
      known: { eax: ALL_KNOWN, ebx: told(offset), ecx: fieldMask(2, 0), edx: 0 },
    })),
  ];
}
