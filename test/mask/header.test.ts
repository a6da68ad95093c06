/** The bytes here and the supervisor's structs are one format: native/include/cpugate_mask.h. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  HEADER,
  MASK_MAGIC,
  MASK_MAX_ROWS,
  MASK_VERSION,
  ROW,
  ROW_PER_CPU,
} from '../../src/mask/bytes.js';

const header = readFileSync(
  fileURLToPath(new URL('../../native/include/cpugate_mask.h', import.meta.url)),
  'utf8',
);

const WIDTHS: Readonly<Record<string, number>> = { char: 1, uint32_t: 4, uint64_t: 8 };

/** Offsets of a struct's fields, which need no padding. */
function layoutOf(struct: string): Record<string, number> {
  const body = new RegExp(`struct ${struct} \\{([^}]*)\\}`).exec(header)?.[1] ?? '';
  const layout: Record<string, number> = {};
  let at = 0;
  for (const [, type, name, count] of body.matchAll(
    /^\s+(char|uint\d+_t) (\w+)(?:\[(\d+)\])?;/gm,
  )) {
    const width = WIDTHS[type as string] as number;
    expect(at % width, `${struct}.${name} is aligned`).toBe(0);
    layout[name as string] = at;
    at += width * Number(count ?? 1);
  }
  return { ...layout, bytes: at };
}

function constant(name: string): string {
  return new RegExp(`${name} = ([^;]+);`).exec(header)?.[1] ?? '';
}

describe('the mask format', () => {
  it('has the header of cpugate_mask.h', () => {
    const { magic, ...fields } = layoutOf('MaskHeader');
    expect(magic).toBe(0);
    expect(fields).toEqual(HEADER);
  });

  it('has the rows of cpugate_mask.h', () => {
    expect(layoutOf('MaskRow')).toEqual(ROW);
  });

  it('has its magic, version, limits and flags', () => {
    const letters = [...header.matchAll(/'(\w)'/g)].map(([, letter]) => letter).join('');
    expect(letters).toBe(MASK_MAGIC);
    expect(Number(constant('kMaskVersion'))).toBe(MASK_VERSION);
    expect(Number(constant('kMaskMaxRows'))).toBe(MASK_MAX_ROWS);
    expect(/kRowPerCpu = 1u << (\d+),/.exec(header)?.[1]).toBe(`${Math.log2(ROW_PER_CPU)}`);
    expect(constant('kRowFlagsKnown')).toBe('kRowPerCpu');
  });
});
