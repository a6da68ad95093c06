import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { changed, failureOf, fixtureJson, fixtureText, readText } from './fixture.js';

const folder = new URL('../fixtures/criu/', import.meta.url);
const image = (name: string) => readHost('input', readFileSync(new URL(name, folder)));

/** A change to the record itself. */
// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
const record = (change: (entry: any) => void) =>
  changed(fixtureJson('crit'), (value) => change(value.entries[0].x86_entry[0]));

describe('what crit shows of an image', () => {
  it('is the host of the image', async () =>
    expect(await readText(fixtureText('crit'))).toEqual(await image('haswell.img')));

  it.each<[string, unknown]>([
    ['in one line', JSON.stringify(fixtureJson('crit'))],
    [
      'with the record alone, not in a list',
      changed(fixtureJson('crit'), (value) => {
        value.entries[0].x86_entry = value.entries[0].x86_entry[0];
      }),
    ],
    [
      'with numbers as text',
      record((entry) => {
        entry.xfeatures_mask = '5';
        entry.xsave_size = '0x340';
        entry.capability = entry.capability.map((word: number) => `0x${word.toString(16)}`);
      }),
    ],
    [
      'with the number of its vendor',
      record((entry) => {
        entry.vendor_id = 1;
      }),
    ],
  ])('%s, too', async (_, value) =>
    expect(await readText(value)).toEqual(await image('haswell.img')),
  );

  it.each<[string, unknown, RegExp]>([
    [
      'another image',
      { magic: 'INVENTORY', entries: [{ img_version: 2 }] },
      /another of CRIU's images.*"INVENTORY"/,
    ],
    ['no CPU', { magic: 'CPUINFO', entries: [{}] }, /holds no CPU/],
    ['no entry', { magic: 'CPUINFO', entries: [] }, /fewer than 1 item/],
    [
      'another architecture',
      { magic: 'CPUINFO', entries: [{ ppc64_entry: [{}] }] },
      /from a ppc64 machine/,
    ],
    [
      'two CPUs',
      changed(fixtureJson('crit'), (value) => {
        value.entries[0].x86_entry.push(value.entries[0].x86_entry[0]);
      }),
      /holds 2 CPUs/,
    ],
    [
      'no vendor',
      record((entry) => {
        delete entry.vendor_id;
      }),
      /lacks vendor_id/,
    ],
    [
      'a vendor that is not known',
      record((entry) => {
        entry.vendor_id = 7;
      }),
      /vendor that isn't known: 7/,
    ],
    [
      'words of another version',
      record((entry) => {
        entry.capability_ver = 1;
      }),
      /holds 19 words; version 1 has 12/,
    ],
    [
      'a version that is not known',
      record((entry) => {
        entry.capability_ver = 9;
      }),
      /capability version 9/,
    ],
    [
      'a word that is none',
      record((entry) => {
        entry.capability[3] = 2 ** 32;
      }),
      /not a number up to 4294967295/,
    ],
    [
      'a mask beyond what JSON holds',
      record((entry) => {
        entry.xfeatures_mask = '18446744073709551615';
      }),
      /not a number up to/,
    ],
    [
      'a model that CPUID cannot hold',
      record((entry) => {
        entry.model = 300;
      }),
      /family 6, model 300/,
    ],
    [
      'text where a number belongs',
      record((entry) => {
        entry.stepping = 'four';
      }),
      /must/,
    ],
  ])('with %s is refused', async (_, value, message) =>
    expect((await failureOf(value)).message).toMatch(message),
  );

  it('with a field that later versions may add is read', async () =>
    expect(
      (
        await readText(
          record((entry) => {
            entry.later = {};
          }),
        )
      ).format,
    ).toBe('criu'));
});

const crit = spawnSync('crit', ['--version']).error === undefined;

describe.skipIf(!crit)('crit', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.img'));
  it.each(
    names.flatMap(
      (name) =>
        [
          ['decode', name, ['-i']],
          ['show', name, []],
        ] as const,
    ),
  )('%s of %s is the same host', async (verb, name, option) => {
    const path = fileURLToPath(new URL(name, folder));
    const { stdout } = spawnSync('crit', [verb, ...option, path], { encoding: 'utf8' });
    // An image of which CRIU knows no vendor can't be decoded by every crit.
    if (stdout.includes('CPUINFO')) expect(await readText(stdout)).toEqual(await image(name));
  });
});
