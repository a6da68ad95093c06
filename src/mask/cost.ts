/** What a mask costs on a host, whatever is masked: figures of "cpugate-supervisor measure", and what they mean. Pure. */

/** Nanoseconds. A figure that couldn't be had is undefined: without a second CPU, or where nothing may be traced. */
export interface MaskCost {
  /** A switch on one CPU between two unmasked threads, a masked and an unmasked one, two masked ones. */
  readonly unmaskedSwitch: number | undefined;
  readonly mixedSwitch: number | undefined;
  readonly maskedSwitch: number | undefined;
  readonly unmaskedCpuid: number | undefined;
  /** A CPUID that traps to a tracer that does the least: what no supervisor can fall below. */
  readonly trapOnOneCpu: number | undefined;
  readonly trapOnTwoCpus: number | undefined;
}

/** A string: why nothing was measured. */
export type MeasuredCost = MaskCost | string;

/** Ratios below are what two measurements of the same thing may show. */
const NOTICEABLE = 1.2;

const times = (ratio: number) => `${ratio.toFixed(1)} times`;

/** Of nanoseconds. */
function duration(ns: number): string {
  return ns < 1000 ? `${ns} ns` : `${(ns / 1000).toFixed(1)} µs`;
}

function switchSentences(unmasked: number, mixed: number, masked: number): string[] {
  const begin = `A switch between a masked and an unmasked thread takes ${duration(mixed)} here`;
  if (mixed < NOTICEABLE * unmasked)
    return [`${begin}, hardly more than between two unmasked ones (${duration(unmasked)}).`];
  return [
    `${begin}, ${times(mixed / unmasked)} as long as between two unmasked ones (${duration(unmasked)}): at each the ` +
      'kernel writes a register of the CPU, which in a virtual machine is left to the hypervisor. An idle CPU ' +
      `counts as unmasked. Between two masked threads it is ${duration(masked)} (${times(masked / unmasked)}).`,
    ...(masked < mixed / NOTICEABLE
      ? [
          'Clients on this host that talk to a masked server make it slower unless they are masked, too.',
        ]
      : []),
  ];
}

function cpuidSentence({ unmaskedCpuid, trapOnOneCpu, trapOnTwoCpus }: MaskCost): string[] {
  if (unmaskedCpuid === undefined || trapOnOneCpu === undefined) return [];
  const apart =
    trapOnTwoCpus === undefined ? '' : `, ${duration(trapOnTwoCpus)} where it has another`;
  return [
    `A CPUID takes ${duration(unmaskedCpuid)} unmasked; masked it can't take less than ` +
      `${duration(trapOnOneCpu)} where the supervisor has the same CPU${apart}.`,
  ];
}

/** For people. */
export function costSentences(cost: MeasuredCost): string[] {
  if (typeof cost === 'string') return [`It wasn't measured: ${cost}.`];
  const { unmaskedSwitch, mixedSwitch, maskedSwitch } = cost;
  const isKnown =
    unmaskedSwitch !== undefined && mixedSwitch !== undefined && maskedSwitch !== undefined;
  return [
    ...(isKnown ? switchSentences(unmaskedSwitch, mixedSwitch, maskedSwitch) : []),
    ...cpuidSentence(cost),
  ];
}
