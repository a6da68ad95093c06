import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditCode } from '../../src/audit/index.js';
import type { CodeAudit, CodeClass } from '../../src/model/code-audit.js';
import { link, type Piece, type Program } from './program.js';

/** Assembler by hand: Intel SDM vol. 2. */
const RET = 'c3';
const AVX2 = 'c5fdfec0'; // vpaddd ymm0, ymm0, ymm0
const CPUID = '0fa2';
const TEST_EBX = 'f6c320'; // test bl, 0x20
const STORE_EBX = '891d'; // mov [rip + …], ebx
const LOAD_EAX = '8b05'; // mov eax, [rip + …]
const TEST_EAX = 'a820'; // test al, 0x20
const CALL = 'e8';
const JMP = 'e9';
const LEA_RAX = '488d05';
const LEA_RDX = '488d15';
/** je over what follows, which has that many bytes. */
const skip = (bytes: number) => `74${bytes.toString(16).padStart(2, '0')}`;

const wide: Piece = { name: 'wide', code: `${AVX2} ${RET}` };

function audit(program: Program): CodeAudit {
  const found = auditCode(link(program));
  if (found === undefined) throw new Error('no ELF file');
  return found;
}

/** "needs avx2" and so on: of each class and feature a line. */
function lines({ needs, chooses, unclear }: CodeAudit): string[] {
  const of = (kind: CodeClass, list: CodeAudit['needs']) =>
    list.map(({ feature }) => `${kind} ${feature}`);
  return [...of('needs', needs), ...of('chooses', chooses), ...of('unclear', unclear)];
}

const CASES: readonly (readonly [what: string, program: Program, expected: readonly string[]])[] = [
  [
    'called from the entry without a question',
    { pieces: [{ name: 'start', code: `${CALL} =wide ${RET}` }, wide] },
    ['needs avx2'],
  ],
  ['in the entry itself', { pieces: [{ name: 'start', code: `${AVX2} ${RET}` }] }, ['needs avx2']],
  [
    'behind a branch on CPUID',
    {
      pieces: [
        { name: 'start', code: `${CPUID} ${TEST_EBX} ${skip(5)} ${CALL} =wide ${RET}` },
        wide,
      ],
    },
    ['chooses avx2'],
  ],
  [
    'behind a branch on CPUID in one function',
    { pieces: [{ name: 'start', code: `${CPUID} ${TEST_EBX} ${skip(4)} ${AVX2} ${RET}` }] },
    ['chooses avx2'],
  ],
  [
    'behind both ways of that branch',
    {
      pieces: [
        { name: 'start', code: `${CPUID} ${TEST_EBX} ${skip(1)} 90 ${CALL} =wide ${RET}` },
        wide,
      ],
    },
    ['needs avx2'],
  ],
  [
    'behind either of two branches on answers',
    {
      // cpuid; test bl; jne wide; test cl; je over the call; call
      pieces: [
        { name: 'start', code: `${CPUID} ${TEST_EBX} 7505 f6c120 7405 e8 =wide ${RET}` },
        wide,
      ],
    },
    ['chooses avx2'],
  ],
  [
    'before the question is asked',
    { pieces: [{ name: 'start', code: `${AVX2} ${CPUID} ${TEST_EBX} ${skip(1)} 90 ${RET}` }] },
    ['needs avx2'],
  ],
  [
    'behind a branch on something else',
    { pieces: [{ name: 'start', code: `85ff ${skip(5)} ${CALL} =wide ${RET}` }, wide] },
    ['needs avx2'],
  ],
  [
    'behind a branch on a variable that another function fills by CPUID',
    {
      pieces: [
        {
          name: 'start',
          code: `${CALL} =ask ${LOAD_EAX} =known ${TEST_EAX} ${skip(5)} ${CALL} =wide ${RET}`,
        },
        { name: 'ask', code: `${CPUID} ${STORE_EBX} =known ${RET}` },
        wide,
      ],
      variables: ['other', 'known'],
    },
    ['chooses avx2'],
  ],
  [
    'behind a branch on another variable',
    {
      pieces: [
        {
          name: 'start',
          code: `${CALL} =ask ${LOAD_EAX} =other ${TEST_EAX} ${skip(5)} ${CALL} =wide ${RET}`,
        },
        { name: 'ask', code: `${CPUID} ${STORE_EBX} =known ${RET}` },
        wide,
      ],
      variables: ['other', 'known'],
    },
    // The file asks, so that the other variable may hold an answer in a way that isn't seen.
    ['unclear avx2'],
  ],
  [
    'behind a function that gives the answer back',
    {
      pieces: [
        { name: 'start', code: `${CALL} =has ${TEST_EAX} ${skip(5)} ${CALL} =wide ${RET}` },
        { name: 'has', code: `${CPUID} 89d8 ${RET}` },
        wide,
      ],
    },
    ['chooses avx2'],
  ],
  [
    'chosen by an indirect function',
    {
      pieces: [
        {
          name: 'pick',
          type: 10,
          code: `${CPUID} ${LEA_RAX} =plain ${LEA_RDX} =wide ${TEST_EBX} 480f45c2 ${RET}`,
        },
        { name: 'plain', code: RET },
        wide,
      ],
      isLibrary: true,
    },
    ['chooses avx2'],
  ],
  [
    'one of those in a list that calls none',
    {
      pieces: [
        {
          name: 'pick',
          type: 10,
          code: `${CPUID} ${LEA_RAX} =plain ${LEA_RDX} =wide ${TEST_EBX} 480f45c2 ${RET}`,
        },
        { name: 'list', isExported: true, code: `${LEA_RAX} =wide ${RET}` },
        { name: 'plain', code: RET },
        wide,
      ],
      isLibrary: true,
    },
    ['chooses avx2'],
  ],
  [
    'in a function that other files call',
    { pieces: [{ ...wide, isExported: true }], isLibrary: true },
    ['needs avx2'],
  ],
  [
    'in one of these whose name says that there are others',
    { pieces: [{ name: 'sum_avx2', code: wide.code, isExported: true }], isLibrary: true },
    ['chooses avx2'],
  ],
  [
    'in a function that only a table of pointers holds',
    {
      pieces: [{ name: 'start', code: RET }, wide],
      variables: ['table'],
      pointers: { table: 'wide' },
    },
    ['unclear avx2'],
  ],
  [
    'in a function that nothing leads to',
    { pieces: [{ name: 'start', code: RET }, wide] },
    ['unclear avx2'],
  ],
  [
    'jumped to from the end of another',
    {
      pieces: [
        { name: 'start', code: `${CALL} =next ${RET}` },
        { name: 'next', code: `${JMP} =wide` },
        wide,
      ],
    },
    ['needs avx2'],
  ],
  [
    'in code without a symbol that is called',
    {
      pieces: [
        { name: 'start', code: `${CALL} =wide ${RET}` },
        { ...wide, symbol: '' },
      ],
    },
    ['needs avx2'],
  ],
  [
    'in bytes that nothing shows to be code',
    {
      pieces: [
        { name: 'start', code: RET },
        { ...wide, symbol: '' },
      ],
    },
    ['unclear avx2'],
  ],
  [
    'by TZCNT, which is BSF elsewhere',
    { pieces: [{ name: 'start', code: `f30fbcc0 ${RET}` }] },
    [],
  ],
  ['by LZCNT', { pieces: [{ name: 'start', code: `f30fbdc0 ${RET}` }] }, ['needs abm']],
  ['by POPCNT', { pieces: [{ name: 'start', code: `f3480fb8c0 ${RET}` }] }, ['needs popcnt']],
  ['by ENDBR64 and PREFETCHW', { pieces: [{ name: 'start', code: `f30f1efa 0f0d08 ${RET}` }] }, []],
  [
    'by an AVX-512 instruction of a shorter vector',
    { pieces: [{ name: 'start', code: `62f17d28fec0 ${RET}` }] },
    ['needs avx512f', 'needs avx512vl'],
  ],
  ['by the prefix of APX', { pieces: [{ name: 'start', code: `d51001c0 ${RET}` }] }, ['needs apx']],
  [
    'by XBEGIN, which has another way',
    { pieces: [{ name: 'start', code: `c7f800000000 ${RET}` }] },
    ['chooses rtm'],
  ],
  ['nowhere', { pieces: [{ name: 'start', code: `4889c3 ${RET}` }] }, []],
];

