/** What a supervisor's answer proves: an odd one proves nothing. */
import { describe, expect, test } from 'vitest';
import { parseStatus } from '../../src/enforce/supervisor-status.js';

const WHOLE = [
  'supervisor 4720',
  'mode run',
  'mask 0123abcd 4312',
  'answered 12',
  'threads 3',
  'process 4711 masked',
  'process 4712 masked',
];

const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const parse = (...more: readonly string[]) => parseStatus(text([...WHOLE, ...more]));

test('a whole answer', () => {
  expect(parse()).toEqual({
    supervisor: 4720,
    mode: 'run',
    isUnmasked: false,
    isFromStart: true,
    processes: new Map([
      [4711, 'masked'],
      [4712, 'masked'],
    ]),
    mask: { crc32: 0x0123abcd, bytes: 4312 },
  });
});

describe('the tasks were masked from their start', () => {
  const withMode = (...lines: string[]) =>
    parseStatus(text(['supervisor 9', ...lines]))?.isFromStart;
  test.each<[string[], boolean]>([
    [['mode run'], true],
    [['mode attach', 'from-start'], true],
    [['mode adopt', 'from-start'], true],
    [['mode attach'], false],
    [['mode adopt'], false],
    [['mode'], false],
    [['mode trace', 'from-start'], false],
    [['from-start'], false],
    [[], false],
    [['mode run', 'mode attach'], false],
    [['mode run', 'unmasked'], false],
    [['mode adopt', 'from-start', 'detached'], false],
    [['mode attach', 'from-start 1'], false],
  ])('%j: %s', (lines, expected) => {
    expect(withMode(...lines)).toBe(expected);
  });
});

describe('let go', () => {
  test.each(['unmasked', 'state unmasked', 'detached'])('"%s" is so of all', (line) => {
    expect(parse(line)?.isUnmasked).toBe(true);
  });
  test.each(['unmasked 4711', ' unmasked', 'unmaskeds'])('"%s" is another word', (line) => {
    expect(parse(line)?.isUnmasked).toBe(false);
  });
});

describe('a process', () => {
  test.each<[string, string[], string | undefined]>([
    ['bare', ['process 5 bare'], 'bare'],
    ['released', ['process 5 released'], 'released'],
    ['released that ran', ['process 5 released running'], 'released'],
    ['released that was stopped', ['process 5 released stopped'], 'released'],
    ['masked and something else', ['process 5 masked running'], undefined],
    ['of whom nothing is said', [], undefined],
    ['of whom two things are said', ['process 5 masked', 'process 5 released'], 'bare'],
    [
      'of whom two things are said, the other way',
      ['process 5 released', 'process 5 masked'],
      'bare',
    ],
    ['of whom the same is said twice', ['process 5 masked', 'process 5 masked'], 'masked'],
    ['with an unknown state', ['process 5 patched'], undefined],
    ['with something behind it', ['process 5 masked soon'], undefined],
    ['with something before it', ['a process 5 masked'], undefined],
    ['as earlier supervisors had it', ['released 5 stopped'], undefined],
  ])('%s', (_, lines, state) => {
    expect(parse(...lines)?.processes.get(5)).toBe(state);
  });

  test('whose line was cut off is not known', () => {
    const cut = parseStatus(`${text(WHOLE)}process 5 masked`);
    expect(cut?.processes.has(5)).toBe(false);
    expect(cut?.processes.get(4712)).toBe('masked');
  });
});

describe('the mask', () => {
  test.each([['mask 0123abcd'], ['mask 0123ABCD 12'], ['mask xyz 12'], ['mask 123 12']])(
    'is not told by "%s"',
    (line) => {
      expect(parseStatus(text(['supervisor 9', line]))?.mask).toBeUndefined();
    },
  );
  test('is none of two', () => {
    expect(parse('mask 0123abce 4312')?.mask).toBeUndefined();
  });
});

describe('no answer of a supervisor', () => {
  test.each([
    [''],
    ['none'],
    ['mode run\nprocess 4711 masked\n'],
    ['supervisor 0\n'],
    ['supervisor -1\n'],
    ['supervisor me\n'],
    ['supervisor 1\nsupervisor 2\n'],
    ['supervisor 4720'],
  ])('%j', (answer) => {
    expect(parseStatus(answer)).toBeUndefined();
  });
});
