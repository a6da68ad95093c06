/**
 * Real dumps, and what becomes of them: programs that a signal handler has interrupted, or that bind a
 * function later, are dumped on guests of several CPUs and restored on others. What the gate says of
 * them is what they say of themselves afterwards.
 *
 * CPUGATE_TAKE_IMAGE_FIXTURES=1 renews test/fixtures/images from this run.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprintImages, readImageFolder } from '../../src/enforce/image-folder.js';
import { writeDumpRecord } from '../../src/formats/dump-record.js';
import { openInput } from '../../src/formats/format.js';
import { profile } from '../../src/formats/profile.js';
import { described } from '../../src/model/capabilities.js';
import { RECORD_NAME } from '../../src/model/dump-record.js';
import type { Host } from '../../src/model/host.js';
import { findLeaf } from '../../src/model/leaves.js';
import { keepStacks } from '../formats/image-pages.js';
import { gate } from '../judge/between.js';
import { labIsHere, projectRoot, runInGuest } from './lab.js';

function hasCriu(): boolean {
  try {
    execFileSync('criu', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** Dumps of each guest; AVX code can't run on a CPU without, and nobody binds for it with XSAVE. */
const DUMPS = {
  busy: 'in-handler',
  idle: 'in-handler',
  binding: 'binds-later',
} as const;
type Dump = keyof typeof DUMPS;

interface Move {
  readonly dump: Dump;
  readonly from: string;
  readonly to: string;
  readonly verdict: string;
  /** The finding that is about what the program tests, if there is one. */
  readonly finding?: string;
  readonly severity?: string;
  /** The program's last word there; absent: it isn't restored. */
  readonly said?: string;
}

/** The kernel's frame of a handler, and glibc's room for its lazy binding (MPX's bounds come with it). */
const FRAME = 'signal-frame-layout';
const ROOM = 'xsave-area-grows';
const MOVES: readonly Move[] = [
  { dump: 'busy', from: 'Haswell', to: 'Haswell', verdict: 'compatible', said: 'kept' },
  { dump: 'busy', from: 'Haswell', to: 'Haswell,+pku', verdict: 'at-risk', said: 'kept' },
  {
    ...{ dump: 'busy', from: 'Haswell,+pku', to: 'Haswell', verdict: 'incompatible' },
    ...{ finding: FRAME, severity: 'blocker', said: 'lost' },
  },
  { dump: 'busy', from: 'SandyBridge', to: 'Haswell', verdict: 'compatible', said: 'kept' },
  {
    ...{ dump: 'busy', from: 'Haswell', to: 'Nehalem', verdict: 'incompatible' },
    ...{ finding: FRAME, severity: 'blocker' },
  },
  { dump: 'binding', from: 'Haswell', to: 'Haswell', verdict: 'compatible', said: 'whole' },
  {
    ...{ dump: 'binding', from: 'Haswell', to: 'Haswell,+mpx', verdict: 'incompatible' },
    ...{ finding: ROOM, severity: 'blocker', said: 'damaged' },
  },
  {
    ...{ dump: 'binding', from: 'Haswell', to: 'Haswell,+pku', verdict: 'at-risk' },
    ...{ finding: ROOM, severity: 'risk', said: 'whole' },
  },
];

const GUESTS = ['Nehalem', 'SandyBridge', 'Haswell', 'Haswell,+pku', 'Haswell,+mpx'];
const FIXTURES = ['Haswell', 'Haswell,+pku', 'Nehalem'];

const fileName = (guest: string) => guest.toLowerCase().replaceAll(',+', '+');

