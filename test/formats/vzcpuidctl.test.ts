import { describe, expect, it } from 'vitest';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { findLeaf, type LeafTable, leafTable, readRegister } from '../../src/model/leaves.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { changed, failureOf, fixtureJson, fixtureText, inputOf, readText } from './fixture.js';

const RECORD = fixtureJson('vzcpuidctl');
const NONE = leafTable([]);

// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
type Damage = (cpu: any, whole: any) => void;

function damaged(damage: Damage): unknown {
  return changed(RECORD, (copy) => damage(copy.cpu, copy));
}

/** The record of a host whose calls weren't noted. */
function wordsOnly(damage: Damage = () => undefined): unknown {
  return damaged((cpu, whole) => {
    delete cpu.cpuid_call_trace;
    damage(cpu, whole);
  });
}

async function leavesOf(value: unknown): Promise<LeafTable> {
  return (await readText(value)).cpus[0]?.leaves ?? NONE;
}

const probed = profile.read(inputOf(fixtureText('profile')));
const guest = probed.cpus[0]?.leaves ?? NONE;

describe('a record', () => {
  it('gives the calls as the CPU answered them', async () => {
    const leaves = await leavesOf(RECORD);
    for (const [leaf, , subleaf] of RECORD.cpu.cpuid_call_trace.in)
      expect(findLeaf(leaves, leaf, subleaf)).toMatchObject(findLeaf(guest, leaf, subleaf) ?? {});
    expect(leaves.rows.length).toBeGreaterThan(12);
  });

  it('is the same CPU to tasks', async () => {
    const host = await readText(RECORD);
    const [seen, real] = [describeHost(host), describeHost(probed)];
    expect(host.kind).toBe('cpu');
    expect([seen.vendor, seen.signature, seen.brand]).toEqual([
      real.vendor,
      real.signature,
      real.brand,
    ]);
    for (const feature of ['avx2', 'bmi2', 'pku', 'xgetbv1', 'clwb', 'lahf_lm'] as const)
      expect([feature, seen.hardware(feature)]).toEqual([feature, real.hardware(feature)]);
    expect(
      seen.xsave.components.map(({ bit, size, offset }) => [bit, size, offset]),
    ).toContainEqual([9, 8, 2688]);
  });
});

