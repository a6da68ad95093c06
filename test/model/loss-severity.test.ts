import { describe, expect, it } from 'vitest';
import { type FeatureName, featureRow, isFeatureName, ROWS } from '../../src/catalogue/index.js';
import { lossOf, lossSeverity } from '../../src/model/loss-severity.js';
import { USER_VISIBLE } from '../../src/model/prerequisites.js';
import { HASWELL, seen } from '../hosts.js';

const target = (...more: FeatureName[]) =>
  seen({ ...HASWELL, features: [...HASWELL.features, ...more] });

describe('the loss of a feature', () => {
  it.each<[FeatureName, string, string, FeatureName[]]>([
    ['avx2', 'stops a task: its instructions fault', 'blocker', []],
    ['erms', 'is no more than slower', 'info', []],
    ['la57', 'is what the row says, not what the class does', 'info', []],
    ['rtm', 'stops a task where XBEGIN may fault', 'blocker', []],
    ['rtm', 'is a risk where every transaction aborts', 'risk', ['rtm_always_abort']],
    ['hle', 'does not depend on that', 'risk', ['rtm_always_abort']],
  ])('%s %s', (name, _, severity, more) => {
    expect(lossSeverity(featureRow(name), target(...more))).toBe(severity);
  });
  it('is that of the bit alone where no target is known', () => {
    expect(lossSeverity(featureRow('rtm'))).toBe('blocker');
    expect(lossOf(featureRow('rtm'))).toBeUndefined();
  });
});

describe('the table', () => {
  it('names features that exist, and none as its own way out', () => {
    for (const { name, lossBeside } of ROWS)
      if (lossBeside !== undefined) {
        expect(isFeatureName(lossBeside.feature)).toBe(true);
        expect(lossBeside.feature).not.toBe(name);
      }
  });
  it('says of a restriction that losing it harms no task', () => {
    const restrictions = ROWS.filter(({ restriction }) => restriction !== undefined);
    expect(restrictions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['umip', 'fdp_excptn_only', 'zero_fcs_fds', 'bus_lock_detect']),
    );
    for (const row of restrictions) {
      expect(USER_VISIBLE.has(row.class)).toBe(true);
      expect([row.name, lossSeverity(row)]).toEqual([row.name, 'info']);
      expect(row.restriction).toMatch(/^[A-Za-z].*\.$/);
    }
  });
});
