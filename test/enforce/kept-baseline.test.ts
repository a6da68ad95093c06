/** The baseline that lies beside the mask of a running supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keptBaseline, maskFileIn } from '../../src/enforce/kept-baseline.js';
import { baselineBeside, writeMaskFile } from '../../src/enforce/mask-file.js';
import { compileMask } from '../../src/mask/compile.js';
import { baselineJson } from '../../src/report/baseline-json.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL, V2 } from '../hosts.js';

test.each<[string, readonly string[], string | undefined]>([
  ['run', ['run', '--mask', '/r/a.mask', '--runtime-dir', '/r', '--', 'prog'], '/r/a.mask'],
  ['attach', ['attach', '--mask', '/r/a.mask', '--pid', '7'], '/r/a.mask'],
  ["none, but the program's own", ['run', '--', 'prog', '--mask', '/x'], undefined],
  ['none', ['attach', '--pid', '7'], undefined],
  ['one without a value', ['attach', '--mask'], undefined],
])('the mask file of a command line: %s', (_, words, expected) => {
  expect(maskFileIn(['cpugate-supervisor', ...words].join('\0'))).toBe(expected);
});

describe.runIf(process.platform === 'linux')('what is kept', () => {
  const baseline = baselineOfPlans([HASWELL]);
  const json = baselineJson(baseline, { cpugate: '1' });
  const named = { name: 'pool.json', baseline, json };
  const uid = process.getuid?.() ?? 0;
  const { mask } = compileMask(baseline);
  let folder = '';
  let held: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-kept-'));
  });
  afterEach(() => {
    held?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process whose command line is a supervisor's. */
  async function start(file: string): Promise<number> {
    held = spawn('sh', ['-c', 'read line', '--mask', file], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(held, 'spawn');
    return held.pid ?? 0;
  }

  test('is the baseline, its name and its file', async () => {
    const file = writeMaskFile(mask, folder, uid, named);
    const kept = keptBaseline(await start(file));
    expect(kept).toMatchObject({ name: 'pool.json', json });
    expect(kept && compileMask(kept.baseline).mask).toEqual(mask);
  });

  test('is apart for baselines that give one mask', () => {
    const one = writeMaskFile(mask, folder, uid, named);
    const other = writeMaskFile(mask, folder, uid, { name: 'other.json', json });
    expect(other).not.toBe(one);
    expect(writeMaskFile(mask, folder, uid, named)).toBe(one);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  test.each<[string, (file: string) => void]>([
    ['nothing', (file) => rmSync(baselineBeside(file))],
    ['no JSON', (file) => writeFileSync(baselineBeside(file), '{')],
    ['no baseline', (file) => writeFileSync(baselineBeside(file), '{"name":"a","baseline":{}}')],
    [
      'a baseline without a name',
      (file) => writeFileSync(baselineBeside(file), JSON.stringify({ baseline: json })),
    ],
  ])('is nothing where there is %s', async (_, spoil) => {
    const file = writeMaskFile(mask, folder, uid, named);
    spoil(file);
    expect(keptBaseline(await start(file))).toBeUndefined();
  });

  test('is nothing of a process that is gone', () => {
    expect(keptBaseline(2 ** 22 + 1)).toBeUndefined();
  });

  test('a mask of another baseline has another file', () => {
    const v2 = baselineOfPlans([{ ...HASWELL, features: V2 }]);
    expect(writeMaskFile(compileMask(v2).mask, folder, uid, named)).not.toBe(
      writeMaskFile(mask, folder, uid, named),
    );
  });
});
