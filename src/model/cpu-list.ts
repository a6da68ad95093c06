/** Lists of logical CPUs as Linux writes them: "0-15,32" (Documentation/admin-guide/cputopology). */

/** Ascending numbers to ranges. */
export function formatCpuList(cpus: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const cpu of cpus) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === cpu) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',');
}

/** More logical CPUs than Linux can be built for. */
const MOST_CPUS = 65_536;

/** Ranges to numbers; undefined for anything but an ascending, non-empty list of sane length. */
export function parseCpuList(text: string): number[] | undefined {
  const cpus: number[] = [];
  for (const part of text.split(',')) {
    const found = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part);
    if (found === null) return undefined;
    const low = Number(found[1]);
    const high = found[2] === undefined ? low : Number(found[2]);
    if (high < low || high >= MOST_CPUS || low <= (cpus.at(-1) ?? -1)) return undefined;
    for (let cpu = low; cpu <= high; cpu++) cpus.push(cpu);
  }
  return cpus;
}
