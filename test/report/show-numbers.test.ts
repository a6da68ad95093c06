/** What "show" says of the numbers that tasks keep. */
import { describe, expect, it } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { showJson } from '../../src/report/json.js';
import { withTiles } from '../amx.js';
import { HASWELL, type HostPlan, hostOf, leafRow } from '../hosts.js';

function show(plan: HostPlan) {
  const host = hostOf(plan);
  return showJson(host, describeHost(host));
}

describe('show', () => {
  it('has them where they are known', () => {
    const plan = withTiles();
    const leaves = [
      ...(plan.leaves ?? []),
      leafRow(7, 0, { eax: 2 }),
      leafRow(0x15, 0, { eax: 2, ebx: 216, ecx: 25_000_000 }),
      leafRow(0x80000000, 0, { eax: 0x80000008 }),
    ];
    expect(
      show({ ...plan, leaves, system: { cpuinfoFlags: ['split_lock_detect'] } }),
    ).toMatchObject({
      tscHz: 2_700_000_000,
      tiles: { tiles: 8, rows: 16, bytesPerRow: 64 },
      highestLeaves: { basic: '0x20', structured: '0x2', extended: '0x80000008' },
      kernelFacts: { ring3mwait: false, split_lock_detect: true },
    });
  });
  it('says of others that they are unknown', () => {
    expect(show(HASWELL)).toMatchObject({
      tscHz: null,
      tiles: null,
      highestLeaves: { basic: null, structured: null, extended: null },
      kernelFacts: { ring3mwait: false, split_lock_detect: null },
    });
  });
});
