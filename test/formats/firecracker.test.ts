import { describe, expect, it } from 'vitest';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { describeInputError } from '../../src/model/errors.js';
import { findLeaf, type LeafTable, leafTable, readRegister } from '../../src/model/leaves.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { changed, failureOf, fixtureJson, fixtureText, inputOf, readText } from './fixture.js';

const FINGERPRINT = fixtureJson('firecracker');
const NONE = leafTable([]);

// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
type Damage = (modifiers: any[], whole: any) => void;

function damaged(damage: Damage): unknown {
  return changed(FINGERPRINT, (copy) => damage(copy.guest_cpu_config.cpuid_modifiers, copy));
}

async function leavesOf(value: unknown): Promise<LeafTable> {
  return (await readText(value)).cpus[0]?.leaves ?? NONE;
}

/** One leaf 7 with this EBX. */
async function ebxOf(bitmap: string) {
  const modifiers = [{ register: 'ebx', bitmap }];
  const leaf = { leaf: '0x7', subleaf: '0x0', flags: 1, modifiers };
  return readRegister(
    await leavesOf({ guest_cpu_config: { cpuid_modifiers: [leaf] } }),
    7,
    0,
    'ebx',
  );
}

describe('a fingerprint', () => {
  it('gives the leaves of the guest, but for the sizes that follow XCR0', async () => {
    const leaves = await leavesOf(fixtureText('firecracker'));
    const probed = profile.read(inputOf(fixtureText('profile'))).cpus[0]?.leaves ?? NONE;
    expect(leaves.rows.length).toBeGreaterThan(30);
    for (const row of leaves.rows) {
      const whole = findLeaf(probed, row.leaf, row.subleaf);
      if (row.leaf !== 0xd || row.subleaf > 1) expect(row).toEqual(whole);
      else
        expect(row).toEqual({
          ...whole,
          ebx: 0,
          known: { eax: ALL_KNOWN, ebx: 0, ecx: ALL_KNOWN, edx: ALL_KNOWN },
        });
    }
  });

  it('tells what the host runs and that it is a guest', async () => {
    const host = await readText(FINGERPRINT);
    expect(host.kind).toBe('cpu');
    expect(host.system).toEqual({ kernel: '6.1.0-56-amd64', microcode: '0x1' });
    expect(host.remarks).toEqual([
      'This is what a guest of Firecracker 1.10.1 sees on the host, not the host itself.',
      'Firmware of the host: 1.0, revision 0.0.',
    ]);
  });

  it('has the XSAVE sizes of what the CPU offers, and none for what the guest had not enabled', async () => {
    const { xsave } = describeHost(await readText(FINGERPRINT));
    expect(xsave.offeredBytes).toBe(2696);
    expect(xsave.compactedBytes).toBeUndefined();
    expect(xsave.components.map(({ name }) => name)).toContain('pkru');
  });

  // The forms that Firecracker's own reader takes.
  it.each([
    ['0b00000000000000000000000000100001', 0x21, ALL_KNOWN],
    ['0bx000000000000000000000000010000x', 0x20, 0x7ffffffe],
    [`0b${'x'.repeat(32)}`, 0, 0],
    ['0b1_0000_0001', 0x101, 0x1ff],
    ['1x', 2, 2],
    ['0b11111111111111111111111111111111', ALL_KNOWN, ALL_KNOWN],
  ])('reads the bits %s', async (bitmap, value, known) => {
    expect(await ebxOf(bitmap)).toEqual({ value, known });
  });

  it('knows nothing of a register that it leaves out', async () => {
    const leaves = await leavesOf(
      damaged((modifiers) => {
        modifiers[1].modifiers = modifiers[1].modifiers.slice(0, 2);
      }),
    );
    expect(readRegister(leaves, 1, 0, 'ecx')).toEqual({ value: 0, known: 0 });
    expect(readRegister(leaves, 1, 0, 'ebx').known).toBe(ALL_KNOWN);
  });

  it('has numbers with 0b too', async () => {
    const binary = damaged(([first]) => {
      first.leaf = '0b0';
    });
    expect(await leavesOf(binary)).toEqual(await leavesOf(FINGERPRINT));
  });
});

