import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capOfCheck, parseCriuCap } from '../../src/criu/cap.js';
import { instructionMask } from '../../src/criu/instruction-mask.js';
import { type CriuPrediction, predictCriu } from '../../src/criu/predict.js';
import { CRIU_WORDS } from '../../src/criu/words.js';
import { criuImage } from '../../src/formats/criu-image.js';
import { openInput } from '../../src/formats/format.js';
import type { CriuCpuinfo } from '../../src/model/criu-cpuinfo.js';
import { InputError } from '../../src/model/errors.js';
import { vendorRow } from '../../src/model/from-features.js';
import type { Host } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';

const fixtures = new URL('../fixtures/criu/', import.meta.url);
const fixture = (name: string): Host => {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.img`, fixtures)));
  return criuImage.read(openInput(name, bytes));
};

/** What CRIU 3.17.1 said in guests with these CPUs. */
const MEASURED = readFileSync(new URL('verdicts.tsv', fixtures), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [string, string, string, string, string]);

const NAMES = [...new Set(MEASURED.map(([from]) => from))];
const HOSTS = new Map(NAMES.map((name) => [name, fixture(name)]));
const host = (name: string) => HOSTS.get(name) as Host;

const answer = (prediction: CriuPrediction) => {
  if (prediction.outcome === 'unknown') return prediction;
  return `${prediction.exit} ${prediction.outcome === 'refuses' ? prediction.reason : ''}`;
};

describe('CRIU itself', () => {
  it('was asked about every pair', () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(9);
    expect(MEASURED.length).toBeGreaterThanOrEqual(9 * 9 * 5);
  });

  it.each(NAMES)('said of the image of %s what is predicted', (name) => {
    for (const [from, to, cap, exit, reason] of MEASURED.filter(([from]) => from === name))
      expect(answer(predictCriu(host(from), host(to), cap)), `${from} to ${to}, ${cap}`).toBe(
        `${exit} ${reason}`,
      );
  });

  it('had each of its reasons', () => {
    const reasons = MEASURED.map(([, , , , reason]) => reason);
    for (const reason of [
      /^FPU feature required by image is not supported on host \(fpu:0 fxsr:0 osxsave:1 xsaves:0\)$/,
      /^CPU xfeatures has unsupported bits \(0x10\)$/,
      /^CPU xsave size mismatch \(0\/832\)$/,
      /^CPU xsave max size mismatch \(832\/2688\)$/,
      /^CPU instruction capabilities do not match run time$/,
      /^CPU capabilities do not match run time$/,
      /^Segmentation fault$/,
      /^$/,
    ])
      expect(
        reasons.some((said) => reason.test(said)),
        `${reason}`,
      ).toBe(true);
  });
});

describe('--cpu-cap', () => {
  /** Letters of what is compared: f(pu), i(ns), c(pu). */
  it.each([
    ['default', 'fi'],
    ['', 'fi'],
    ['fpu', 'fi'],
    ['ins', 'fi'],
    ['cpu', 'fic'],
    ['all', 'fic'],
    ['fpu,ins,cpu', 'fic'],
    ['none', ''],
    ['none,fpu', 'f'],
    ['none,ins', 'i'],
    ['none,cpu', 'c'],
    ['cpu,none', ''],
    ['^ins', 'f'],
    ['^fpu', 'i'],
    ['^fpu,^ins', ''],
    ['^fpu,ins', 'i'],
    ['^fpuins', ''],
    ['none,fpuins', 'fi'],
    ['^none', 'fic'],
    ['^^none', ''],
    ['^^fpu', 'fi'],
    ['^,none,fpu', 'f'],
    ['^all,cpu', 'c'],
    [',,cpu,', 'fic'],
    ['nonecpu', 'c'],
    ['all^cpu', 'fi'],
  ])('"%s"', (text, letters) => {
    expect(parseCriuCap(text)).toEqual({
      fpu: letters.includes('f'),
      ins: letters.includes('i'),
      cpu: letters.includes('c'),
    });
  });

  it.each([
    'fp',
    'FPU',
    'cpu,default',
    'defaults',
    'fpu ins',
    ' fpu',
    'fpu;',
    'non',
    'all,é',
    '+cpu',
  ])('not "%s"', (text) => {
    expect(() => parseCriuCap(text)).toThrow(InputError);
    expect(() => predictCriu(host('haswell'), host('haswell'), text)).toThrow(InputError);
  });

  it('of an empty set is taken for all by the check', () => {
    expect(capOfCheck(parseCriuCap('none'))).toEqual({ fpu: true, ins: true, cpu: true });
    expect(capOfCheck(parseCriuCap('none,ins'))).toEqual({ fpu: false, ins: true, cpu: false });
  });

  it('compares these instructions', () => {
    expect(instructionMask()).toEqual([
      ...[0x07888911, 0xc8400800, 0, 0x00110000, 0x7ed8220b, 0, 0x002109e0, 0, 0, 0xfc8f4b39, 7],
      ...[0x00407f42, 0, 1, 0, 0, 0, 0, 0xc],
    ]);
  });
});

/** A host as its leaves tell it, without the image's own record. */
function bare({ criu: _, ...rest }: Host): Host {
  return rest;
}

const withRecord = (name: string, change: Partial<CriuCpuinfo>): Host => {
  const { criu, ...rest } = host(name);
  return { ...rest, criu: { ...(criu as CriuCpuinfo), ...change } };
};
const wordsOf = (name: string) => host(name).criu?.words ?? [];
const refusal = (prediction: CriuPrediction) =>
  prediction.outcome === 'refuses' ? prediction : expect.unreachable(JSON.stringify(prediction));

describe('a refusal', () => {
  it('names the instructions behind it', () => {
    const { lacking } = refusal(predictCriu(host('haswell'), host('sandybridge'), 'none,ins'));
    expect(lacking).toEqual(expect.arrayContaining(['avx2', 'bmi1', 'bmi2', 'movbe', 'abm']));
    expect(lacking).not.toContain('fma');
    expect(lacking).not.toContain('avx');
  });

  it('names what is on one side only, for equality', () => {
    const { lacking, added } = refusal(
      predictCriu(host('haswell+pku'), host('haswell+mpx'), 'none,cpu'),
    );
    expect([lacking, added]).toEqual([['pku', 'ospke'], ['mpx']]);
  });

  it('names the state components', () => {
    const { lacking } = refusal(predictCriu(host('haswell+pku'), host('haswell'), 'none,fpu'));
    expect(lacking).toEqual(['pkru']);
  });

  it.each([
    [{ vendor: 'unknown' }, 'Unknown cpu vendor 0'],
    [{ capabilityVersion: 3 }, 'Image carries unknown capability version 3'],
    [{ words: [1, 2] }, 'Image carries 2 words while 19 expected'],
    [{ capabilityVersion: 1 }, 'Image carries 19 words while 12 expected'],
  ] as const)('of a record like %j', (change, reason) => {
    const image = withRecord('haswell', change);
    expect(refusal(predictCriu(image, host('haswell'), 'all')).reason).toBe(reason);
  });

  it('comes first from a host without FXSR', () => {
    const words = wordsOf('haswell').map((word, place) => (place === 0 ? word - 2 ** 24 : word));
    const target = withRecord('haswell', { words });
    expect(refusal(predictCriu(host('haswell'), target, 'all')).reason).toBe(
      'missing support fxsave/restore insns',
    );
  });
});

describe('an old image', () => {
  const old = (name: string) =>
    withRecord(name, {
      capabilityVersion: 1,
      words: wordsOf(name).slice(0, 12),
      xfeaturesMask: undefined,
      xsaveSize: undefined,
      xsaveSizeMax: undefined,
    });

  it('agrees in all that it does not hold', () => {
    expect(predictCriu(old('haswell'), host('haswell'), 'all').outcome).toBe('accepts');
    expect(predictCriu(old('haswell'), host('haswell+pku'), 'default').outcome).toBe('accepts');
  });

  it('still differs in what it holds', () => {
    expect(predictCriu(old('haswell'), host('sandybridge'), 'default').outcome).toBe('refuses');
  });

  it('tells too little of its host as a target', () => {
    const prediction = predictCriu(host('haswell'), old('haswell'), 'default');
    expect(prediction).toEqual({
      outcome: 'unknown',
      missing: [
        'the state components that CRIU finds',
        "the XSAVE area's size",
        "the XSAVE area's largest size",
      ],
    });
    expect(predictCriu(host('nehalem'), old('nehalem'), 'none,ins').outcome).toBe('accepts');
    const equal = predictCriu(host('haswell'), old('haswell'), 'none,cpu');
    expect(equal.outcome === 'unknown' && equal.missing).toContain('leaf 0x6.0 EAX');
  });
});

describe('what is not known', () => {
  const nobody: Host = {
    name: 'nobody',
    format: 'made by hand',
    kind: 'system',
    cpus: [{ logical: [0], leaves: leafTable([]) }],
    remarks: [],
  };

  it.each(['default', 'cpu', 'none,fpu', 'none,ins'])('is never a yes: %s', (cap) => {
    for (const [from, to] of [
      [nobody, host('haswell')],
      [host('haswell'), nobody],
      [nobody, nobody],
    ] as const)
      expect(predictCriu(from, to, cap)).toEqual({ outcome: 'unknown', missing: ['the vendor'] });
  });

  it('can be a no all the same, for a reason that another may forestall', () => {
    const leaves =
      host('sandybridge').cpus[0]?.leaves.rows.filter(({ leaf }) => leaf !== 0xd) ?? [];
    const target: Host = {
      ...bare(host('sandybridge')),
      cpus: [{ logical: [0], leaves: leafTable(leaves) }],
    };
    const prediction = refusal(predictCriu(host('haswell'), target, 'default'));
    expect(prediction.reason).toBe('CPU instruction capabilities do not match run time');
    expect(prediction.missing).toContain("the XSAVE area's size");
  });

  it('does not matter where CRIU does not look', () => {
    // One hint that only --cpu-cap=cpu compares: fma isn't among the instructions.
    const hidden = hideBits(host('haswell'), [{ leaf: 1, subleaf: 0, register: 'ecx', bit: 12 }]);
    expect(predictCriu(hidden, host('haswell'), 'none,ins').outcome).toBe('accepts');
    expect(predictCriu(hidden, host('haswell'), 'none,cpu')).toEqual({
      outcome: 'unknown',
      missing: expect.arrayContaining(['fma']),
    });
  });

  it.each(NAMES)('the record of %s hidden: the same answer or none', (name) => {
    for (const [from, to, cap, exit] of MEASURED.filter(([from, to]) =>
      [from, to].includes(name),
    )) {
      // A crash for want of a name, or an empty record, isn't in the leaves.
      if (exit === '139' || to.includes('centaur')) continue;
      for (const [image, target] of [
        [bare(host(from)), host(to)],
        [host(from), bare(host(to))],
        [bare(host(from)), bare(host(to))],
      ] as const) {
        const prediction = predictCriu(image, target, cap);
        if (prediction.outcome !== 'unknown')
          expect(`${prediction.exit}`, `${from} to ${to}, ${cap}`).toBe(exit);
      }
    }
  });

  interface BitPlace {
    readonly leaf: number;
    readonly subleaf: number;
    readonly register: 'eax' | 'ebx' | 'ecx' | 'edx';
    readonly bit: number;
  }

  /** A host of leaves of which some bits are not told. */
  function hideBits(of: Host, places: readonly BitPlace[]): Host {
    const rows = (of.cpus[0]?.leaves.rows ?? []).map((row): LeafRow => {
      const all = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
      const known = { ...(row.known ?? all) };
      for (const { leaf, subleaf, register, bit } of places)
        if (leaf === row.leaf && subleaf === row.subleaf)
          known[register] = (known[register] & ~(1 << bit)) >>> 0;
      return { ...row, known };
    });
    return { ...bare(of), cpus: [{ ...(of.cpus[0] as Host['cpus'][0]), leaves: leafTable(rows) }] };
  }

  it('hidden bit by bit never turns an answer round', () => {
    const sources = CRIU_WORDS.filter((source) => source !== undefined);
    const place = fc
      .tuple(fc.constantFrom(...sources), fc.nat(31))
      .map(([{ leaf, subleaf, reg }, bit]) => ({ leaf, subleaf, register: reg, bit }));
    const leafy = NAMES.filter((name) => !/centaur|model-id/.test(name));
    fc.assert(
      fc.property(
        fc.constantFrom(...leafy),
        fc.constantFrom(...leafy),
        fc.constantFrom('default', 'all', 'none,fpu', 'none,ins', 'none,cpu'),
        fc.array(place, { maxLength: 40 }),
        fc.array(place, { maxLength: 40 }),
        (from, to, cap, fromHidden, toHidden) => {
          const known = predictCriu(host(from), host(to), cap);
          const hidden = predictCriu(
            hideBits(host(from), fromHidden),
            hideBits(host(to), toHidden),
            cap,
          );
          if (hidden.outcome !== 'unknown') expect(hidden.outcome).toBe(known.outcome);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('laws', () => {
  const criu = fc.record({
    words: fc.array(fc.nat(0xffffffff), { minLength: 19, maxLength: 19 }),
    xfeaturesMask: fc.bigInt(0n, 0x3ffn),
    xsaveSize: fc.constantFrom(576, 832, 2696),
    xsaveSizeMax: fc.constantFrom(832, 2696),
  });
  const usable = (change: Partial<CriuCpuinfo>) => {
    const words = (change.words ?? []).map(
      (word, place) => (place === 0 ? word | (2 ** 24) : word) >>> 0,
    );
    return withRecord('haswell', { ...change, words });
  };

  it('an image passes on its own host', () => {
    for (const name of NAMES.filter((name) => !/centaur|model-id/.test(name)))
      for (const cap of ['default', 'all', 'none', 'none,fpu'])
        expect(predictCriu(host(name), host(name), cap).outcome, `${name} ${cap}`).toBe('accepts');
  });

  it('what all accept, each accepts; what each accept, all accept', () => {
    fc.assert(
      fc.property(criu, criu, (from, to) => {
        const [image, target] = [usable(from), usable({ ...to, words: from.words })];
        const accepts = (cap: string) => predictCriu(image, target, cap).outcome === 'accepts';
        const each = ['none,fpu', 'none,ins', 'none,cpu'].map(accepts);
        expect(accepts('all')).toBe(each.every(Boolean));
        expect(accepts('default')).toBe(each[0] && each[1]);
        // Equal words pass instructions and equality.
        expect(each.slice(1)).toEqual([true, true]);
      }),
    );
  });

  it('a host with more bits takes what a host with fewer takes, but for equality', () => {
    fc.assert(
      fc.property(criu, criu, criu, (from, to, extra) => {
        const more = to.words.map((word, place) => (word | (extra.words[place] ?? 0)) >>> 0);
        const [image, target, richer] = [usable(from), usable(to), usable({ ...to, words: more })];
        if (predictCriu(image, target, 'default').outcome === 'accepts')
          expect(predictCriu(image, richer, 'default').outcome).toBe('accepts');
      }),
    );
  });
});

describe('a vendor that CRIU does not know', () => {
  const rows: LeafRow[] = [vendorRow('  Shanghai  ', 0)];
  const zhaoxin: Host = {
    name: 'zhaoxin',
    format: 'made by hand',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows) }],
    remarks: [],
  };

  it('has every check of its images crash', () => {
    const prediction = refusal(predictCriu(zhaoxin, host('haswell'), 'none,ins'));
    expect([prediction.exit, prediction.reason]).toEqual([139, 'Segmentation fault']);
  });

  it('takes no image of another', () => {
    for (const cap of ['none,fpu', 'none,ins', 'none,cpu'])
      expect(refusal(predictCriu(host('haswell'), zhaoxin, cap)).exit).toBe(1);
  });
});
