import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clearRecord, finishRecord, writeDraft } from '../../src/enforce/dump-draft.js';
import { readImageFolder } from '../../src/enforce/image-folder.js';
import { RECORD_NAME } from '../../src/model/dump-record.js';

const FIXTURE = join(import.meta.dirname, '../fixtures/images/haswell');

describe('the record of a dump', () => {
  let folder = '';
  const description = readFileSync(join(FIXTURE, RECORD_NAME), 'utf8');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-draft-'));
    cpSync(FIXTURE, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const records = () => readdirSync(folder).filter((name) => name.includes('record'));

  test('of an earlier dump goes before CRIU writes over its images', () => {
    clearRecord(folder);
    expect(records()).toEqual([]);
    expect(readImageFolder(folder).record).toBeUndefined();
  });

  test('is no record before the images are there', () => {
    clearRecord(folder);
    writeDraft(folder, { description, stopped: [42], criu: 7 });
    expect(records()).not.toContain(RECORD_NAME);
    expect(readImageFolder(folder).record).toBeUndefined();
  });

  test('names these images, and who was stopped', () => {
    clearRecord(folder);
    writeDraft(folder, { description, stopped: [42], criu: 7 });
    finishRecord(folder);
    expect(records()).toEqual([RECORD_NAME]);
    const { record, fingerprint } = readImageFolder(folder);
    expect(record).toMatchObject({ fingerprint, stopped: [42], enforcement: 'none' });
  });

  test.each([
    ['an image is missing', () => rmSync(join(folder, 'pstree.img'))],
    ['registers can not be read', () => writeFileSync(join(folder, 'core-5003.img'), 'x')],
    [
      'an image is a link',
      () => {
        rmSync(join(folder, 'inventory.img'));
        cpSync(join(FIXTURE, 'inventory.img'), join(folder, 'elsewhere'));
        symlinkSync(join(folder, 'elsewhere'), join(folder, 'inventory.img'));
      },
    ],
    [
      'the draft was changed',
      () => {
        const [draft = ''] = records();
        writeFileSync(join(folder, draft), JSON.stringify({ criu: 7, record: { kind: 'x' } }));
      },
    ],
    ['the draft is gone', () => rmSync(join(folder, records()[0] ?? ''))],
  ])('is not written where %s', (_, spoil) => {
    clearRecord(folder);
    writeDraft(folder, { description, stopped: [], criu: 7 });
    spoil();
    expect(() => finishRecord(folder)).toThrow();
    expect(records()).not.toContain(RECORD_NAME);
  });
});
