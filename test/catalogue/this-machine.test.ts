/** The catalogue's places beside what the kernel of this machine prints of its CPU. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ROWS } from '../../src/catalogue/index.js';
import { KNOWN_FLAGS, tellsNoBit } from '../../src/formats/proc-cpuinfo-flags.js';
import { readRegister } from '../../src/model/leaves.js';
import { fieldMask } from '../../src/model/registers.js';
import { probeHost } from '../../src/probe/index.js';

const here = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!here)('/proc/cpuinfo of this machine', () => {
  const text = here ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const flags = (/^flags\s*: (.*)$/m.exec(text)?.[1] ?? '').split(' ');
  const leaves = here ? probeHost({ faulting: false }).cpus[0]?.leaves : undefined;

  test('prints flags', () => {
    expect(flags.length).toBeGreaterThan(20);
    expect(leaves?.rows.length).toBeGreaterThan(5);
  });

  test('has a bit where the catalogue says, for every flag that comes from one', () => {
    const rows = ROWS.filter(({ name }) => flags.includes(name) && !tellsNoBit(name));
    expect(rows.length).toBeGreaterThan(20);
    const clear = rows.filter(({ leaf, subleaf, reg, bit }) => {
      if (leaves === undefined || typeof bit !== 'number') return true;
      return (readRegister(leaves, leaf, subleaf, reg).value & fieldMask(bit, bit)) === 0;
    });
    expect(clear.map(({ name }) => name)).toEqual([]);
  });

  test('prints no flag of which the catalogue knows nothing', () => {
    expect(flags.filter((flag) => flag !== '' && !KNOWN_FLAGS.has(flag))).toEqual([]);
  });
});