describe('without the calls', () => {
  it('words are the registers that they hold', async () => {
    const leaves = await leavesOf(wordsOnly());
    for (const [leaf, register] of [
      [1, 'edx'],
      [1, 'ecx'],
      [7, 'ebx'],
      [7, 'ecx'],
      [7, 'edx'],
      [0x80000001, 'ecx'],
      [0x80000001, 'edx'],
      [1, 'eax'],
    ] as const) {
      const value = findLeaf(guest, leaf, 0)?.[register];
      expect([leaf, register, readRegister(leaves, leaf, 0, register)]).toEqual([
        leaf,
        register,
        { value, known: ALL_KNOWN },
      ]);
    }
    expect(readRegister(leaves, 7, 0, 'eax').known).toBe(0);
  });

  it('sizes and places are those of leaf 0xD', async () => {
    const leaves = await leavesOf(wordsOnly());
    const told = (subleaf: number, register: 'eax' | 'ebx' | 'ecx') =>
      readRegister(leaves, 0xd, subleaf, register);
    expect(told(0, 'ebx')).toEqual({ value: 2696, known: ALL_KNOWN });
    expect(told(0, 'ecx')).toEqual({ value: 2696, known: ALL_KNOWN });
    expect(told(1, 'ebx')).toEqual({ value: 0x988, known: ALL_KNOWN });
    expect([told(2, 'eax').value, told(2, 'ebx').value]).toEqual([256, 576]);
    expect([told(9, 'eax').value, told(9, 'ebx').value]).toEqual([8, 2688]);
    expect(told(2, 'ecx').known).toBe(0);
  });

  // The tool clears what CPUID doesn't show (AVX-512 in this guest) and knows no component above 9.
  it('its mask tells of a component only where the feature is there', async () => {
    const { value, known } = readRegister(await leavesOf(wordsOnly()), 0xd, 0, 'eax');
    expect(value).toBe(0x207);
    expect(known).toBe(0x207);
    expect((await readText(wordsOnly())).cpus[0]).not.toHaveProperty('xcr0');
  });

  it('a component that the mask lacks though its feature is there is absent', async () => {
    const value = wordsOnly((cpu) => {
      cpu.xfeatures_mask = 0x7;
    });
    expect(readRegister(await leavesOf(value), 0xd, 0, 'eax')).toEqual({ value: 7, known: 0x207 });
  });

  // XFEATURE_HDC for XFEATURE_MASK_HDC clears bits 1 and 3 of the mask.
  it("a mask with CRIU's fault in it still has SSE, and MPX state is open", async () => {
    const value = wordsOnly((cpu) => {
      cpu.xfeatures_mask = 0x215;
      cpu.x86_capability[9] += 1 << 14;
    });
    expect(readRegister(await leavesOf(value), 0xd, 0, 'eax')).toEqual({
      value: 0x217,
      known: 0x217,
    });
  });

  it.each([[0xffffffff], [0xff], [0]])('offset %i is none', async (offset) => {
    const value = wordsOnly((cpu) => {
      cpu.xstate_offsets.at(-1)[1] = offset;
    });
    const leaves = await leavesOf(value);
    expect(readRegister(leaves, 0xd, 9, 'ebx')).toEqual({ value: 0, known: 0 });
    expect(readRegister(leaves, 0xd, 9, 'eax')).toEqual({ value: 8, known: ALL_KNOWN });
  });

  it.each([[0xffffffff], [0]])('size %i is none', async (size) => {
    const value = wordsOnly((cpu) => {
      cpu.xstate_sizes.at(-1)[1] = size;
    });
    expect(readRegister(await leavesOf(value), 0xd, 9, 'eax')).toEqual({ value: 0, known: 0 });
  });

  // Where "read an EAX" gives EBX, the maximum of the extended leaves is that of another register,
  // and the tool asks for none of them.
  it('extended leaves that the tool missed are not known to be missing', async () => {
    const missed = (level: number) =>
      wordsOnly((cpu) => {
        cpu.extended_cpuid_level = level;
        cpu.x86_capability[1] = 0;
        cpu.x86_capability[6] = 0;
      });
    for (const level of [0, 0x68747541])
      expect(describeHost(await readText(missed(level))).hardware('lm')).toBe(UNKNOWN);
    expect(describeHost(await readText(wordsOnly())).hardware('lm')).toBe(PRESENT);
  });

  it('leaf 6, whose word may be EBX, is not believed', async () => {
    expect(readRegister(await leavesOf(wordsOnly()), 6, 0, 'eax').known).toBe(0);
  });

  // The tool asks for leaf 0xF.1 only where 0xF.0 EDX bit 1 (cqm_llc) is set.
  it.each([
    [0, 0],
    [1 << 1, ALL_KNOWN],
  ])('leaf 0xF.1 after 0xF.0 EDX %i', async (edx, known) => {
    const value = wordsOnly((cpu) => {
      cpu.cpuid_level = 0xf;
      cpu.x86_capability[16] = edx;
      cpu.x86_capability[12] = 7;
    });
    expect(readRegister(await leavesOf(value), 0xf, 1, 'edx').known).toBe(known);
  });

  it('the bit that the tool clears on Pentium 4 is not known', async () => {
    const value = wordsOnly((cpu) => {
      cpu.x86_family = 15;
    });
    expect(readRegister(await leavesOf(value), 7, 0, 'ebx').known).toBe(ALL_KNOWN - (1 << 9));
  });

  it('the bit that the tool clears on AMD is not known', async () => {
    const value = wordsOnly((cpu) => {
      cpu.x86_vendor_id = 'AuthenticAMD';
    });
    expect(readRegister(await leavesOf(value), 1, 0, 'edx').known).toBe(0x7fffffff);
  });
});

