import { describe, expect, it } from 'vitest';
import { DecodedBytes } from '../../../src/formats/archives/byte-source.js';
import { beginsTar, type TarMember, walkTar } from '../../../src/formats/archives/tar.js';
import { isInputError } from '../../../src/model/errors.js';
import { END, member, type Packed, pax, tarOf } from '../../archives/pack.js';

/** In pieces of a size that fits nothing. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 333) yield bytes.subarray(at, at + 333);
}

async function list(archive: Uint8Array): Promise<(TarMember & { text: string })[]> {
  const found: (TarMember & { text: string })[] = [];
  await walkTar(new DecodedBytes(pieces(archive)), 'a.tar', async (one, content) => {
    const text = Buffer.from(await content.take(Math.min(one.bytes, 100))).toString();
    found.push({ ...one, text });
  });
  return found;
}

const named = async (...members: Packed[]) =>
  (await list(tarOf(members))).map(({ name, kind, bytes, text }) => [name, kind, bytes, text]);

describe('members of a tar', () => {
  it.each<[string, Packed[], unknown[]]>([
    ['a file', [{ name: 'a', content: 'x' }], [['a', 'file', 1, 'x']]],
    ['./ before a name', [{ name: './b//c', content: 'x' }], [['b/c', 'file', 1, 'x']]],
    ['a folder', [{ name: 'd/', type: '5' }], [['d', 'folder', 0, '']]],
    ['a link, whose size is none', [{ name: 'l', type: '2', size: 512 }], [['l', 'link', 0, '']]],
    ['a hard link', [{ name: 'h', type: '1', link: 'a' }], [['h', 'link', 0, '']]],
    ['a device', [{ name: 'n', type: '3' }], [['n', 'other', 0, '']]],
    [
      'a long name of GNU',
      [
        { name: '././@LongLink', type: 'L', content: `${'n'.repeat(200)}\0` },
        { name: 'n', content: 'x' },
        { name: 'o', content: 'y' },
      ],
      [
        ['n'.repeat(200), 'file', 1, 'x'],
        ['o', 'file', 1, 'y'],
      ],
    ],
    [
      "pax's name and size, for one member alone",
      [
        { name: 'p', type: 'x', content: pax('path', 'ä/b') + pax('size', '2') },
        { name: 'n', content: 'xx', size: 0 },
        { name: 'o', content: 'y' },
      ],
      [
        ['ä/b', 'file', 2, 'xx'],
        ['o', 'file', 1, 'y'],
      ],
    ],
    [
      'a record within a value of pax, which is none',
      [
        { name: 'p', type: 'x', content: pax('comment', `a\n${pax('path', 'evil')}b`) },
        { name: 'n', content: 'x' },
      ],
      [['n', 'file', 1, 'x']],
    ],
    [
      'pax for all, which names nobody',
      [
        { name: 'p', type: 'g', content: pax('path', 'evil') },
        { name: 'n', content: 'x' },
      ],
      [['n', 'file', 1, 'x']],
    ],
    [
      'content of several pieces',
      [{ name: 'a', content: 'x'.repeat(5000) }],
      [['a', 'file', 5000, 'x'.repeat(100)]],
    ],
    ['none', [], []],
  ])('are read: %s', async (_, members, expected) => {
    expect(await named(...members)).toEqual(expected);
  });

  it('that follow the end are none', async () => {
    const archive = Buffer.concat([tarOf([{ name: 'a' }]), tarOf([{ name: 'b' }])]);
    expect((await list(archive)).map(({ name }) => name)).toEqual(['a']);
  });
});

const big = `\x80\0\0\0\x7f${'\xff'.repeat(7)}`;

describe('what is refused of a tar', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an absolute name', tarOf([{ name: '/a' }]), /leads out of the archive/],
    ['..', tarOf([{ name: 'a/../../b' }]), /leads out of the archive/],
    ['.. that stays within', tarOf([{ name: 'a/../b' }]), /leads out of the archive/],
    [
      '.. of pax',
      tarOf([{ name: 'p', type: 'x', content: pax('path', '../b') }, { name: 'n' }]),
      /leads out/,
    ],
    ['a size beyond any file', tarOf([{ name: 'a', size: big }]), /number that no file has/],
    [
      'a size below zero',
      tarOf([{ name: 'a', size: '\xff'.repeat(12) }]),
      /size that no file has|number/,
    ],
    [
      'a fraction of a byte',
      tarOf([{ name: 'p', type: 'x', content: pax('size', '1.5') }, { name: 'n' }]),
      /size that no file has/,
    ],
    [
      'a size that is no number',
      tarOf([{ name: 'p', type: 'x', content: pax('size', 'many') }, { name: 'n' }]),
      /size that no file has/,
    ],
    [
      'a size beyond the end',
      tarOf([{ name: 'a', size: 0o77777777777 }]),
      /ends in the middle of it/,
    ],
    ['holes, of GNU', tarOf([{ name: 'a', type: 'S', content: 'x' }]), /without their holes/],
    [
      'holes, of pax',
      tarOf([{ name: 'p', type: 'x', content: pax('GNU.sparse.major', '1') }, { name: 'n' }]),
      /without their holes/,
    ],
    ['a damaged header', tarOf([{ name: 'a', isDamaged: true }]), /a header is damaged/],
    [
      'pax without an end',
      tarOf([{ name: 'p', type: 'x', content: '99 path=a\n' }, { name: 'n' }]),
      /extended header is damaged/,
    ],
    [
      'pax without a key',
      tarOf([{ name: 'p', type: 'x', content: '6 = ab\n' }, { name: 'n' }]),
      /extended header is damaged/,
    ],
    [
      'pax of more than a megabyte',
      tarOf([{ name: 'p', type: 'x', size: 2 ** 21 }]),
      /extended header is too large/,
    ],
    [
      'a name longer than any',
      tarOf([{ name: 'L', type: 'L', content: 'n'.repeat(5000) }, { name: 'n' }]),
      /name that no file has/,
    ],
    ['an end in a header', member({ name: 'a' }).subarray(0, 300), /ends in the middle of it/],
    [
      'an end in a member',
      member({ name: 'a', content: 'xy' }).subarray(0, 513),
      /ends in the middle of it/,
    ],
    ['an end between members', member({ name: 'a', content: 'xy' }), /has no end/],
    ['nothing at all', new Uint8Array(), /has no end/],
    ['random bytes', Buffer.from('x'.repeat(2000)), /a header is damaged|number/],
  ])('%s', async (_, archive, message) => {
    const error = await list(archive).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(isInputError(error)).toBe(true);
    expect(String((error as Error).message)).toMatch(message);
  });

  it('more members than a dump has', async () => {
    const one = member({ name: 'a', type: '5' });
    async function* many() {
      for (;;) yield one;
    }
    await expect(walkTar(new DecodedBytes(many()), 'a.tar', async () => {})).rejects.toThrow(
      'more than 1000000 members',
    );
  }, 60_000);
});

describe('the beginning of a tar', () => {
  it.each<[string, Uint8Array, boolean]>([
    ['a header', tarOf([{ name: 'a' }]), true],
    ['a damaged one', tarOf([{ name: 'a', isDamaged: true }]), false],
    ['less than a header', member({ name: 'a' }).subarray(0, 400), false],
    ['zeros', END, false],
  ])('%s', (_, bytes, expected) => {
    expect(beginsTar(bytes)).toBe(expected);
  });
});