describe('refuses', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'a template',
      { cpuid_modifiers: FINGERPRINT.guest_cpu_config.cpuid_modifiers },
      /is a Firecracker CPU template, not a host/,
    ],
    [
      'an empty template',
      { cpuid_modifiers: [], msr_modifiers: [] },
      /is a Firecracker CPU template, not a host/,
    ],
    [
      'no leaf',
      damaged((modifiers) => {
        modifiers.length = 0;
      }),
      /fewer than 1 item/,
    ],
    [
      'leaves that are no list',
      damaged((_, whole) => {
        whole.guest_cpu_config.cpuid_modifiers = { length: 3 };
      }),
      /must be array/,
    ],
    [
      'a leaf twice',
      damaged((modifiers) => {
        modifiers.push(modifiers[0]);
      }),
      /leaf 0x0\.0 is there twice/,
    ],
    [
      'a register twice',
      damaged(([first]) => {
        first.modifiers[1].register = 'eax';
      }),
      /has eax twice/,
    ],
    [
      'a fifth register',
      damaged(([first]) => {
        first.modifiers.push(first.modifiers[0]);
      }),
      /more than 4 items/,
    ],
    [
      'a register of another kind',
      damaged(([first]) => {
        first.modifiers[0].register = 'x0';
      }),
      /"eax", "ebx", "ecx", "edx"/,
    ],
    [
      'a bit of 2',
      damaged(([first]) => {
        first.modifiers[0].bitmap = '0b2';
      }),
      /pattern/,
    ],
    [
      '33 bits',
      damaged(([first]) => {
        first.modifiers[0].bitmap = `0b${'0'.repeat(33)}`;
      }),
      /does not have 1 to 32 bits/,
    ],
    [
      'no bits',
      damaged(([first]) => {
        first.modifiers[0].bitmap = '0b___';
      }),
      /does not have 1 to 32 bits/,
    ],
    [
      'a leaf without a prefix',
      damaged(([first]) => {
        first.leaf = '7';
      }),
      /pattern/,
    ],
    [
      'a leaf of 33 bits',
      damaged(([first]) => {
        first.leaf = '0x100000000';
      }),
      /pattern/,
    ],
    [
      'a leaf as a number',
      damaged(([first]) => {
        first.leaf = 7;
      }),
      /must be string/,
    ],
    [
      'a subleaf that no CPU has',
      damaged(([first]) => {
        first.subleaf = '0x10000';
        first.flags = 1;
      }),
      /is not a subleaf/,
    ],
    [
      'a subleaf of a leaf without any',
      damaged(([first]) => {
        first.subleaf = '0x1';
      }),
      /names subleaf 1, and its flags say/,
    ],
    [
      'a kernel that is no text',
      damaged((_, whole) => {
        whole.kernel_version = ['6.1'];
      }),
      /must be string/,
    ],
    [
      'no leaves at all',
      damaged((_, whole) => {
        whole.guest_cpu_config = {};
      }),
      /lacks "cpuid_modifiers"/,
    ],
  ])('%s', async (_, value, message) => {
    const error = await failureOf(value);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('malformed');
  });

  it('an ARM host, as such', async () => {
    const arm = {
      kernel_version: '6.1',
      guest_cpu_config: { reg_modifiers: [], vcpu_features: [] },
    };
    expect(describeInputError(await failureOf(arm))).toBe(
      'input: is from an ARM machine\n  Only x86 CPUs are compared.',
    );
  });

  it('with the place', async () => {
    const value = damaged((modifiers) => {
      modifiers[3].modifiers[2].bitmap = '0b_';
    });
    expect((await failureOf(value)).place.at).toBe(
      '/guest_cpu_config/cpuid_modifiers/3/modifiers/2/bitmap',
    );
  });
});