describe('a feature', () => {
  it.each(CASES)('used %s', (_, program, expected) => {
    expect(lines(audit(program)).sort()).toEqual([...expected].sort());
  });
});

describe('the first use', () => {
  it('is said by function, place and length', () => {
    const { needs } = audit({
      pieces: [
        { name: 'start', code: `90 ${CALL} =wide ${RET}` },
        { name: 'wide', code: `4889c3 ${AVX2} ${AVX2} ${RET}` },
      ],
    });
    expect(needs).toEqual([
      {
        feature: 'avx2',
        functions: 1,
        first: { symbol: 'wide', offset: 3, address: 0x1013, length: 4 },
      },
    ]);
  });
  it('counts each function once', () => {
    const { needs } = audit({
      pieces: [
        { name: 'start', code: `${CALL} =a ${CALL} =b ${RET}` },
        { name: 'a', code: `${AVX2} ${AVX2} ${RET}` },
        { name: 'b', code: `${AVX2} ${RET}` },
      ],
    });
    expect(needs.map(({ functions }) => functions)).toEqual([2]);
  });
});

describe('bytes that nothing shows to be code', () => {
  it('are counted', () => {
    const { unprovenBytes } = audit({
      pieces: [
        { name: 'start', code: RET },
        { ...wide, symbol: '' },
      ],
    });
    expect(unprovenBytes).toBeGreaterThanOrEqual(5);
    expect(
      audit({ pieces: [{ name: 'start', code: `${CALL} =wide ${RET}` }, wide] }).unprovenBytes,
    ).toBe(0);
  });
});

describe('what is no program', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('#!/bin/sh\n')],
    ['its first bytes alone', link({ pieces: [wide] }).subarray(0, 40)],
    ['of another machine', Buffer.from(link({ pieces: [wide] })).fill(183, 18, 19)],
    ['of 32 bits', Buffer.from(link({ pieces: [wide] })).fill(1, 4, 5)],
  ])('%s is undefined', (_, bytes) => {
    expect(auditCode(bytes)).toBeUndefined();
  });
  it('or is damaged never throws', () => {
    const whole = link(CASES[7]?.[1] as Program);
    const places = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 });
    // Where headers and tables are, most of all.
    const headers = fc.array(
      fc.tuple(
        fc.oneof(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0x9000, max: 0x9e00 })),
        fc.nat(255),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(places, headers, fc.nat(whole.length), (some, more, length) => {
        const bytes = Buffer.from(whole.subarray(0, Math.max(64, length)));
        for (const [at, value] of [...some, ...more]) if (at < bytes.length) bytes[at] = value;
        auditCode(bytes);
      }),
      { numRuns: 300 },
    );
  });
});
