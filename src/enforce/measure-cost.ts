/** Has the supervisor's program measure what a mask costs here. */
import { spawnSync } from 'node:child_process';
import type { MaskCost, MeasuredCost } from '../mask/cost.js';
import { saidBySupervisor } from './supervisor.js';
import type { Trap } from './trap.js';

/** It takes a quarter of a second and ends by itself; this is for a host that stands still. */
const LIMIT_MS = 20_000;

/** By its names in native/supervisor/measure.h. */
const FIGURES: Readonly<Record<keyof MaskCost, string>> = {
  unmaskedSwitch: 'switch-unmasked',
  mixedSwitch: 'switch-mixed',
  maskedSwitch: 'switch-masked',
  unmaskedCpuid: 'cpuid-unmasked',
  trapOnOneCpu: 'stop-one-cpu',
  trapOnTwoCpus: 'stop-two-cpus',
};

/** The output of "cpugate-supervisor measure". */
export function parseCost(text: string): MeasuredCost {
  const found = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^([a-z-]+) ([1-9]\d{0,14})$/gm))
    found.set(name as string, Number(value));
  const figures = Object.entries(FIGURES).map(([key, name]) => [key, found.get(name)]);
  return found.size === 0 ? 'no figure could be had' : (Object.fromEntries(figures) as MaskCost);
}

const PATCHED =
  'with patched code switches between tasks are as ever, and a CPUID costs a stop of a traced program, some microseconds';

/** Never throws: what can't be measured is no reason not to mask. */
export function measureCost(supervisor: string, trap: Trap): MeasuredCost {
  if (trap === 'patch') return PATCHED;
  const { status, signal, stdout, stderr, error } = spawnSync(supervisor, ['measure'], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return parseCost(stdout);
  return (
    saidBySupervisor(stderr ?? '') || (error?.message ?? `${signal ?? `exit status ${status}`}`)
  );
}
