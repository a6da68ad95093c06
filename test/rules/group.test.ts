import { describe, expect, it } from 'vitest';
import { groupFindings } from '../../src/rules/group.js';
import { HASWELL, hostOf } from '../hosts.js';
import { compareHosts } from '../judge/between.js';

describe('findings that stand together', () => {
  it('name a thing once, though it is unknown as a feature and as a state', () => {
    const vague = hostOf({ ...HASWELL, untold: ['apx'], maskUntold: true });
    const { findings } = compareHosts(vague, vague);
    const unknown = findings.filter(({ code }) => code === 'data-missing');
    const apx = unknown.filter(({ feature, component }) => (feature ?? component) === 'apx');
    expect(apx).toHaveLength(2);
    const subjects = groupFindings(unknown).flatMap((group) => group.subjects);
    expect(subjects.filter((name) => name === 'apx')).toHaveLength(1);
  });
});
