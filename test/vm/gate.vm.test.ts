/**
 * Real dumps, and what becomes of them: a program that a signal handler has interrupted is dumped on
 * guests of several CPUs and restored on others. Where the gate says that the frame or the instructions
 * are lost, they are; where it finds nothing against it, the program goes on as if nothing had been.
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
import { gate } from '../../src/gate/gate.js';
import { RECORD_NAME } from '../../src/model/dump-record.js';
import type { Host } from '../../src/model/host.js';
import { keepStacks } from '../formats/image-pages.js';
import { labIsHere, projectRoot, runInGuest } from './lab.js';

function hasCriu(): boolean {
  try {
    execFileSync('criu', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** Each pair of a dump and a host; what the gate finds against it, and what the program says there. */
const MOVES = [
  { from: 'Haswell', to: 'Haswell', verdict: 'compatible', frame: false, said: 'kept' },
  { from: 'Haswell', to: 'Haswell,+pku', verdict: 'at-risk', frame: false, said: 'kept' },
  { from: 'Haswell,+pku', to: 'Haswell', verdict: 'incompatible', frame: true, said: 'lost' },
  { from: 'SandyBridge', to: 'Haswell', verdict: 'compatible', frame: false, said: 'kept' },
  { from: 'Haswell', to: 'Nehalem', verdict: 'incompatible', frame: true, said: undefined },
] as const;

const GUESTS = ['Nehalem', 'SandyBridge', 'Haswell', 'Haswell,+pku'];
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
    const program = at('in-handler');
    const dump = (name: string, argument: string) => `
      mkdir -p ${own}/${name}; cd ${own}/${name}; echo ${name === 'busy' ? 5000 : 6000} > /proc/sys/kernel/ns_last_pid
      setsid ${program} ${argument} </dev/null >out 2>&1 & sleep 2
      mkdir images; criu dump -t $! -D images --shell-job --cpu-cap=cpu -v1 -o ../dump.log || exit 9
      cp out out.dump`;
    writeFileSync(
      at('take.sh'),
      `${dump('busy', `${own}/busy/go`)}\n${dump('idle', 'none')}
      node ${projectRoot}/dist/cpugate.cjs probe -o ${own}/host.json\n`,
    );
    // AVX code can't run on a CPU without.
    const script = guest === 'Nehalem' ? `sed -i '/busy/,/cp out/d' ${at('take.sh')}; ` : '';
    const { status, output } = await runInGuest({ cpu: guest, shares: [folder] }, [
      'sh',
      '-c',
      `${script}sh ${at('take.sh')}`,
    ]);
    expect(status, output).toBe(0);
    hosts.set(guest, readProfile(`${own}/host.json`));
    for (const name of readdirSync(own)) if (name !== 'host.json') record(guest, join(own, name));
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
    const source = join(projectRoot, 'test', 'vm', 'in-handler.c');
    execFileSync('gcc', ['-O1', '-pthread', '-Wl,-z,lazy', '-o', at('in-handler'), source]);
    for (const guest of GUESTS) await take(guest);
  }, 300_000);

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

  function hostAreaBytes(guest: string): number {
    return guest === 'Haswell,+pku' ? 2696 : 832;
  }

  test.each(MOVES)('$from to $to: $verdict', { timeout: 200_000 }, async (move) => {
    const { from, to, verdict, frame, said } = move;
    const dumped = at(fileName(from), 'busy');
    const report = gate(readImageFolder(join(dumped, 'images')), hostOf(to));
    expect(report.verdict, JSON.stringify(report.findings)).toBe(verdict);
    const finding = report.findings.find(({ code }) => code === 'signal-frame-layout');
    expect(finding !== undefined).toBe(frame);
    if (said === undefined) return;
    writeFileSync(
      at('restore.sh'),
      `cd ${dumped}; rm -f go; cp out.dump out
      criu restore -d -D images --shell-job --cpu-cap=none -v1 -o ../restore.log || exit 9
      touch go; sleep 2; cat out; rm -f go\n`,
    );
    const { status, output } = await runInGuest({ cpu: to, shares: [folder] }, [
      'sh',
      at('restore.sh'),
    ]);
    expect(status, output).toBe(0);
    expect(output.trim().split('\n').at(-1)).toBe(said);
  });
});
