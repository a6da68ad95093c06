import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { supervisor } from '../../src/export/supervisor.js';
import { decodeMask } from '../../src/mask/bytes.js';
import { baselineOfPlans, INTEL_512 } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { projectRoot } from '../vm/lab.js';
import { supervisorIsHere } from '../vm/masking/supervisor.js';

const folder = mkdtempSync(join(tmpdir(), 'cpugate-mask-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = () => supervisor.write(baselineOfPlans([HASWELL, INTEL_512]), {});

/** Bits of leaf 7 EBX: AVX2 is of both hosts, AVX512F of one (Intel SDM vol. 2A, CPUID). */
const AVX2 = 1 << 5;
const AVX512F = 1 << 16;

describe('supervisor', () => {
  it('is a mask that keeps what all hosts have, and no more', () => {
    const { rows } = decodeMask(written().content as Uint8Array);
    const row = rows.find(({ leaf, firstSubleaf }) => leaf === 7 && firstSubleaf === 0);
    expect((row?.keep.ebx ?? 0) & AVX2).toBe(AVX2);
    expect((row?.keep.ebx ?? AVX512F) & AVX512F).toBe(0);
  });

  it('says that nobody asks whether a host fits', () => {
    expect(
      written()
        .remarks.map(({ text }) => text)
        .join(' '),
    ).toContain('cpugate verify --mask');
  });

  it.skipIf(!supervisorIsHere)('is what the native program takes', () => {
    const file = join(folder, 'cluster.mask');
    const program = join(projectRoot, 'native/build/Release/cpugate-supervisor');
    const check = () => execFileSync(program, ['check-mask', file], { stdio: 'pipe' });
    const bytes = written().content as Uint8Array;
    writeFileSync(file, bytes);
    expect(check).not.toThrow();
    writeFileSync(file, bytes.subarray(0, -1));
    expect(check).toThrow();
  });
});
