/**
 * The readers of text dumps over real ones, checked against what other programs made of them: the
 * index of each folder (decoded by scripts of their own) and the flags that libcpuid expects.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EVERY_64_BIT_CPU, type FeatureName, findFeature } from '../../src/catalogue/index.js';
import { openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { libcpuid } from '../../src/formats/libcpuid.js';
import { type Capabilities, describeHost, x86Level } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { PRESENT } from '../../src/model/xsave.js';

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));

type Entry = Readonly<Record<string, string>>;

/** The rows of an index.csv, by column. */
function readIndex(folder: string): Entry[] {
  const path = join(folder, 'index.csv');
  if (!existsSync(path)) return [];
  const [header, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const columns = fieldsOf(header as string);
  return lines.map((line) => {
    const fields = fieldsOf(line);
    return Object.fromEntries(columns.map((column, n) => [column, fields[n] ?? '']));
  });
}

function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? '',
  );
}

/** The two indices name their columns differently. */
function expectationOf(entry: Entry) {
  const mask = entry.xcr0_supported ?? entry.xcr0_mask ?? '';
  const bytes = entry.xsave_max ?? entry.xsave_max_size ?? '';
  const level = (entry.level ?? entry.x86_64_level ?? '').replace(/^x86-64-/, '');
  return {
    vendor: entry.vendor,
    family: Number(entry.family),
    model: Number(entry.model),
    stepping: Number(entry.stepping),
    cpus: Number(entry.cpus ?? entry.logical_cpus),
    level: level === '' || level === 'none' ? undefined : `x86-64-${level}`,
    mask: mask === '' ? undefined : BigInt(mask),
    bytes: bytes === '' ? undefined : Number(bytes),
  };
}

function readDump(format: typeof instlatx64, folder: string, file: string): Host {
  return format.read(openInput(file, readFileSync(join(folder, file))));
}

describe.each(['instlatx64', 'instlatx64-more'])('corpus/%s', (name) => {
  const folder = join(shared, 'corpus', name);
  const entries = readIndex(folder).map((entry) => [entry.file as string, entry] as const);

  it.skipIf(entries.length === 0)('has a line in the index for every dump', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
    expect(entries.map(([file]) => file).sort()).toEqual(files.sort());
  });

  it.skipIf(entries.length === 0).each(entries)('%s', (file, entry) => {
    const expected = expectationOf(entry);
    const host = readDump(instlatx64, folder, file);
    expect(instlatx64.recognise(openInput(file, readFileSync(join(folder, file))))).toBe(true);
    const seen = describeHost(host);
    expect(seen.logicalCpus).toBe(expected.cpus);
    // Trailing blanks of a vendor aren't shown.
    expect(seen.vendor).toBe(expected.vendor?.trim());
    expect(seen.signature).toEqual({
      family: expected.family,
      model: expected.model,
      stepping: expected.stepping,
    });
    expect(x86Level(seen).level).toBe(expected.level);
    const { offered, offeredBytes } = seen.xsave;
    if (offered.known !== 0n || expected.mask !== undefined)
      expect(offered.value).toBe(expected.mask ?? 0n);
    if (expected.mask !== undefined && expected.mask !== 0n)
      expect(offeredBytes).toBe(expected.bytes);
  });
});

/** libcpuid's names without a feature of the catalogue behind them. */
const WITHOUT_FEATURE: ReadonlySet<string> = new Set([
  // Bits of AMD's power management leaf, 0x80000007 EDX, by the names of old manuals.
  'ts',
  'fid',
  'vid',
  'ttp',
  'tm_amd',
  'stc',
  '100mhzsteps',
  'pa',
  'pfi',
  // Derived by libcpuid, as Linux derives it.
  'constant_tsc',
  // dtes64 in all other projects.
  'dts64',
]);

/** Bits that are set although libcpuid doesn't list them for this vendor's CPUs. */
const NOT_LISTED: Readonly<Record<string, ReadonlySet<string>>> = {
  // libcpuid looks for it on AMD CPUs only; takes back hyper-threading where one thread is left.
  GenuineIntel: new Set(['3dnowprefetch', 'ht']),
  // Leaf 6 ECX[0] for Linux, 0x80000007 EDX[10] for libcpuid.
  AuthenticAMD: new Set(['aperfmperf']),
};

interface Oracle {
  readonly file: string;
  readonly seen: Capabilities;
  readonly flags: readonly string[];
}

describe('oracles/libcpuid', () => {
  const folder = join(shared, 'oracles', 'libcpuid');
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => file.endsWith('.test'))
    : [];
  const readOracle = (file: string): Oracle => {
    const last = readFileSync(join(folder, file), 'latin1').trimEnd().split('\n').at(-1) ?? '';
    const seen = describeHost(readDump(libcpuid, folder, file));
    return { file, seen, flags: last.trim().split(/\s+/) };
  };

  it.skipIf(files.length === 0).each(files)('%s: every flag that is expected is there', (file) => {
    const { seen, flags } = readOracle(file);
    expect(flags).toContain('fpu');
    const missing = flags.filter((flag) => {
      const feature = findFeature(flag);
      return feature === undefined
        ? !WITHOUT_FEATURE.has(flag)
        : seen.hardware(feature) !== PRESENT;
    });
    expect(missing).toEqual([]);
  });

  it.skipIf(files.length === 0).each(['GenuineIntel', 'AuthenticAMD'])(
    'no flag that libcpuid knows of %s CPUs is there without being expected',
    (vendor) => {
      const oracles = files.map(readOracle).filter(({ seen }) => seen.vendor === vendor);
      expect(oracles.length).toBeGreaterThan(20);
      const featuresOf = ({ flags }: Oracle) =>
        new Set(flags.map(findFeature).filter((feature) => feature !== undefined));
      const known = new Set<FeatureName>(oracles.flatMap((oracle) => [...featuresOf(oracle)]));
      expect(known.size).toBeGreaterThan(60);
      const unexpected = oracles.flatMap((oracle) => {
        const expected = featuresOf(oracle);
        return (
          [...known]
            .filter((name) => !expected.has(name) && !NOT_LISTED[vendor]?.has(name))
            // SYSCALL among them: those who dumped as 32-bit programs weren't shown it.
            .filter((name) => !EVERY_64_BIT_CPU.includes(name))
            .filter((name) => oracle.seen.hardware(name) === PRESENT)
            .map((name) => `${name} in ${oracle.file}`)
        );
      });
      expect(unexpected).toEqual([]);
    },
  );
});
