/**
 * The package builds from its own sources where that is asked for. It compiles for a minute, so it
 * runs only with CPUGATE_FROM_SOURCE=1.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { whyNotPortable } from '../../scripts/portable.mjs';
import { canPrebuild, cpusOf, pack, prebuild } from './package.js';

const LIMIT_MS = 600_000;
const folder = mkdtempSync(join(tmpdir(), 'cpugate-source-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!canPrebuild || process.env.CPUGATE_FROM_SOURCE !== '1')('from source', () => {
  test(
    'what is built says what came prebuilt',
    () => {
      prebuild();
      const tarball = pack(folder);
      const probes = ['', 'cpugate'].map((asked) => {
        const prefix = join(folder, asked || 'prebuilt');
        const args = ['install', '-g', '--offline', '--prefix', prefix, tarball];
        const { status, stderr } = spawnSync('npm', args, {
          encoding: 'utf8',
          env: { ...process.env, npm_config_build_from_source: asked },
        });
        expect({ status, stderr: stderr.match(/ERR.*/g) }).toEqual({ status: 0, stderr: null });
        const release = join(prefix, 'lib/node_modules/cpugate/native/build/Release');
        expect(existsSync(release)).toBe(asked !== '');
        if (asked !== '') {
          const addon = readFileSync(join(release, 'cpugate_probe.node'));
          const programs = Object.fromEntries(
            ['cpugate-supervisor', 'cpugate-probe'].map((name) => [
              name,
              readFileSync(join(release, name)),
            ]),
          );
          expect(whyNotPortable({ addon, programs })).toEqual([]);
        }
        return execFileSync(join(prefix, 'bin/cpugate'), ['probe'], { encoding: 'utf8' });
      });
      const [prebuilt = '', built = ''] = probes.map((text) => JSON.stringify(cpusOf(text)));
      expect(prebuilt.length).toBeGreaterThan(100);
      expect(built).toBe(prebuilt);
    },
    LIMIT_MS,
  );
});
