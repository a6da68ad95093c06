/** Registers that this machine's own glibc has saved on the stack of a program that binds a function. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/formats/images/address-space.js';
import type { Mapping } from '../../src/formats/images/memory-map.js';
import { findSavedStates } from '../../src/formats/images/saved-states.js';
import { findStacks } from '../../src/formats/images/signal-frames.js';
import { describeHost } from '../../src/model/capabilities.js';
import { PRESENT } from '../../src/model/xsave.js';
import { probeHost } from '../../src/probe/index.js';

/** A compiler, and a glibc to bind with. */
function isPossible(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'pipe' });
    return `${execFileSync('getconf', ['GNU_LIBC_VERSION'], { stdio: 'pipe' })}`.includes('glibc');
  } catch {
    return false;
  }
}

const PERMISSIONS = { r: 1, w: 2, x: 4 } as const;

function mappingsOf(pid: number): Mapping[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [range = '', flags = '', , , inode] = line.split(/ +/);
    const [start = 0n, end = 0n] = range.split('-').map((one) => BigInt(`0x${one}`));
    if (start >= 1n << 63n) return [];
    const prot = Object.entries(PERMISSIONS).reduce(
      (all, [name, bit]) => (flags.includes(name) ? all | bit : all),
      0,
    );
    const kind = inode === '0' ? 'anonymous' : 'file';
    const file = kind === 'file' ? 1 : 0;
    return [{ start, end, kind, file, fileOffset: 0n, prot, isKernels: false } as const];
  });
}

/** Its only thread, which waits in a system call, with its stack as a dump would hold it. */
function statesOf(pid: number) {
  const [rsp = 0n, rip = 0n] = readFileSync(`/proc/${pid}/syscall`, 'utf8')
    .trim()
    .split(' ')
    .slice(-2)
    .map(BigInt);
  const mappings = mappingsOf(pid);
  const stack = mappings.find(({ start, end }) => rsp >= start && rsp < end);
  if (stack === undefined) throw new Error('no stack');
  const bytes = Buffer.alloc(Number(stack.end - stack.start));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  readSync(memory, bytes, 0, bytes.length, stack.start);
  closeSync(memory);
  const runs = [{ address: stack.start, pages: bytes.length / 4096, at: 0, isInParent: false }];
  const space = new AddressSpace({ mappings, auxv: new Map() }, [
    {
      map: { pagesId: 1, runs, bytes: bytes.length, usesParent: false },
      read: (offset, length) => bytes.subarray(offset, offset + length),
    },
  ]);
  const stacks = findStacks(space, { tid: pid, compat: false, rip, rsp, xsave: undefined });
  if (!stacks.known) throw new Error(stacks.reason);
  return findSavedStates(space, { tid: pid }, stacks.value);
}

const xsave = isPossible() ? describeHost(probeHost()) : undefined;
/** Without XSAVE glibc saves with FXSAVE, and no image is laid out by the CPU. */
const hasImages = xsave !== undefined && xsave.xsave.enabled.value !== 0n;

describe.skipIf(!hasImages)('of a program that binds a function', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-binds-'));
    const source = join(import.meta.dirname, 'binds-slowly.c');
    const library = join(folder, 'libslow.so');
    execFileSync('cc', ['-shared', '-fPIC', '-DLIBRARY', '-O1', '-o', library, source]);
    const options = ['-O1', '-Wl,-z,lazy', `-Wl,-rpath,${folder}`, '-o', join(folder, 'program')];
    execFileSync('cc', [...options, source, library]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('the registers that this CPU has saved are found as long as it binds', async () => {
    const child = spawn(join(folder, 'program'), { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = () =>
      new Promise<string>((resolve) =>
        child.stdout.once('data', (bytes) => resolve(`${bytes}`.trim())),
      );
    const waits = async () => {
      // System call 0 is read.
      while (!readFileSync(`/proc/${child.pid}/syscall`, 'utf8').startsWith('0 '))
        await new Promise((go) => setTimeout(go, 5));
    };
    const pid = child.pid ?? 0;
    expect(await said()).toBe('binding');
    await waits();
    const binding = statesOf(pid);
    const bound = said();
    child.stdin.write('.');
    expect(await bound).toBe('bound');
    await waits();
    const after = statesOf(pid);
    child.stdin.end('.');

    const isPacked = xsave?.effective('xsavec') === PRESENT;
    expect(binding).toMatchObject([{ tid: pid, format: isPacked ? 'compacted' : 'standard' }]);
    // What glibc asks for (0xee, with APX since 2.40), as far as the OS enabled it.
    if (isPacked)
      expect(binding[0]?.components).toBe((xsave?.xsave.enabled.value ?? 0n) & 0x800een);
    expect(after).toEqual([]);
  });
});
