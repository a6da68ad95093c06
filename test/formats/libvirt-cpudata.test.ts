import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { libvirtCpudata } from '../../src/formats/libvirt-cpudata.js';
import { profile } from '../../src/formats/profile.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { InputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { findLeaf, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import { HASWELL, hostOf } from '../hosts.js';
import { failureOf, fixtureText, inputOf, readText } from './fixture.js';

const VENDOR =
  "<cpuid eax_in='0x00000000' ecx_in='0x00' eax='0x0000000d' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>";
const LEAF1 =
  "<cpuid eax_in='0x00000001' ecx_in='0x00' eax='0x00050654' ebx='0x00020800' ecx='0xfed83203' edx='0x178bfbfd'/>";
const cpudata = (...elements: string[]) =>
  `<cpudata arch='x86'>\n${elements.join('\n')}\n</cpudata>\n`;

function written(host: Host): { content: string; lost: readonly string[] } {
  const result = libvirtCpudata.write?.(host);
  return { content: result?.content as string, lost: result?.lost ?? [] };
}

function writeError(host: Host): InputError {
  try {
    written(host);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('was written');
}

describe('reading', () => {
  it('gives what the same guest showed to the probe', async () => {
    const host = await readText(fixtureText('cpudata'));
    const probed = profile.read(inputOf(fixtureText('profile')));
    expect(host.kind).toBe('cpu');
    for (const row of host.cpus[0]?.leaves.rows ?? [])
      expect(row).toEqual(findLeaf(probed.cpus[0]?.leaves ?? leafTable([]), row.leaf, row.subleaf));
    expect(host.cpus[0]?.leaves.rows.length).toBeGreaterThan(30);
    // PKRU ends where it does with AVX or without, and this guest has no compacted size.
    expect(host.remarks).toEqual([
      expect.stringContaining('0x207) is assumed'),
      'MSRs are ignored (1).',
    ]);
  });

  it('tells nothing of XCR0', async () => {
    expect((await readText(cpudata(VENDOR))).cpus[0]).not.toHaveProperty('xcr0');
  });

  it.each([
    ['without a declaration or comment', cpudata(VENDOR, LEAF1)],
    ['with a declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${cpudata(VENDOR, LEAF1)}`],
    [
      'behind comments longer than what is looked at first',
      `<!-- ${'x'.repeat(5000)} -->\n${cpudata(VENDOR, LEAF1)}`,
    ],
    ['with bytes of another encoding in a comment', `<!-- \u00e9 -->${cpudata(VENDOR, LEAF1)}`],
    ['with double quotes', cpudata(VENDOR, LEAF1).replaceAll("'", '"')],
    ['with a byte order mark', `\ufeff${cpudata(VENDOR, LEAF1)}`],
    ['with decimal numbers', cpudata(VENDOR.replace("'0x0000000d'", "'13'"), LEAF1)],
    [
      'with capital digits',
      cpudata(
        VENDOR.toUpperCase()
          .replace('<CPUID', '<cpuid')
          .replaceAll('0X', '0x')
          .replace(/(E[A-D]X(?:_IN)?|ECX_IN)=/g, (name) => name.toLowerCase()),
        LEAF1,
      ),
    ],
    ['with a leaf twice alike', cpudata(VENDOR, LEAF1, VENDOR)],
    ['without ecx_in', cpudata(VENDOR.replace(" ecx_in='0x00'", ''), LEAF1)],
    ['without an architecture', cpudata(VENDOR, LEAF1).replace(" arch='x86'", '')],
  ])('%s', async (_, text) => {
    expect((await readText(text)).cpus).toEqual((await readText(cpudata(VENDOR, LEAF1))).cpus);
  });
});

describe('refuses', () => {
  it.each([
    [
      'another document',
      '<network/>',
      /root "network", which is none of libvirt's that tell of a CPU$/,
    ],
    ['an element called constructor', '<constructor/>', /root "constructor", which is none/],
    [
      'an entity of its own',
      '<!DOCTYPE cpudata [<!ENTITY a "0x1">]>\n<cpudata><cpuid eax_in="&a;"/></cpudata>',
      /has a DOCTYPE/,
    ],
    [
      'an entity that nobody defined',
      cpudata("<cpuid eax_in='&a;'/>"),
      /not well-formed XML: .*entity/,
    ],
    [
      'an attribute twice',
      cpudata("<cpuid eax_in='0x1' eax_in='0x2'/>"),
      /not well-formed XML: duplicate attribute/,
    ],
    [
      'a leaf with other values',
      cpudata(VENDOR, VENDOR.replace("'0x0000000d'", "'0x0000000e'")),
      /leaf 0x0\.0 is there twice, with different values/,
    ],
    [
      'a register of 33 bits',
      cpudata(VENDOR.replace("'0x0000000d'", "'0x10000000d'")),
      /eax is not a 32-bit number: "0x10000000d"/,
    ],
    [
      'a negative register',
      cpudata(VENDOR.replace("'0x0000000d'", "'-1'")),
      /eax is not a 32-bit number/,
    ],
    [
      'a register in words',
      cpudata(VENDOR.replace("'0x0000000d'", "''")),
      /eax is not a 32-bit number/,
    ],
    ['a subleaf too large', cpudata(VENDOR.replace("'0x00'", "'0x10000'")), /ecx_in is larger/],
    [
      "an element that is none of libvirt's",
      cpudata(VENDOR, '<cpuid2/>'),
      /has an element "cpuid2"/,
    ],
    [
      'leaves inside leaves',
      cpudata(`<cpuid eax_in='0x1'>${VENDOR}</cpuid>`),
      /"cpuid" inside another element/,
    ],
    ['MSRs alone', cpudata("<msr index='0x10a' edx='0x0' eax='0x0'/>"), /no <cpuid>/],
    ['two records', cpudata(VENDOR) + cpudata(VENDOR), /not well-formed XML/],
    [
      '5,000 leaves',
      cpudata(...Array.from({ length: 5000 }, (_, leaf) => `<cpuid eax_in='${leaf}'/>`)),
      /more than 4096 leaves/,
    ],
    ['100,000 elements in each other', `<cpudata>${'<a>'.repeat(100_000)}`, /has an element "a"/],
  ])('%s', async (_, text, message) => {
    const error = await failureOf(text);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('malformed');
    expect(error.place.file).toBe('input');
  });

  it('another architecture', async () => {
    const error = await failureOf("<cpudata arch='s390x'><cpuid eax_in='0'/></cpudata>");
    expect([error.code, error.message]).toEqual(['not-x86', 'is of another architecture: "s390x"']);
  });

  it('with the line', async () => {
    const error = await failureOf(cpudata(VENDOR, LEAF1, "<cpuid eax_in='0x7' ebx='x'/>"));
    expect(error.place).toEqual({ file: 'input', line: 4, at: '<cpuid>' });
  });

  it('a record that was cut anywhere', async () => {
    const whole = cpudata(VENDOR, LEAF1).trimEnd();
    for (let length = 0; length < whole.length; length++) {
      const { code } = await failureOf(whole.slice(0, length));
      expect(code).toBe(length === 0 ? 'unknown-format' : 'malformed');
    }
  });

  it('30 MB quickly', async () => {
    const spent = cpuTimer();
    await failureOf(`<!--${' '.repeat(30_000_000)}`);
    await failureOf(`<cpudata ${'a'.repeat(30_000_000)}`);
    await failureOf(`<cpudata>${' '.repeat(30_000_000)}`);
    expect(spent()).toBeLessThan(TOO_LONG);
  });
});

describe('writing', () => {
  it('is as libvirt has it', async () => {
    const host = await readText(cpudata(VENDOR, LEAF1));
    expect(written(host).content).toBe(
      `<cpudata arch='x86'>\n  ${VENDOR}\n  ${LEAF1}\n</cpudata>\n`,
    );
    expect(written(host).lost).toEqual([]);
  });

  it('puts the name of the CPU above', async () => {
    const { content } = written(await readText(fixtureText('cpudata')));
    expect(content.split('\n')[0]).toBe('<!-- Intel Xeon Processor (Skylake) -->');
    expect(content.trimEnd().split('\n').at(-1)).toBe('</cpudata>');
  });

  it('lets no name end its comment', async () => {
    const letters = (text: string) =>
      `0x${[...text]
        .reverse()
        .map((one) => one.charCodeAt(0).toString(16))
        .join('')}`;
    const name = [0x80000002, 0x80000003, 0x80000004].map(
      (leaf) =>
        `<cpuid eax_in='${leaf}' eax='${letters('a-->')}' ebx='${letters('---<')}' ecx='${letters('b/>-')}'/>`,
    );
    const extended = "<cpuid eax_in='0x80000000' eax='0x80000004'/>";
    const host = await readText(cpudata(VENDOR, LEAF1, extended, ...name));
    expect((await readText(written(host).content)).cpus).toEqual(host.cpus);
  });

  it('is read back as the same leaves', () => {
    const register = fc.integer({ min: 0, max: ALL_KNOWN });
    const row = fc.record(
      {
        leaf: register,
        subleaf: fc.integer({ min: 0, max: 0xffff }),
        eax: register,
        ebx: register,
        ecx: register,
        edx: register,
      },
      { noNullPrototype: true },
    );
    const first = fc
      .tuple(register, register, register, register)
      .map(([eax, ebx, ecx, edx]) =>
        [0, 1].map((leaf) => ({ leaf, subleaf: 0, eax, ebx, ecx, edx })),
      );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), first, (rows, base) => {
        const cpus = [{ logical: [0], leaves: leafTable([...rows, ...base]) }];
        const host: Host = { name: 'x', format: 'x', kind: 'cpu', cpus, remarks: [] };
        expect(libvirtCpudata.read(inputOf(written(host).content)).cpus).toEqual(cpus);
      }),
    );
  });

  it('says what is lost of a host with an OS', () => {
    const { lost } = written(profile.read(inputOf(fixtureText('profile'))));
    // Of XCR0 nothing is lost: the leaves mirror it.
    expect(lost.join(' ')).toMatch(/^What the OS adds: kernel.*All logical CPUs but the first/);
  });

  it('never writes a bit that is not known', () => {
    expect(writeError(hostOf(HASWELL)).code).toBe('not-enough-data');
    const host = profile.read(inputOf(fixtureText('profile')));
    const [cpu] = host.cpus as [Host['cpus'][number]];
    const rows = cpu.leaves.rows.map((row) =>
      row.leaf === 7 ? { ...row, known: { eax: ALL_KNOWN, ebx: 1, ecx: 0, edx: 0 } } : row,
    );
    const result = written({ ...host, cpus: [{ ...cpu, leaves: leafTable(rows) }] });
    expect(result.content).not.toContain("eax_in='0x00000007'");
    expect(result.lost[0]).toMatch(/not all of their bits are known: leaf 0x7\.0\./);
  });

  it('refuses CPUs that differ in what tasks see', () => {
    const host = profile.read(inputOf(fixtureText('profile')));
    const [cpu] = host.cpus as [Host['cpus'][number]];
    const other = cpu.leaves.rows.map((row) => (row.leaf === 7 ? { ...row, ebx: 0 } : row));
    const error = writeError({
      ...host,
      cpus: [cpu, { ...cpu, logical: [9], leaves: leafTable(other) }],
    });
    expect([error.code, error.message]).toEqual(['cpus-differ', expect.stringContaining('avx2')]);
  });
});

