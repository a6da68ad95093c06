import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../../src/model/xsave.js';
import { failureOf, fixtureText, readText } from './fixture.js';

const seen = async (text: string) => describeHost(await readText(text));

async function presences(text: string, names: readonly FeatureName[]) {
  const host = await seen(text);
  return Object.fromEntries(names.map((name) => [name, host.effective(name)]));
}

const all = (presence: Presence, names: readonly FeatureName[]) =>
  Object.fromEntries(names.map((name) => [name, presence]));

const host = (model: string, features: readonly string[] = []) => `<cpu>
  <arch>x86_64</arch><model>${model}</model><vendor>Intel</vendor>
  ${features.map((name) => `<feature name='${name}'/>`).join('\n  ')}
</cpu>`;

const guest = (model: string, about = '', features: readonly (readonly [string, string])[] = []) =>
  `<cpu mode='custom' match='exact' ${about}>
  <model fallback='forbid'>${model}</model>
  ${features.map(([policy, name]) => `<feature policy='${policy}' name='${name}'/>`).join('\n  ')}
</cpu>`;

describe('virsh capabilities', () => {
  const text = fixtureText('capabilities');

  it('gives who the host is', async () => {
    const { vendor, signature, physicalAddressBits, system, kind } = await seen(text);
    expect({ vendor, signature, physicalAddressBits, kind }).toEqual({
      vendor: 'AuthenticAMD',
      signature: { family: 23, model: 49, stepping: 0 },
      physicalAddressBits: 48,
      kind: 'cpu',
    });
    // 137367679 in hexadecimal.
    expect(system.microcode).toBe('0x830107f');
  });

  it('has what the model has and what is listed beside it', async () => {
    const names: FeatureName[] = [
      'avx2',
      'clwb',
      'sse4a',
      'umip',
      'rdpid',
      'nonstop_tsc',
      'osxsave',
    ];
    expect(await presences(text, names)).toEqual(all(PRESENT, names));
  });

  it('lacks what neither has, as far as libvirt had a name for it', async () => {
    const names: FeatureName[] = ['xsaves', 'vaes', 'pku', 'avx512f', 'rtm', 'erms', 'avx512_bf16'];
    expect(await presences(text, names)).toEqual(all(ABSENT, names));
  });

  // A known design settles more than libvirt tells.
  const nameless = text.replace(/<signature[^>]*>/, '');

  it('leaves open what libvirt has no name for, or had none in every release', async () => {
    const names: FeatureName[] = [
      'rdpru',
      'mwaitx',
      'ptwrite',
      'fsrm',
      'serialize',
      'lam',
      'sha512',
    ];
    expect(await presences(nameless, names)).toEqual(all(UNKNOWN, names));
  });

  it('tells no size', async () => {
    const { xsave } = await seen(nameless);
    expect(xsave.areaBytes).toBeUndefined();
    expect(xsave.enabled.value).toBe(0x7n);
  });

  it('is a machine of its own where libvirt lists no hypervisor', async () => {
    expect((await seen(text)).isBareMetal).toBe(true);
    const guest = text.replace("<feature name='ht'/>", "<feature name='hypervisor'/>");
    expect((await seen(guest)).isBareMetal).toBe(false);
  });

  it('passes over what is no bit of CPUID, and says so', async () => {
    expect((await readText(text)).remarks.join('\n')).toContain('rdctl-no');
  });

  it('does not take a CPU of the topology for the host', async () => {
    const { message } = await failureOf(text.replace(/<cpu>\s+<arch>[\s\S]*?<\/cpu>/, ''));
    expect(message).toBe('names no CPU model');
  });
});

