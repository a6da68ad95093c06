/** What the mappings of dumped tasks say about narrower addresses. */
import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import type { DumpRecord } from '../../src/model/dump-record.js';
import type { ImageProcess } from '../../src/model/image-folder.js';
import { HASWELL, type HostPlan, hostOf } from '../hosts.js';
import { idleProcess } from '../image-processes.js';
import { faultOf } from '../sentences.js';
import { gate } from './between.js';

const untold = { known: false, reason: 'mm-7.img is missing' } as const;
const STACK_END = 0x7ffd_1234_5000n;
const ABOVE = 0x8000_0000_1000n;

function processOf(pid: number, end: bigint | 'untold'): ImageProcess {
  return idleProcess({
    pid,
    highestAddress: end === 'untold' ? untold : { known: true, value: end },
  });
}

const features: readonly FeatureName[] = [...HASWELL.features, 'la57'];
const WIDE: HostPlan = { ...HASWELL, name: 'wide', features, linearBits: 57 };
const NARROW: HostPlan = { ...HASWELL, name: 'narrow' };

function ask(from: HostPlan | undefined, to: HostPlan, ends: readonly (bigint | 'untold')[]) {
  const record: DumpRecord | undefined = from && {
    taken: '2026-01-01T00:00:00Z',
    cpugate: '0.1.0',
    fingerprint: '',
    host: hostOf(from),
    mask: undefined,
    enforcement: 'none',
    stopped: [],
    criu: '3.19',
  };
  const images = {
    name: 'images',
    rootPid: 7,
    processes: ends.map((end, place) => processOf(7 + place, end)),
    cpuinfo: undefined,
    record,
    fingerprint: '',
    remarks: [],
    gaps: [],
  };
  const report = gate(images, hostOf(to), { criuVersion: '3.19' });
  const found = report.findings.filter(({ code, facts }) => {
    return code === 'address-width' && facts.kind !== 'physical';
  });
  for (const { effect } of found) expect(faultOf(effect, ['images', 'process'])).toBeUndefined();
  return { ...report, found };
}

describe('images of tasks, and a target with 48 bits of addresses', () => {
  it.each<[string, readonly (bigint | 'untold')[], string[]]>([
    [
      'whose mappings all lie below 2^47: a note',
      [STACK_END, 0x7fff_ffff_f000n],
      ['info unmapped'],
    ],
    ['of which one has a mapping above 2^47: blocker', [STACK_END, ABOVE], ['blocker mapped']],
    ['that says so, whatever is unknown of others', ['untold', ABOVE], ['blocker mapped']],
    ['of which one does not tell: risk', [STACK_END, 'untold'], ['risk asked']],
  ])('%s', (_, ends, expected) => {
    const { found } = ask(WIDE, NARROW, ends);
    expect(found.map(({ severity, facts }) => `${severity} ${facts.kind}`)).toEqual(expected);
    // Half of the 48 bits are the kernel's.
    for (const { effect } of found) expect(effect).toContain('2^47');
  });
  it('of a source that is not known: a mapping above 2^47 blocks all the same', () => {
    const { found, verdict } = ask(undefined, NARROW, [ABOVE]);
    expect(found).toMatchObject([{ severity: 'blocker', facts: { kind: 'mapped', before: null } }]);
    expect(verdict).toBe('incompatible');
  });
  it('name the process, and where its mapping ends', () => {
    const { found, verdict } = ask(WIDE, NARROW, [STACK_END, ABOVE]);
    expect(found[0]?.effect).toContain(
      'process 8 (server) has a mapping that ends at 0x800000001000',
    );
    expect(verdict).toBe('incompatible');
  });
  it('are compatible where nothing lies there', () => {
    expect(ask(WIDE, NARROW, [STACK_END]).verdict).toBe('compatible');
  });
  it('may come from a record that shows no more: mappings count for themselves', () => {
    expect(ask(NARROW, NARROW, [ABOVE]).found).toMatchObject([{ severity: 'blocker' }]);
  });
  it('go on at a target with 57 bits', () => {
    expect(ask(WIDE, WIDE, [ABOVE]).found).toEqual([]);
  });
});
