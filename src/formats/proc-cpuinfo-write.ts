/**
 * A host as /proc/cpuinfo would show it: what the OS lets tasks use. A list of flags can't say
 * "unknown", so a host of which too little is told isn't written.
 */
import { type FeatureName, ROWS } from '../catalogue/index.js';
import { type Capabilities, describeHost } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import type { Cpu, Host } from '../model/host.js';
import { readRegister } from '../model/leaves.js';
import { isUserVisible } from '../model/prerequisites.js';
import { printable } from '../model/printable.js';
import { ALL_KNOWN } from '../model/registers.js';
import { unnamedBits } from '../model/unnamed-bits.js';
import { PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';
import { hasFlag, tellsAbsence, tellsNoBit } from './proc-cpuinfo-flags.js';

/** Written for every host: it tells readers that the list is one of Linux 4.11 or later. */
const CPUID_FLAG = 'cpuid';

/**
 * What Linux would print. Kernels before 5.9 print fsgsbase for the CPU alone: where the OS's word is
 * missing, the bit decides.
 */
function flagPresence(seen: Capabilities, name: FeatureName): Presence {
  const presence = seen.effective(name);
  return name === 'fsgsbase' && presence === UNKNOWN ? seen.hardware(name) : presence;
}

function checkTold(host: Host, seen: Capabilities, flags: readonly string[]): void {
  const written = new Set(flags);
  const untold = ROWS.map((row) => row.name).filter(
    (name) => tellsAbsence(name, written) && flagPresence(seen, name) === UNKNOWN,
  );
  if (untold.length === 0) return;
  throw new InputError(
    'not-enough-data',
    `it is unknown whether the host has ${untold.slice(0, 5).join(', ')}${untold.length > 5 ? ', …' : ''}, and a list of flags would say no`,
    {
      place: { file: host.name },
      remedy: 'Record the host itself with "cpugate probe".',
    },
  );
}

function flagsOf(host: Host, seen: Capabilities): string[] {
  const features = ROWS.filter(
    (row) => hasFlag(row.name) && flagPresence(seen, row.name) === PRESENT,
  ).map((row): string => row.name);
  const others = (host.system?.cpuinfoFlags ?? []).filter(tellsNoBit);
  return [...new Set([...features, CPUID_FLAG, ...others])];
}

function line(key: string, value: string | number | undefined): string {
  if (value === undefined) return '';
  // What other files say of a host could make lines of its own.
  const text = printable(String(value));
  // As proc.c aligns them: one tab, two after the shorter keys.
  const tabs = key.length < 8 ? '\t\t' : '\t';
  return `${key}${tabs}: ${text}\n`;
}

function blockOf(host: Host, cpu: Cpu, seen: Capabilities): string {
  const level = readRegister(cpu.leaves, 0, 0, 'eax');
  const { physicalAddressBits: physical, linearAddressBits: virtual, signature } = seen;
  const flags = flagsOf(host, seen);
  checkTold(host, seen, flags);
  return [
    line('vendor_id', seen.vendor),
    line('cpu family', signature?.family),
    line('model', signature?.model),
    line('model name', seen.brand),
    line('stepping', signature?.stepping),
    line('microcode', host.system?.microcode),
    line('cpuid level', level.known === ALL_KNOWN ? level.value : undefined),
    line('flags', flags.join(' ')),
    line('clflush size', seen.cacheLineBytes),
    physical === undefined || virtual === undefined
      ? ''
      : line('address sizes', `${physical} bits physical, ${virtual} bits virtual`),
    'power management:\n\n',
  ].join('');
}

/** User-visible features of any CPU of the host that fulfil the condition, in the catalogue's order. */
function visibleWhere(
  all: readonly Capabilities[],
  holds: (seen: Capabilities, name: FeatureName) => boolean,
): string {
  return ROWS.map((row) => row.name)
    .filter((name) => isUserVisible(name) && all.some((seen) => holds(seen, name)))
    .join(', ');
}

function describeLosses(host: Host, all: readonly Capabilities[]): string[] {
  const lost = ['Sizes and offsets of state components; cache, topology and hypervisor leaves.'];
  const unprinted = visibleWhere(
    all,
    (seen, name) => seen.effective(name) === PRESENT && !hasFlag(name) && name !== 'osxsave',
  );
  if (unprinted !== '') lost.push(`Linux has no flag for: ${unprinted}.`);
  const idle = visibleWhere(
    all,
    (seen, name) => seen.hardware(name) === PRESENT && flagPresence(seen, name) !== PRESENT,
  );
  if (idle !== '') lost.push(`Not enabled by the OS, though the CPU has it: ${idle}.`);
  if (host.cpus.some((cpu) => unnamedBits(cpu).length > 0))
    lost.push('Bits of feature leaves that have no name.');
  return lost;
}

export function writeProcCpuinfo(host: Host): {
  readonly content: string;
  readonly lost: readonly string[];
} {
  const blocks: [number, string][] = [];
  const all: Capabilities[] = [];
  for (const cpu of host.cpus) {
    const seen = describeHost({ ...host, cpus: [cpu] });
    all.push(seen);
    const block = blockOf(host, cpu, seen);
    for (const number of cpu.logical) blocks.push([number, block]);
  }
  blocks.sort(([a], [b]) => a - b);
  return {
    content: blocks.map(([number, block]) => line('processor', number) + block).join(''),
    lost: describeLosses(host, all),
  };
}