describe('which names libvirt had', () => {
  const later: FeatureName[] = ['avx512_vp2intersect', 'avx_vnni', 'serialize'];
  it.each<[string, string, Presence]>([
    ['is not known of a model of all releases', host('Icelake-Server'), UNKNOWN],
    ['is not shown by a name of the same map', host('Icelake-Server', ['fsrm']), UNKNOWN],
    ['is shown by a later name', host('Icelake-Server', ['cmpccxadd']), ABSENT],
    ['is shown by a model that came later', host('EPYC-Genoa'), ABSENT],
    ['is shown by a model with a version', host('Icelake-Server-v4'), ABSENT],
  ])('%s', async (_, text, presence) =>
    expect(await presences(text, later)).toEqual(all(presence, later)),
  );

  it('of the names that came with versions nothing is shown by those', async () =>
    expect((await seen(host('Icelake-Server-v4'))).effective('lam')).toBe(UNKNOWN));
});

describe('virsh domcapabilities', () => {
  const text = fixtureText('domcapabilities');

  it('gives the host-model: the named model with what is required', async () => {
    const names: FeatureName[] = ['avx512_fp16', 'avx_vnni', 'fzrm', 'movdiri', 'movdir64b', 'pku'];
    expect(await presences(text, names)).toEqual(all(PRESENT, names));
  });

  it('without what is disabled, and of no usable model', async () => {
    const names: FeatureName[] = [
      'hle',
      'rtm',
      'tsxldtrk',
      'amx_tile',
      'amx_bf16',
      'xfd',
      'clzero',
      'sse4a',
      'cldemote',
    ];
    expect(await presences(text, names)).toEqual(all(ABSENT, names));
  });

  it('knows that AMX has no state there', async () => {
    const { value, known } = (await seen(text)).xsave.enabled;
    expect([value & 0x60000n, known & 0x60000n]).toEqual([0n, 0x60000n]);
  });

  it('says that it is a guest, and whether QEMU emulates it', async () => {
    expect((await readText(text)).remarks[0]).toMatch(
      /guest with host-model gets, not the machine/,
    );
    const emulated = text.replace('<domain>kvm<', '<domain>qemu<');
    expect((await readText(emulated)).remarks[0]).toMatch(/QEMU emulates/);
  });

  it.each([
    ['no host-model', text.replace(/<mode name='host-model'[\s\S]*?<\/mode>/, '')],
    [
      'a host-model that is not offered',
      text.replace("'host-model' supported='yes'", "'host-model' supported='no'"),
    ],
    [
      'a host-model without its CPU',
      text.replace(/(<mode name='host-model'[^>]*)>[\s\S]*?<\/mode>/, '$1/>'),
    ],
  ])('refuses %s', async (_, changed) =>
    expect((await failureOf(changed)).message).toBe('offers no host-model with a named CPU'),
  );
});

describe("a domain's CPU", () => {
  const text = fixtureText('domain');

  it('has what its policies say', async () => {
    expect(
      await presences(text, [
        'clflushopt',
        'gfni',
        'avx512f',
        'avx512dq',
        'adx',
        'avx512vbmi',
        'rtm',
      ]),
    ).toEqual({
      clflushopt: PRESENT,
      gfni: PRESENT,
      avx512f: PRESENT,
      avx512dq: ABSENT,
      adx: ABSENT,
      avx512vbmi: UNKNOWN,
      rtm: ABSENT,
    });
  });

  it('leaves open what libvirt and QEMU count otherwise to the model', async () => {
    expect(await presences(text, ['mpx', 'pku'])).toEqual(all(UNKNOWN, ['mpx', 'pku']));
    expect((await readText(text)).remarks.join('\n')).toContain('mpx pku');
  });

  it('is exact where libvirt had it from the running guest', async () => {
    const running = text.replace("check='partial'", "check='full'");
    expect(await presences(running, ['mpx', 'pku'])).toEqual({ mpx: PRESENT, pku: ABSENT });
  });

  it.each(['host-passthrough', 'host-model', 'maximum'])('with %s alone is none', async (mode) => {
    const { message } = await failureOf(`<domain><cpu mode='${mode}'/></domain>`);
    expect(message).toBe(`names no CPU model: with "${mode}" a guest has what its host has`);
  });
});

