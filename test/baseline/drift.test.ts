import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { changeOf, type Drift, DriftFold } from '../../src/baseline/drift.js';
import { kindOf } from '../../src/baseline/host-kind.js';
import { describeHost } from '../../src/model/capabilities.js';
import { driftText } from '../../src/report/text/drift.js';
import { HASWELL, type HostPlan, hostOf } from '../hosts.js';
import { faultOf } from '../sentences.js';

const seen = (plan: HostPlan) => describeHost(hostOf(plan));
const WEB = ['web-1', 'web-2', 'web-3'].map((name) => ({ ...HASWELL, name }));
const without = (name: string, ...features: readonly string[]): HostPlan => ({
  ...HASWELL,
  name,
  features: HASWELL.features.filter((one) => !features.includes(one)),
});

function drift(before: readonly HostPlan[], now: readonly HostPlan[]): Drift {
  const fold = new DriftFold('cluster.json', baselineOf(clusterOf(before.map(seen))));
  for (const plan of now) fold.add(seen(plan));
  return fold.finish();
}
const summary = ({ groups }: Drift) =>
  groups.map(({ hosts, recognised, verdict }) => [hosts.join(' '), recognised, verdict]);

describe('what became of a cluster', () => {
  test('nothing: each host is as it was', () => {
    const now = drift(WEB, WEB.toReversed());
    expect(summary(now)).toEqual([['web-1 web-2 web-3', 'same', 'compatible']]);
    expect(now).toMatchObject({ verdict: 'compatible', missing: [], hosts: 3 });
  });

  test('a host that lost an instruction no longer fits, and what it lost is named', () => {
    const [web1, , web3] = WEB as [HostPlan, HostPlan, HostPlan];
    const now = drift(WEB, [web1, without('web-2', 'fma'), web3]);
    expect(summary(now)).toEqual([
      ['web-2', 'changed', 'incompatible'],
      ['web-1 web-3', 'same', 'compatible'],
    ]);
    expect(now.verdict).toBe('incompatible');
    expect(now.groups[0]?.change?.lost).toContain('fma');
    expect(now.groups[0]?.findings.map(({ code }) => code)).toContain('instruction-missing');
  });

  test('a host that lost what the baseline never showed still fits', () => {
    const now = drift([without('old-1', 'movbe'), ...WEB], [without('web-1', 'movbe')]);
    expect(now.groups).toMatchObject([
      {
        hosts: ['web-1'],
        recognised: 'changed',
        verdict: 'compatible',
        change: { lost: ['movbe'] },
      },
    ]);
    expect(now.missing).toEqual(['old-1', 'web-2', 'web-3']);
  });

  test('a larger XSAVE area is a change that blocks, though nothing is lost', () => {
    const larger = { ...HASWELL, name: 'web-1', areaBytes: (HASWELL.areaBytes ?? 0) + 256 };
    const now = drift(WEB, [larger]);
    const [group] = now.groups;
    expect(group?.change?.lost).toEqual([]);
    expect(group?.change?.numbers).toContainEqual({
      what: 'areaBytes',
      before: HASWELL.areaBytes,
      after: larger.areaBytes,
    });
    expect(group?.verdict).not.toBe('compatible');
  });

  test('what a record does not tell any more is unknown, not lost', () => {
    const { features } = HASWELL;
    const untold: HostPlan = { ...without('web-1', 'fma'), untold: ['fma'] };
    const now = drift(WEB, [untold]);
    expect(features).toContain('fma');
    expect(now.groups[0]).toMatchObject({
      verdict: 'unknown',
      change: { lost: [], forgotten: ['fma'] },
    });
  });

  test('hosts that the baseline does not know by name are told by their kind', () => {
    const now = drift(WEB, [{ ...HASWELL, name: 'web-9' }, without('old-9', 'movbe')]);
    expect(summary(now)).toEqual([
      ['old-9', 'new', 'incompatible'],
      ['web-9', 'known-kind', 'compatible'],
    ]);
    expect(now.groups.every((group) => group.change === undefined)).toBe(true);
  });

  test('a name that hosts of two kinds had is none to go by', () => {
    const twins = [{ ...HASWELL, name: 'web' }, without('web', 'movbe')];
    expect(summary(drift(twins, twins))).toEqual([['web web', 'same', 'compatible']]);
    expect(summary(drift(twins, [without('web', 'movbe', 'fma')]))).toEqual([
      ['web', 'new', 'incompatible'],
    ]);
  });

  test('a long or odd name is found again as the baseline keeps it', () => {
    const name = `\u202e${'x'.repeat(300)}`;
    const plan = { ...HASWELL, name };
    expect(drift([plan], [plan])).toMatchObject({ groups: [{ recognised: 'same' }], missing: [] });
  });

  test('from a kind to itself nothing has changed', () => {
    const kind = kindOf(seen(HASWELL));
    expect(changeOf(kind, kind)).toEqual({
      lost: [],
      gained: [],
      forgotten: [],
      lostState: [],
      gainedState: [],
      numbers: [],
    });
  });
});

describe('the text', () => {
  const style = { colors: createColors(false), width: 100 };
  const text = (now: readonly HostPlan[]) => driftText(drift(WEB, now), 'cluster.json', style);

  test('of a fleet that fits is short', () => {
    expect(text(WEB)).toBe('cluster.json: all 3 hosts still fit\n\n3 hosts are as before.\n');
  });

  test('names who does not fit, why, and what to do', () => {
    const said = text([without('web-2', 'fma'), ...WEB.slice(2)]);
    expect(said).toContain('cluster.json: 1 of 2 hosts may not run its tasks\n');
    expect(said).toContain('web-2: no longer fits (changed)\n  lost: fma\n');
    expect(said).toContain('  instruction-missing (blocker)\n');
    expect(said).toContain('\nWhat to do\n');
    expect(said).toContain('1 host is as before.\n');
    expect(said).toContain('No record is of web-1, which the baseline was made of.');
    expect(faultOf('No record is of web-1, which the baseline was made of.')).toBeUndefined();
  });
});
