import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { withoutPasteMarks } from '../../src/formats/pasted.js';
import { dumpText } from './dump-text.js';
import { failureOf, fixtureText, readText } from './fixture.js';

const CPUINFO = dumpText('haswell-guest.cpuinfo');
const SOURCES: readonly (readonly [string, string])[] = [
  ['/proc/cpuinfo', CPUINFO],
  ['cpuid -r', dumpText('haswell-guest-2-cpus.cpuid-r')],
  ['lscpu', dumpText('haswell-guest-2-cpus.lscpu')],
  ['lscpu on a terminal', dumpText('epyc-milan-guest.lscpu-terminal')],
  ['lscpu -J', dumpText('skylake-server-guest.lscpu-J')],
  ['a profile', fixtureText('profile')],
  ['libvirt cpudata', fixtureText('cpudata')],
];

const each = (text: string, before: string) =>
  text.replace(/\n$/, '').replaceAll(/^/gm, before).concat('\n');
const LAYERS: readonly (readonly [string, (text: string) => string])[] = [
  ['quoted', (text) => each(text, '> ')],
  ['quoted, blank lines without a blank', (text) => each(text, '> ').replaceAll(/^> $/gm, '>')],
  ['quoted twice', (text) => each(text, '>> ')],
  ['quoted twice, with a blank', (text) => each(text, '> > ')],
  ['quoted without a blank', (text) => each(text, '>')],
  ['indented by four', (text) => each(text, '    ')],
  ['indented by a tab', (text) => each(text, '\t')],
  ['in a fence', (text) => `\`\`\`\n${text}\`\`\`\n`],
  ['in a fence with a language', (text) => `\n~~~~console\n${text}~~~~\n\n`],
  ['in a fence without an end', (text) => `\`\`\`\n${text}`],
  ['indented in a fence', (text) => `\`\`\`\n${each(text, '    ')}\`\`\``],
  ['in a fence that is indented', (text) => each(`\`\`\`\n${text}\`\`\`\n`, '   ')],
  ['in a fence that is quoted', (text) => each(`\`\`\`text\n${text}\`\`\`\n`, '> ')],
  ['quoted, with the line breaks of Windows', (text) => each(text, '> ').replaceAll('\n', '\r\n')],
  ['quoted behind a byte order mark', (text) => `\ufeff${each(text, '> ')}`],
];

describe('is read as if it were bare:', () => {
  for (const [layer, wrap] of LAYERS)
    it.each(SOURCES)(`%s ${layer}`, async (_, text) => {
      expect(await readText(wrap(text))).toEqual(await readText(text));
    });
});

describe('flags that a terminal broke in the midst of words', () => {
  const flags = /^flags.*$/m.exec(CPUINFO)?.[0] as string;
  const broken = (width: number) =>
    CPUINFO.replace(flags, flags.replaceAll(new RegExp(`(.{${width}})(?=.)`, 'g'), '$1\n'));
  it.each([
    ['quoted', '> '],
    ['quoted without a blank', '>'],
    ['indented', '    '],
  ])('%s: a blank at a seam stays', async (_, before) => {
    for (const width of [80, 79, 72, 66])
      expect((await readText(each(broken(width), before))).cpus).toEqual(
        (await readText(CPUINFO)).cpus,
      );
  });
});

describe('is left alone:', () => {
  const same = (text: string) => {
    const input = openInput('x', Buffer.from(text, 'latin1'));
    return withoutPasteMarks(input) === input;
  };
  it.each([
    ['what has no mark', CPUINFO],
    ['nothing', ''],
    ['blanks', ' \n\t\n  \n'],
    ['a quote with a line that stands out', `${each(CPUINFO, '> ')}Regards\n`],
    ['a line below others that is quoted', `processor : 0\n> flags : fpu\n`],
    ['two fences', '```\na\n```\n```\nb\n```\n'],
    ['a fence with text behind it', '```\na\n```\nflags : fpu\n'],
    ['tabs and blanks in turn', '\tprocessor : 0\n    flags : fpu\n'],
    ['layer upon layer', each('a\n', '>'.repeat(50))],
    ['more than anybody pastes', '> a\n'.repeat(1_100_000)],
  ])('%s', (_, text) => {
    expect(same(text)).toBe(true);
  });
  it("the kernel's release, which the user gave", () => {
    const input = openInput('x', Buffer.from('> a\n'), '6.1');
    expect(withoutPasteMarks(input)).toMatchObject({ name: 'x', kernel: '6.1', head: 'a\n' });
  });
  it('only a fence', async () => {
    expect((await failureOf('```\n')).code).toBe('unknown-format');
  });
});

describe('errors', () => {
  it('name the line of the file', async () => {
    const lines = each(CPUINFO, '> ').split('\n');
    const line = lines.findIndex((one) => one.startsWith('> model\t'));
    lines[line] = '> model\t\t: many';
    const error = await failureOf(`\`\`\`\n${lines.join('\n')}\`\`\`\n`);
    expect(error.message).toMatch(/"many"/);
    expect(error.place.line).toBe(line + 2);
  });
  it('of JSON name the line of the file', async () => {
    const error = await failureOf('> ```json\n> {\n>  "lscpu": [,]\n> }\n> ```\n');
    expect(error.message).toMatch(/at line 3/);
  });
  it('a quote that lost its mark on a wrapped line is refused, not cut', async () => {
    const wrapped = each(CPUINFO, '> ').replace(' avx2 ', ' avx2\n');
    expect((await failureOf(wrapped)).code).toBe('unknown-format');
  });
});