describe('calls that contradict each other', () => {
  it('leave the words to speak, and are named', async () => {
    const value = damaged((cpu) => {
      cpu.cpuid_call_trace.in.push([0, 0, 0, 0]);
      cpu.cpuid_call_trace.out.push([1, 2, 3, 4]);
    });
    const host = await readText(value);
    expect(describeHost(host).vendor).toBe('GenuineIntel');
    expect(readRegister(host.cpus[0]?.leaves ?? NONE, 0, 0, 'eax').value).toBe(
      RECORD.cpu.cpuid_level,
    );
    expect(host.remarks).toEqual([
      'Answers that contradict each other are ignored (was a mask set?): leaf 0x0.0.',
    ]);
  });

  it('are none where they are about two subleaves', async () => {
    const value = damaged((cpu) => {
      cpu.cpuid_call_trace.in.push([0x18, 0, 0, 0], [0x18, 0, 1, 0]);
      cpu.cpuid_call_trace.out.push([1, 2, 3, 4], [5, 6, 7, 8]);
    });
    expect((await readText(value)).remarks).toEqual([]);
    expect(findLeaf(await leavesOf(value), 0x18, 1)?.eax).toBe(5);
  });

  it('are none where a leaf was asked twice and answered alike', async () => {
    const { in: asked } = RECORD.cpu.cpuid_call_trace;
    expect(
      asked.filter(([leaf, , subleaf]: number[]) => leaf === 0xd && subleaf === 0),
    ).toHaveLength(2);
    expect((await readText(RECORD)).remarks).toEqual([]);
  });
});

describe('refuses', () => {
  it.each<[string, unknown, RegExp]>([
    [
      '18 words',
      damaged((cpu) => {
        cpu.x86_capability.pop();
      }),
      /fewer than 19 items/,
    ],
    [
      '20 words',
      damaged((cpu) => {
        cpu.x86_capability.push(0);
      }),
      /more than 19 items/,
    ],
    [
      'a negative word',
      damaged((cpu) => {
        cpu.x86_capability[3] = -1;
      }),
      />= 0/,
    ],
    [
      'a word of 33 bits',
      damaged((cpu) => {
        cpu.x86_capability[3] = 2 ** 32;
      }),
      /<= 4294967295/,
    ],
    [
      'a word as a text',
      damaged((cpu) => {
        cpu.x86_capability[3] = '0x1';
      }),
      /must be integer/,
    ],
    [
      'no vendor',
      damaged((cpu) => {
        delete cpu.x86_vendor_id;
      }),
      /lacks "x86_vendor_id"/,
    ],
    [
      'a vendor of one letter',
      damaged((cpu) => {
        cpu.x86_vendor_id = 'G';
      }),
      /pattern/,
    ],
    [
      'a family that CPUID has no room for',
      damaged((cpu) => {
        cpu.x86_family = 256;
      }),
      /has family 256/,
    ],
    [
      'calls without answers',
      damaged((cpu) => {
        cpu.cpuid_call_trace.out.pop();
      }),
      /does not have as many answers as calls/,
    ],
    [
      'answers of three registers',
      damaged((cpu) => {
        cpu.cpuid_call_trace.out[0].pop();
      }),
      /fewer than 4 items/,
    ],
    [
      'a subleaf that no CPU has',
      damaged((cpu) => {
        cpu.cpuid_call_trace.in[4][2] = 65_536;
      }),
      /is not a subleaf/,
    ],
    [
      'two sizes of a component',
      damaged((cpu) => {
        cpu.xstate_sizes.push([9, 16]);
      }),
      /gives component 9 twice/,
    ],
    [
      'offsets that are no pairs',
      damaged((cpu) => {
        cpu.xstate_offsets = [0, 160, 576];
      }),
      /must be array/,
    ],
    [
      'another version',
      damaged((_, whole) => {
        whole.fmt_version = 2;
      }),
      /format version 2; only 1 is understood/,
    ],
    [
      'no CPU',
      { type: 1, fmt_version: 1, x: '"x86_capability"', x86_capability: [] },
      /lacks "cpu"/,
    ],
  ])('%s', async (_, value, message) => {
    const error = await failureOf(value);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('malformed');
  });
});
