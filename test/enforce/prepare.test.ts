import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeMaskFile } from '../../src/enforce/mask-file.js';
import { maskForHost, refuseHigherLevel, trapHere } from '../../src/enforce/prepare.js';
import { defaultRuntimeFolder, openRuntimeFolder } from '../../src/enforce/runtime-folder.js';
import { findSupervisor } from '../../src/enforce/supervisor.js';
import { decodeMask } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import { described } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { AMD_512, baselineOfPlans, INTEL_512 } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, V2, V3 } from '../hosts.js';

const name = 'cluster.json';
const baseline = baselineOfPlans([HASWELL]);
const uid = process.getuid?.() ?? 0;
const works = { cpuidFaulting: { works: true, reason: 'tried' } };
const faulting = (plan: HostPlan): Host =>
  hostOf({ ...plan, system: { ...plan.system, ...works } });

const refusal = (code: string, message: RegExp, remedy: RegExp) =>
  expect.objectContaining({
    name: 'InputError',
    code,
    message: expect.stringMatching(message),
    remedy: expect.stringMatching(remedy),
  });

describe('a host', () => {
  it('that offers the baseline gets its mask', () => {
    expect(maskForHost({ name, baseline }, described(faulting(HASWELL)))).toEqual({
      ...compileMask(baseline),
      risks: [],
    });
  });

  const refused: [string, Host, RegExp, RegExp][] = [
    [
      'without CPUID faulting',
      hostOf({ ...HASWELL, system: { cpuidFaulting: { works: false, reason: 'ENODEV here' } } }),
      /can't be masked.*ENODEV here/,
      /export BASELINE --for glibc.*virtual machine/,
    ],
    ['whose faulting is not known', hostOf(HASWELL), /can't be masked.*unknown/, /export/],
    [
      'without a feature of the baseline',
      faulting({ ...HASWELL, features: HASWELL.features.filter((name) => name !== 'avx2') }),
      /can't give cluster.json: instruction-missing: avx2: .*SIGILL/,
      /cpugate baseline cluster.json haswell-1 -o both.json/,
    ],
    [
      'whose XSAVE area is larger than its tasks would see',
      faulting({
        ...INTEL_512,
        features: [...INTEL_512.features, 'erms', 'aes', 'pclmulqdq', 'fsgsbase', 'rdrand'],
      }),
      /xsave-area-grows: The XSAVE area grows from 832 to 2696 bytes/,
      /clearcpuid=/,
    ],
  ];
  it.each(refused)('%s is refused, with what remains', (_, host, message, remedy) => {
    expect(() => maskForHost({ name, baseline }, described(host))).toThrow(
      refusal('unavailable', message, remedy),
    );
  });

  it.each(['patch', 'auto'] as const)('needs no CPUID faulting with --trap %s', (trap) => {
    const none = hostOf({ ...HASWELL, system: { cpuidFaulting: { works: false, reason: 'no' } } });
    const { mask } = maskForHost({ name, baseline }, described(none), trap);
    expect(mask).toEqual(compileMask(baseline).mask);
    const lacking = hostOf({
      ...HASWELL,
      features: HASWELL.features.filter((one) => one !== 'avx2'),
    });
    expect(() => maskForHost({ name, baseline }, described(lacking), trap)).toThrow(/avx2/);
  });

  it.each([
    ['auto', true, 'faulting'],
    ['auto', false, 'patch'],
    ['auto', undefined, 'patch'],
    ['patch', true, 'patch'],
    ['faulting', false, 'faulting'],
  ] as const)('%s where faulting works (%s) is %s', (trap, isWorking, expected) => {
    const tried = isWorking !== undefined && { cpuidFaulting: { works: isWorking, reason: '' } };
    const host = hostOf({ ...HASWELL, system: tried || {} });
    expect(trapHere(trap, host)).toBe(expected);
  });

  it('that keeps state of the baseline elsewhere is a risk for those that move there', () => {
    const own = baselineOfPlans([AMD_512]);
    const host = faulting({ ...AMD_512, places: { ...INTEL_512.places, 9: [8, 2400] } });
    const { risks } = maskForHost({ name, baseline: own }, described(host));
    expect(risks.map(({ code, component }) => `${code} ${component}`)).toEqual([
      'state-layout opmask',
      'state-layout zmm_hi256',
      'state-layout hi16_zmm',
      'state-layout pkru',
    ]);
  });

  it('with a large area gives a baseline without XSAVE', () => {
    const old = baselineOfPlans([{ name: 'nehalem', features: V2 }]);
    expect(maskForHost({ name, baseline: old }, described(faulting(INTEL_512))).mask.xcr0).toBe(0n);
  });
});

describe('a program', () => {
  it.each([
    [2, undefined],
    [3, undefined],
    [4, /needs x86-64-v4, and the baseline shows only x86-64-v3/],
  ])('that needs level %i under a baseline of level 3', (level, message) => {
    const v3 = baselineOfPlans([{ ...HASWELL, features: V3 }]);
    const start = () => refuseHigherLevel(v3, { level, file: '/usr/lib/libc.so.6' });
    if (message === undefined) expect(start).not.toThrow();
    else expect(start).toThrow(refusal('level-too-low', message, /lower level/));
  });

  it('that says nothing is not refused', () => {
    expect(() => refuseHigherLevel(baseline, undefined)).not.toThrow();
  });
});

describe('the folder of masks', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-run-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each<[number, Record<string, string>, string]>([
    [0, { XDG_RUNTIME_DIR: '/run/user/0' }, '/run/cpugate'],
    [1000, { XDG_RUNTIME_DIR: '/run/user/1000' }, '/run/user/1000/cpugate'],
    [1000, {}, '/tmp/cpugate-1000'],
    [1000, { XDG_RUNTIME_DIR: 'relative' }, '/tmp/cpugate-1000'],
  ])('of user %i with %j is %s', (user, environment, expected) => {
    expect(defaultRuntimeFolder(user, environment)).toBe(expected);
  });

  it('is made for its user alone, and holds the mask for him alone', () => {
    const runtime = join(folder, 'deep', 'cpugate');
    const { mask } = compileMask(baseline);
    const file = writeMaskFile(mask, runtime, uid);
    expect(statSync(runtime).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(decodeMask(readFileSync(file))).toEqual(mask);
    expect(writeMaskFile(mask, runtime, uid)).toBe(file);
    expect(readdirSync(runtime)).toHaveLength(1);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['a file', (path) => writeFileSync(path, ''), /can't be created|is not a folder/],
    ['a link', (path) => symlinkSync(tmpdir(), path), /is not a folder/],
    [
      "others' to write to",
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
      /others may write/,
    ],
  ])('is refused where it is %s', (_, make, message) => {
    const path = join(folder, 'trap');
    make(path);
    expect(() => openRuntimeFolder(path, uid)).toThrow(
      refusal('no-runtime-folder', message, /--runtime-dir/),
    );
  });

  it("is refused where it is another user's", () => {
    expect(() => openRuntimeFolder(folder, uid + 1)).toThrow(/another user/);
  });
});

it('a supervisor that is not built is said to be missing', () => {
  expect(() => findSupervisor('/usr/bin/env')).toThrow(
    refusal('no-supervisor', /is not below a folder with/, /npm rebuild/),
  );
});
