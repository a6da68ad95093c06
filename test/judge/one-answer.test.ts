/** The same two hosts get one answer, whoever asks. */
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { maskOf } from '../../src/baseline/under-mask.js';
import { maskForHost } from '../../src/enforce/prepare.js';
import type { Report } from '../../src/judge/judge.js';
import { refuses, VERDICTS } from '../../src/judge/verdict.js';
import { verdictMatrix, verdictOf } from '../../src/matrix/matrix.js';
import { described, describeHost } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { withTiles } from '../amx.js';
import { AMD_512, INTEL_512, joinHosts } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, V2, V3, YMM } from '../hosts.js';
import { names, hostOf as readModel } from '../profiles/load.js';
import { compareHosts } from './between.js';

const without = (...names: string[]) => HASWELL.features.filter((name) => !names.includes(name));
const plus = (...more: HostPlan['features'][number][]) => [...HASWELL.features, ...more];
const WORKS = { cpuidFaulting: { works: true, reason: 'tried' } };

const PLANS: Readonly<Record<string, HostPlan>> = {
  haswell: HASWELL,
  'without an instruction': { ...HASWELL, features: without('bmi2') },
  'without a hint': { ...HASWELL, features: without('erms') },
  'with UMIP': { ...HASWELL, features: plus('umip') },
  'with elision': { ...HASWELL, features: plus('hle') },
  'without FSGSBASE': { ...HASWELL, features: without('fsgsbase') },
  'of another vendor': { ...HASWELL, vendor: 'AuthenticAMD' },
  'with longer lines': { ...HASWELL, lineBytes: 128 },
  'with wide addresses': { ...HASWELL, linearBits: 57 },
  'with XSAVEC': { ...HASWELL, features: plus('xsavec') },
  'with PKU': {
    ...HASWELL,
    features: plus('pku', 'ospke'),
    mask: 0x207n,
    places: { ...YMM, 9: [8, 2688] },
    areaBytes: 2696,
  },
  'with large frames': { ...HASWELL, system: { ...HASWELL.system, minSigStackBytes: 3632 } },
  'with small frames': { ...HASWELL, system: { ...HASWELL.system, minSigStackBytes: 1776 } },
  'of which little is known': { ...HASWELL, features: without('fma'), untold: ['fma'] },
  'with AMX': withTiles(),
  'with smaller tiles': withTiles({ rowBytes: 32 }),
  'with RTM': { ...HASWELL, features: plus('rtm', 'tsxldtrk') },
  'where RTM aborts': { ...HASWELL, features: plus('rtm_always_abort') },
  'with MWAIT for tasks': {
    ...HASWELL,
    signature: [6, 0x57, 1],
    features: plus('monitor'),
    system: { hwcap2: 3n },
  },
  old: { ...HASWELL, features: V2, mask: 0n, places: {}, areaBytes: 0 },
  plain: { ...HASWELL, features: V3 },
  'Intel with AVX-512': INTEL_512,
  'Intel with AVX-512 and MPX': {
    ...INTEL_512,
    mask: 0x2ffn,
    places: { ...INTEL_512.places, 3: [64, 960], 4: [64, 1024] },
  },
  'AMD with AVX-512': AMD_512,
};

/** Enough of them for all vendors and sizes. */
const MODELS = names.filter((name, place) => !name.startsWith('x86-64') && place % 3 === 0);
const HOSTS = [
  ...Object.values(PLANS).map((plan) => hostOf({ ...plan, name: 'host' })),
  ...MODELS.map(readModel),
].map((host) => ({ ...host, system: { ...host.system, ...WORKS } }));
const TITLES = [...Object.keys(PLANS), ...MODELS];

/** All but what no verdict depends on. */
function counting({ findings }: Pick<Report, 'findings'>) {
  const found = findings.filter(({ severity }) => severity !== 'info');
  return found.map((finding) => JSON.stringify(finding)).sort();
}

describe.each(HOSTS.map((host, place) => [TITLES[place] as string, host] as const))(
  'tasks of a host %s',
  (_, host) => {
    // Sentences name the source: under a mask both ways call it by one name.
    const from = { ...host, name: 'cluster' };
    const baseline = baselineOf(clusterOf([describeHost(from)]));
    const mask = maskOf('cluster', baseline);

    it.each(HOSTS.map((to, place) => [TITLES[place] as string, to] as const))(
      'under a mask get one answer for one %s from check, --add and run',
      (_title, to) => {
        const check = compareHosts(from, to, { mask });
        const join = joinHosts(baseline, [describeHost(to)]);
        expect(counting(join)).toEqual(counting(check));
        expect(join.verdict).toBe(check.verdict);
        if (join.accepted) expect(refuses(check.verdict, 'unknown')).toBe(false);

        let message: string | undefined;
        try {
          const { risks } = maskForHost({ name: 'cluster', baseline }, described(to));
          expect(counting({ findings: risks })).toEqual(counting(check));
        } catch (error) {
          if (!isInputError(error)) throw error;
          message = error.message;
        }
        expect(message !== undefined).toBe(refuses(check.verdict, 'unknown'));
        if (message === undefined) return;
        for (const { code, severity, feature } of check.findings)
          if (severity === 'blocker' || severity === 'unknown') {
            expect(message).toContain(`${code}: `);
            if (feature !== undefined) expect(message).toMatch(new RegExp(`\\b${feature}\\b`));
          }
      },
    );
  },
);

describe('without a mask', () => {
  it('the matrix says of every pair what a check says', () => {
    const matrix = verdictMatrix(HOSTS.map((host) => describeHost(host)));
    const unlike = HOSTS.flatMap((from, row) =>
      HOSTS.flatMap((to, column) => {
        const check = compareHosts(from, to).verdict;
        const { kindOf } = matrix;
        const fast = verdictOf(matrix, kindOf[row] as number, kindOf[column] as number);
        return check === fast ? [] : [`${TITLES[row]} → ${TITLES[column]}: ${check}, ${fast}`];
      }),
    );
    expect(unlike).toEqual([]);
    // The table has pairs of every verdict, or it would show little.
    const found = new Set(HOSTS.flatMap((a) => HOSTS.map((b) => compareHosts(a, b).verdict)));
    expect([...VERDICTS].filter((verdict) => !found.has(verdict))).toEqual([]);
  });
});