describe('a <cpu> by itself', () => {
  it('is a guest where it has a mode or a match, else a host', async () => {
    expect((await readText(guest('Haswell'))).remarks[0]).toMatch(/virtual machine/);
    expect((await readText(host('Haswell'))).remarks[0]).toMatch(/host's CPUID/);
    // libvirt's Haswell lacks F16C, QEMU's has it.
    expect((await seen(guest('Haswell'))).effective('f16c')).toBe(UNKNOWN);
    expect((await seen(host('Haswell'))).effective('f16c')).toBe(ABSENT);
    expect((await seen(guest('Haswell', "check='full'"))).effective('f16c')).toBe(ABSENT);
  });

  it.each([
    ['behind a declaration', `<?xml version='1.0'?>\n${guest('Haswell')}`],
    ['behind long comments', `<!-- ${'x'.repeat(9000)} -->\n<!-- y -->${guest('Haswell')}`],
    ['with a byte order mark', `\ufeff${guest('Haswell')}`],
    ['with double quotes', guest('Haswell').replaceAll("'", '"')],
    ['with blanks about the name', guest('\n    Haswell\n  ')],
  ])('is found %s', async (_, text) => expect((await seen(text)).effective('avx2')).toBe(PRESENT));

  it('without a vendor has none', async () =>
    expect((await seen(guest('Haswell'))).vendor).toBeUndefined());
});

describe('refused is', () => {
  it.each<[string, string, RegExp]>([
    ['a model that is not known', host('Frobnicator-v9'), /^names the CPU model "Frobnicator-v9"/],
    ['a model without a name', host(''), /^names no CPU model$/],
    [
      'another architecture',
      host('cortex-a57').replace('x86_64', 'aarch64'),
      /architecture: "aarch64"/,
    ],
    ['a policy that is none', guest('Haswell', '', [['maybe', 'avx2']]), /has the policy "maybe"/],
    [
      'a policy of a host',
      host('Haswell').replace('</cpu>', "<feature policy='disable' name='rtm'/></cpu>"),
      /policy for rtm/,
    ],
    ['a feature twice', host('Haswell', ['f16c', 'f16c']), /names the feature "f16c" twice/],
    [
      'a feature without a name',
      host('Haswell').replace('</cpu>', '<feature/></cpu>'),
      /has no name/,
    ],
    [
      'a second model',
      host('Haswell').replace('</cpu>', '<model>Nehalem</model></cpu>'),
      /has <model> twice/,
    ],
    [
      'a family that is no number',
      host('Haswell').replace('</cpu>', "<signature family='x' model='1' stepping='1'/></cpu>"),
      /is not a number up to 270/,
    ],
    ['a document of its own', `<!DOCTYPE cpu [<!ENTITY m 'Haswell'>]>${host('&m;')}`, /DOCTYPE/],
    ['what is cut', host('Haswell').slice(0, -4), /well-formed|ends before/],
    ['what is nested without end', `<domain>${'<a>'.repeat(100_000)}`, /nested more than 50 deep/],
    [
      'more features than there are',
      host(
        'Haswell',
        Array.from({ length: 2001 }, (_, n) => `f${n}`),
      ),
      /more than 2000/,
    ],
  ])('%s', async (_, text, message) => {
    const error = await failureOf(text);
    expect(error.message).toMatch(message);
    expect(error.place.file).toBe('input');
  });

  it('an unknown model with its line and the nearest names', async () => {
    const error = await failureOf(host('Skylake-Server-v9'));
    expect(error.code).toBe('unknown-model');
    expect(error.place.line).toBe(2);
    expect(error.remedy).toMatch(/^Did you mean .*Skylake-Server-v5\?$/);
  });

  it.each(['__proto__', 'constructor', 'toString'])('a model called %s', async (name) =>
    expect((await failureOf(host(name))).code).toBe('unknown-model'),
  );
  it('and a feature called __proto__ is passed over', async () =>
    expect((await readText(host('Haswell', ['__proto__']))).remarks.at(-1)).toContain('__proto__'));
});