const shared = process.env.CPUGATE_SHARED ?? new URL('../../../shared', import.meta.url).pathname;
const dumps = (() => {
  try {
    const names = readdirSync(`${shared}/oracles/libvirt`);
    return names.filter((name) => names.includes(name.replace(/\.xml$/, '-host.xml')));
  } catch {
    return [];
  }
})();

/** Features that libvirt found in the dump and that its CPU model may cover: those named one by one. */
function namedFeatures(xml: string): string[] {
  return [...xml.matchAll(/<feature name='([^']+)'\/>/g)].map((match) => match[1] as string);
}

/** Kernel and security bits are in libvirt's list, and none that a task can see is missing here. */
describe.skipIf(dumps.length === 0)("hosts that libvirt's tests decode", () => {
  it.each(dumps)('%s has the features that libvirt finds in it', async (name) => {
    const folder = `${shared}/oracles/libvirt`;
    const seen = describeHost(await readHost(name, readFileSync(`${folder}/${name}`)));
    const answer = readFileSync(`${folder}/${name.replace(/\.xml$/, '-host.xml')}`, 'utf8');
    const { findFeature, featureRow } = await import('../../src/catalogue/index.js');
    const found = namedFeatures(answer).flatMap((one) => findFeature(one) ?? []);
    expect(found.length).toBeGreaterThan(10);
    const fromMsr = (one: (typeof found)[number]) => featureRow(one).class === 'security';
    expect(found.filter((one) => !fromMsr(one) && seen.hardware(one) !== 2)).toEqual([]);
    expect(effectiveFeatures(seen)).toContain('avx2');
    const signature = /<signature family='(\d+)' model='(\d+)' stepping='(\d+)'\/>/.exec(answer);
    if (signature !== null)
      expect(seen.signature).toEqual({
        family: Number(signature[1]),
        model: Number(signature[2]),
        stepping: Number(signature[3]),
      });
  });
});