describe.skipIf(!(labIsHere && hasCriu()))('dumped here, restored there', () => {
  let folder = '';
  const at = (...parts: string[]) => join(folder, ...parts);
  const hosts = new Map<string, Host>();

  /** A dump in a handler, one without, and the host's profile. */
  async function take(guest: string): Promise<void> {
    const own = at(fileName(guest));
    mkdirSync(own, { recursive: true });
    const dumps = (Object.keys(DUMPS) as Dump[]).filter(
      (dump) => guest !== 'Nehalem' || dump === 'idle',
    );
    // Numbers that no process of another guest has.
    const dumpLines = (dump: Dump, place: number) => `
      mkdir -p ${own}/${dump}; cd ${own}/${dump}; echo ${5000 + 1000 * place} > /proc/sys/kernel/ns_last_pid
      setsid ${at(DUMPS[dump])} ${dump === 'idle' ? 'none' : `${own}/${dump}/go`} </dev/null >out 2>&1 &
      until grep -q waiting out; do sleep 0.2; done; sleep 1; mkdir images
      criu dump -t $! -D images --shell-job --cpu-cap=cpu -v1 -o ../dump.log || exit 9
      cp out out.dump`;
    writeFileSync(
      at('take.sh'),
      `${dumps.map(dumpLines).join('')}
      node ${projectRoot}/dist/cpugate.cjs probe -o ${own}/host.json\n`,
    );
    const { status, output } = await runInGuest({ cpu: guest, shares: [folder], seconds: 300 }, [
      'sh',
      at('take.sh'),
    ]);
    expect(status, output).toBe(0);
    hosts.set(guest, readProfile(`${own}/host.json`));
    for (const dump of dumps) record(guest, join(own, dump));
  }

  function readProfile(path: string): Host {
    return profile.read(openInput(path, readFileSync(path)));
  }

  function hostOf(guest: string): Host {
    const host = hosts.get(guest);
    if (host === undefined) throw new Error(`no ${guest}`);
    return host;
  }

  function record(guest: string, dumped: string): void {
    const content = writeDumpRecord({
      taken: '2026-01-01T00:00:00Z',
      cpugate: '0.1.0',
      fingerprint: fingerprintImages(join(dumped, 'images')),
      host: { ...hostOf(guest), name: fileName(guest) },
      enforcement: 'none',
      criu: undefined,
    });
    writeFileSync(join(dumped, 'images', RECORD_NAME), content);
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-gate-'));
    for (const program of new Set(Object.values(DUMPS))) {
      const source = join(projectRoot, 'test', 'vm', `${program}.c`);
      execFileSync('gcc', ['-O1', '-pthread', '-Wl,-z,lazy', '-o', at(program), source]);
    }
    for (const guest of GUESTS) await take(guest);
  }, 1_500_000);

  afterAll(() => {
    if (process.env.CPUGATE_TAKE_IMAGE_FIXTURES) FIXTURES.forEach(keep);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Of the pages only the stacks; what says nothing about CPUs isn't kept. */
  function keep(guest: string): void {
    const place = join(projectRoot, 'test', 'fixtures', 'images', fileName(guest));
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    const dumped = at(fileName(guest), guest === 'Haswell' ? 'busy' : 'idle', 'images');
    for (const name of readdirSync(dumped))
      if (
        /^(?:inventory|pstree|cpuinfo|files|core-.*|mm-.*|pagemap-.*)\.img$|^pages-|json$/.test(
          name,
        )
      )
        copyFileSync(join(dumped, name), join(place, name));
    keepStacks(place);
  }

  test.each(GUESTS)('all that the images of %s hold is read', (guest) => {
    const images = readImageFolder(at(fileName(guest), 'idle', 'images'));
    const [process] = images.processes;
    expect(images.record?.host.name).toBe(fileName(guest));
    expect(process?.threads).toHaveLength(2);
    expect(process?.signalFrames).toEqual({ known: true, value: [] });
    const hasXsave = guest !== 'Nehalem';
    for (const { xsave } of process?.threads ?? []) expect(xsave !== undefined).toBe(hasXsave);
    // No XSAVEC here. glibc doesn't save PKRU, but takes the size that CPUID says, with 64 bytes for
    // other registers, in whole lines of 64.
    const areaBytes = Math.ceil((hostAreaBytes(guest) + 64) / 64) * 64 - 64;
    expect(process?.lazyBinding).toEqual({
      known: true,
      value: hasXsave
        ? { kind: 'chosen', ways: [{ instruction: 'xsave', areaBytes, components: 0xeen }] }
        : { kind: 'none' },
    });
  });

  test.each(GUESTS)("glibc's memory tells what CPUID showed on %s", (guest) => {
    const [process] = readImageFolder(at(fileName(guest), 'idle', 'images')).processes;
    if (process?.keptCpuid.known !== true) throw new Error('glibc is there');
    const { leaves } = process.keptCpuid.value;
    const shown = hostOf(guest).cpus[0]?.leaves;
    if (shown === undefined) throw new Error('a host has a CPU');
    for (const [leaf, registers] of [
      [0x1, ['eax', 'ecx', 'edx']],
      [0x7, ['ebx', 'ecx', 'edx']],
      [0x80000001, ['ecx', 'edx']],
    ] as const)
      for (const register of registers)
        expect(findLeaf(leaves, leaf, 0)?.[register] ?? 0).toBe(
          findLeaf(shown, leaf, 0)?.[register] ?? 0,
        );
  });

  test.each(GUESTS)('without a record, images of %s fit it and no other host', (guest) => {
    const images = readImageFolder(at(fileName(guest), 'idle', 'images'));
    const bare = { ...images, record: undefined, cpuinfo: undefined };
    for (const named of GUESTS) {
      const source = described(hostOf(named));
      const { findings } = gate(bare, hostOf(named), { source });
      const clashes = findings.filter(({ code }) => code === 'source-contradicted');
      expect(clashes.length > 0, `${named}: ${JSON.stringify(clashes)}`).toBe(named !== guest);
    }
    expect(gate(bare, hostOf('Nehalem')).images.source).toBe('memory');
  });

  function hostAreaBytes(guest: string): number {
    return { 'Haswell,+pku': 2696, 'Haswell,+mpx': 1088 }[guest] ?? 832;
  }

  test.each(MOVES)('$dump, $from to $to: $verdict, $said', { timeout: 320_000 }, async (move) => {
    const { dump, from, to, verdict, said } = move;
    const dumped = at(fileName(from), dump);
    const report = gate(readImageFolder(join(dumped, 'images')), hostOf(to));
    expect(report.verdict, JSON.stringify(report.findings)).toBe(verdict);
    const found = report.findings.find(({ code }) => code === (move.finding ?? FRAME));
    expect(found?.severity).toBe(move.severity);
    if (said === undefined) return;
    writeFileSync(
      at('restore.sh'),
      `cd ${dumped}; rm -f go; cp out.dump out
      criu restore -d -D images --shell-job --cpu-cap=none -v1 -o ../restore.log || exit 9
      touch go; for turn in $(seq 50); do tail -n 1 out | grep -q waiting || break; sleep 0.2; done
      cat out; rm -f go\n`,
    );
    const { status, output } = await runInGuest({ cpu: to, shares: [folder], seconds: 300 }, [
      'sh',
      at('restore.sh'),
    ]);
    expect(status, output).toBe(0);
    expect(output.trim().split('\n').at(-1)).toBe(said);
  });
});
