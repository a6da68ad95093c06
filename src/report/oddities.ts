/**
 * What is odd about a host: contradictions between its numbers, state that no task can use, and what
 * the reader noticed. For people; nothing here decides.
 */
import {
  COMPONENT,
  componentName,
  type FeatureName,
  featureRow,
  isLegacyState,
  ROWS,
} from '../catalogue/index.js';
import { type Capabilities, isStateOfOs } from '../model/capabilities.js';
import { formatCpuList } from '../model/cpu-list.js';
import { explainAbsence } from '../model/explain-absence.js';
import type { Host } from '../model/host.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { bitsOf, hex } from '../model/registers.js';
import { unnamedBits } from '../model/unnamed-bits.js';
import { ABSENT, PRESENT, presenceInMask, standardAreaBytes } from '../model/xsave.js';

function unusableState(host: Capabilities): string[] {
  if (isStateOfOs(host)) return [];
  const { xsave } = host;
  return bitsOf(xsave.offered.value)
    .filter((bit) => !isLegacyState(bit) && presenceInMask(xsave.enabled, bit) === ABSENT)
    .map(
      (bit) =>
        `The CPU offers ${componentName(bit)} state (bit ${bit} of leaf 0xD.0) that Linux leaves off` +
        `${bit === COMPONENT.pkru ? ': the pku bit is clear, as on AMD Zen 2' : ''}.`,
    );
}

function unplacedState({ xsave }: Capabilities): string[] {
  return xsave.components
    .filter(({ size, offset }) => size === undefined || offset === undefined)
    .map(({ name, bit }) => `The size or offset of ${name} state is unknown (leaf 0xD.${bit}).`);
}

function areaMismatch({ xsave }: Capabilities): string[] {
  const computed = standardAreaBytes(xsave.components);
  if (xsave.areaBytes === undefined || computed === undefined || xsave.areaBytes === 0) return [];
  if (xsave.areaBytes === computed) return [];
  return [
    `The XSAVE area is given as ${xsave.areaBytes} bytes, but the enabled components end at byte ${computed}.`,
  ];
}

/** Bits that are set and don't count, with the reason. */
function ineffective(host: Capabilities): string[] {
  return ROWS.filter(
    (row) =>
      USER_VISIBLE.has(row.class) &&
      host.hardware(row.name) === PRESENT &&
      host.effective(row.name) === ABSENT,
  ).map((row) => `${row.name} counts as absent: ${explainAbsence(host, row.name)}.`);
}

/** Policy edges that this CPU breaks are worth a look and nothing more. */
function brokenPolicy(host: Capabilities): string[] {
  return ROWS.filter((row) => USER_VISIBLE.has(row.class) && host.effective(row.name) === PRESENT)
    .flatMap((row) => (row.needs ?? []).map((edge) => ({ row, edge })))
    .filter(
      ({ edge }) =>
        edge.kind === 'policy' &&
        // Two projects' different ideas of one prerequisite aren't odd; an absent isa feature is.
        featureRow(edge.on as FeatureName).class === 'isa' &&
        host.hardware(edge.on as FeatureName) === ABSENT,
    )
    .map(
      ({ row, edge }) =>
        `${row.name} is there without ${edge.on}; CPUs usually have both or neither.`,
    );
}

function unnamed(host: Host): string[] {
  const first = host.cpus[0];
  if (first === undefined) return [];
  const bits = unnamedBits(first);
  if (bits.length === 0) return [];
  const places = bits.map(
    ({ leaf, subleaf, reg, bit }) => `${hex(leaf)}.${subleaf} ${reg.toUpperCase()}[${bit}]`,
  );
  return [`Bits that are set and have no known name: ${places.join(', ')}.`];
}

/** What the same CPUs have and lack is one sentence. */
function disagreement(host: Capabilities): string[] {
  const splits = new Map<string, string[]>();
  for (const { what, having, others } of host.differences) {
    const split = `CPU ${formatCpuList(having)} against CPU ${formatCpuList(others)}`;
    splits.set(split, [...(splits.get(split) ?? []), what]);
  }
  return [...splits].map(
    ([split, what]) =>
      `Logical CPUs disagree in ${what.join(', ')}: ${split}; only what all have counts.`,
  );
}

export function findOddities(host: Host, seen: Capabilities): string[] {
  return [
    ...disagreement(seen),
    ...unusableState(seen),
    ...unplacedState(seen),
    ...areaMismatch(seen),
    ...ineffective(seen),
    ...brokenPolicy(seen),
    ...unnamed(host),
    ...host.remarks,
  ];
}
