import { describe, expect, it } from 'vitest';
import { type NewRecord, readDumpRecord, writeDumpRecord } from '../../src/formats/dump-record.js';
import { openInput } from '../../src/formats/format.js';
import { readHost } from '../../src/formats/index.js';
import { InputError } from '../../src/model/errors.js';
import { baselineOfPlans, fileText, INTEL_512 } from '../baseline/clusters.js';
import { HASWELL, hostOf } from '../hosts.js';

const host = hostOf({ ...HASWELL, system: { kernel: '6.1.0', glibc: { version: '2.36' } } });

const UNMASKED: NewRecord = {
  taken: '2026-03-04T05:06:07.890Z',
  cpugate: '1.2.3',
  fingerprint: 'ab'.repeat(32),
  host,
  enforcement: 'none',
  criu: '3.17.1',
};

const baseline = baselineOfPlans([HASWELL, INTEL_512]);
const MASKED: NewRecord = {
  ...UNMASKED,
  enforcement: 'cpuid-faulting',
  mask: { name: 'pool.json', baseline: JSON.parse(fileText(baseline)) },
};

const input = (text: string) => openInput('record.json', Buffer.from(text));
const read = (text: string) => readDumpRecord(input(text));

function changed(record: NewRecord, change: (json: Record<string, unknown>) => void): string {
  const json = JSON.parse(writeDumpRecord(record));
  change(json);
  return JSON.stringify(json);
}

const noBaseline = { mask: { name: 'x', baseline: { kind: 'other' } } };
const noEnforcement = { enforcement: 'none' };

describe('the record of a dump', () => {
  it('is read as it was written', () => {
    const { host: read1, ...rest } = read(writeDumpRecord(UNMASKED));
    expect(read1).toEqual(host);
    expect(rest).toEqual({
      taken: '2026-03-04T05:06:07.890Z',
      cpugate: '1.2.3',
      fingerprint: 'ab'.repeat(32),
      enforcement: 'none',
      criu: '3.17.1',
      mask: undefined,
    });
    expect(read(writeDumpRecord({ ...UNMASKED, criu: undefined })).criu).toBeUndefined();
  });

  it('names a mask that tasks came under while they ran', () => {
    const record = read(writeDumpRecord({ ...UNMASKED, cameUnder: 'pool.json' }));
    expect(record).toMatchObject({ cameUnder: 'pool.json', mask: undefined, enforcement: 'none' });
    expect(() => writeDumpRecord({ ...MASKED, cameUnder: 'pool.json' })).toThrow(
      /under a mask all their life, and that they were not/,
    );
    expect(() => writeDumpRecord({ ...UNMASKED, cameUnder: '' })).toThrow(InputError);
  });

  it('holds the whole baseline that was in force', () => {
    const { mask } = read(writeDumpRecord(MASKED));
    expect(mask?.name).toBe('pool.json');
    expect(mask?.features).toEqual(baseline.features);
    expect(mask?.xcr0).toBe(7n);
    // The pool's largest host has an area of 2696 bytes.
    expect(mask).toMatchObject({ areaBytes: 2696 });
    expect(mask?.accepts).toEqual(baseline.accepts);
  });

  it('tells kernel and C library in plain sight', () => {
    expect(JSON.parse(writeDumpRecord(UNMASKED))).toMatchObject({
      kernel: '6.1.0',
      glibc: '2.36',
      mask: null,
    });
  });

  it('is a host where one is asked for', async () => {
    for (const record of [UNMASKED, MASKED]) {
      const found = await readHost('record.json', Buffer.from(writeDumpRecord(record)));
      expect(found.cpus).toEqual(host.cpus);
    }
  });

  it.each<[string, string]>([
    ['of a later cpugate', changed(UNMASKED, (json) => Object.assign(json, { schemaVersion: 2 }))],
    ['without a host', changed(UNMASKED, (json) => Reflect.deleteProperty(json, 'host'))],
    ['with a host that is none', changed(UNMASKED, (json) => Object.assign(json, { host: {} }))],
    ['with a baseline that is none', changed(MASKED, (json) => Object.assign(json, noBaseline))],
    ['with a time that is none', changed(UNMASKED, (json) => Object.assign(json, { taken: 'x' }))],
    ['with something more', changed(UNMASKED, (json) => Object.assign(json, { more: 1 }))],
    ['masked without enforcement', changed(MASKED, (json) => Object.assign(json, noEnforcement))],
    ['cut off', writeDumpRecord(UNMASKED).slice(0, -20)],
  ])('%s is refused', (_, text) => {
    expect(() => read(text)).toThrow(InputError);
  });

  it('with a feature that its hosts do not give is refused', () => {
    const text = changed(MASKED, (json) => {
      const mask = json.mask as { baseline: { features: string[] } };
      mask.baseline.features = mask.baseline.features.filter((name) => name !== 'avx2');
    });
    expect(() => read(text)).toThrow(InputError);
  });

  it('that could not be read back is not written', () => {
    expect(() => writeDumpRecord({ ...UNMASKED, taken: 'today' })).toThrow(InputError);
    expect(() => writeDumpRecord({ ...UNMASKED, fingerprint: '' })).toThrow(InputError);
    expect(() => writeDumpRecord({ ...MASKED, enforcement: 'none' })).toThrow(InputError);
  });
});
