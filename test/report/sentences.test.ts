import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { limitsOf } from '../../src/baseline/limits.js';
import { findFeature, ROWS } from '../../src/catalogue/index.js';
import { KNOWN_AS } from '../../src/catalogue/known-as.js';
import { readHost } from '../../src/formats/index.js';
import { compareHosts as compareInner } from '../../src/judge/compare.js';
import { described, describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { leafTable } from '../../src/model/leaves.js';
import { ALL_REGISTERS_KNOWN } from '../../src/model/registers.js';
import { featureLabel } from '../../src/report/feature-label.js';
import { findOddities } from '../../src/report/oddities.js';
import { FINDING_CODES, RULES } from '../../src/rules/index.js';
import { MOST_LEAVES, withTiles } from '../amx.js';
import { joinHosts } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, leafRow, V4 } from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { names as models, hostOf as readModel } from '../profiles/load.js';
import { faultOf, PRIVATE_WORDS } from '../sentences.js';

const root = new URL('../../', import.meta.url);

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => fileURLToPath(new URL(`${folder}/${file}`, root)));
}

/** Texts with blanks in them, without what is put in between; one with texts within comes in pieces. */
function textsIn(code: string): string[] {
  const literals = code.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
  return literals
    .map((literal) => {
      let text = literal.slice(1, -1);
      for (let next = ''; next !== text; ) {
        next = text;
        text = next.replace(/\$\{[^{}]*\}/g, '…');
      }
      return text;
    })
    .filter((text) => text.includes(' '));
}

const SOURCES = filesBelow('src', '.ts').filter((file) => !/src\/generated\//.test(file));
const scriptOf = (file: string) =>
  transformSync(readFileSync(file, 'utf8'), { loader: 'ts', charset: 'utf8' }).code;

describe('texts in the sources', () => {
  it('are found', () => {
    const code = 'f("a b", `c ${d(e ? "x" : "y")} told`, "no-blank")';
    expect(textsIn(code)).toEqual(['a b', 'c … told']);
    expect(SOURCES.flatMap((file) => textsIn(scriptOf(file))).length).toBeGreaterThan(1000);
  });
  it('have no private words', () => {
    const faults = SOURCES.flatMap((file) =>
      textsIn(scriptOf(file))
        .filter((text) => PRIVATE_WORDS.some(([word]) => word.test(text)))
        .map((text) => `${file}: ${text}`),
    );
    expect(faults).toEqual([]);
  });
  it('have none in the native parts either', () => {
    const faults = filesBelow('native', '.cc')
      .filter((file) => !file.endsWith('_test.cc'))
      .flatMap((file) =>
        textsIn(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''))
          .filter((text) => PRIVATE_WORDS.some(([word]) => word.test(text)))
          .map((text) => `${file}: ${text}`),
      );
    expect(faults).toEqual([]);
  });
  it('that say what to do are sentences, or examples', () => {
    const remedies = SOURCES.flatMap((file) => [
      ...scriptOf(file).matchAll(/remedy: ("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g),
    ])
      .map(([, literal = '']) => literal.slice(1, -1).replace(/\\"/g, '"'))
      // Findings name a remedy by one word.
      .filter((text) => text.includes(' ') && !text.startsWith('For example: '));
    expect(remedies.length).toBeGreaterThan(20);
    expect(
      remedies.filter(
        (text) => !/^["A-Z0-9]|^--[a-z]|^\$\{/.test(text) || !/[^.]\.$|\}$/.test(text),
      ),
    ).toEqual([]);
  });
});

describe('the catalogue', () => {
  const losses = ROWS.flatMap(({ loss }) => (loss === undefined ? [] : [loss.effect]));
  it('says in a sentence what a loss means', () => {
    expect(losses.length).toBeGreaterThan(0);
    expect(losses.map((text) => faultOf(text)).filter(Boolean)).toEqual([]);
  });
  it('has reasons that a sentence can end with', () => {
    const reasons = ROWS.flatMap(({ reason }) => (reason === undefined ? [] : [`${reason}.`]));
    expect(reasons.map((text) => faultOf(text)).filter(Boolean)).toEqual([]);
  });
});

describe('codes that are printed', () => {
  it('have no private words', () => {
    const schema = readFileSync(new URL('schemas/baseline-change.schema.json', root), 'utf8');
    const joining = [...schema.matchAll(/"([a-z]+(?:-[a-z]+)+)"/g)].map(([, code = '']) => code);
    const codes: readonly string[] = [...FINDING_CODES, ...joining];
    expect(joining).toContain('instruction-missing');
    expect(codes.filter((code) => PRIVATE_WORDS.some(([word]) => word.test(code)))).toEqual([]);
  });
});

describe('names that people know', () => {
  it('stand beside the flags of Linux', () => {
    expect((['abm', 'pni', 'avx2'] as const).map(featureLabel)).toEqual([
      'abm (lzcnt)',
      'pni (sse3)',
      'avx2',
    ]);
  });
  it('are accepted for the same feature', () => {
    for (const [name, text] of Object.entries(KNOWN_AS))
      for (const spelling of text.split('/'))
        expect([spelling, findFeature(spelling)]).toEqual([spelling, name]);
  });
});

/** With and without an OS, with CPUs that differ, and such that little is known of. */
const FIXTURES = [
  ...['criu/haswell.img', 'dumps/nehalem-guest.cpuinfo.txt', 'dumps/haswell-guest.cpuid-1-r.txt'],
  ...['profiles/qemu-max-guest.json', 'pairs/Skylake-Server.json', 'structured/vzcpuidctl.json'],
  ...['structured/firecracker-fingerprint.json', 'structured/qemu-skylake-server-static.json'],
];

/** With a bit that has no name. */
function unnamedHost(): Host {
  const host = hostOf({ ...HASWELL, name: 'unnamed' });
  const cpus = host.cpus.map((cpu) => {
    const rows = cpu.leaves.rows.map((row) =>
      row.leaf === 7 && row.subleaf === 0
        ? { ...row, edx: row.edx | (1 << 12), known: ALL_REGISTERS_KNOWN }
        : row,
    );
    return { ...cpu, leaves: leafTable(rows) };
  });
  return { ...host, cpus };
}

const rate = (ecx: number) => [MOST_LEAVES, leafRow(0x15, 0, { eax: 2, ebx: 216, ecx })];
const PHI: HostPlan = {
  ...HASWELL,
  signature: [6, 0x57, 1],
  features: [...HASWELL.features, 'monitor'],
};

async function allHosts(): Promise<Host[]> {
  const recorded = FIXTURES.map((file) =>
    readHost(file, readFileSync(new URL(`test/fixtures/${file}`, root))),
  );
  const avx = HASWELL.features.filter((name) => name !== 'fma');
  return [
    ...models.map(readModel),
    ...(await Promise.all(recorded)),
    hostOf({ ...HASWELL, name: 'frames', system: { minSigStackBytes: 3000 } }),
    hostOf({ ...HASWELL, name: 'small frames', system: { minSigStackBytes: 1000 } }),
    hostOf({ ...HASWELL, name: 'lines', lineBytes: 128, physicalBits: 36, linearBits: 57 }),
    hostOf({ ...HASWELL, name: 'mixed' }, [{ ...HASWELL, features: avx }]),
    hostOf({ ...withTiles(), name: 'tiles' }),
    hostOf({ ...withTiles({ rowBytes: 32 }), name: 'short rows' }),
    hostOf({ ...withTiles({ bytes: 2048 }), name: 'large tiles' }),
    hostOf({ ...withTiles({ multiplied: 128 }), name: 'many at once' }),
    hostOf({ ...HASWELL, name: 'rates', leaves: rate(24_000_000) }),
    hostOf({ ...HASWELL, name: 'other rates', leaves: rate(25_000_000) }),
    hostOf({ ...PHI, name: 'mwait', system: { hwcap2: 3n, cpuinfoFlags: ['fpu'] } }),
    hostOf({ ...PHI, name: 'split', system: { hwcap2: 2n, cpuinfoFlags: ['split_lock_detect'] } }),
    unnamedHost(),
    hostOf({ name: 'vague', features: V4, untold: ['avx', 'bmi2'], maskUntold: true }),
  ];
}

/** Of CRIU, below, of images and of code: test/judge looks at their sentences. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...['criu-refuses', 'criu-unknown', 'criu-accepts', 'source-unknown', 'criu-too-old'],
  ...['source-contradicted', 'images-incomplete', 'mask-unavailable'],
  ...['state-in-use', 'state-not-dumped', 'mask-bypassed', 'signal-frame-layout'],
  ...['binding-in-flight', 'stack-taken'],
  'permission-lost',
  ...['machine-feature-missing', 'machine-vendor-differs'],
  ...['machine-data-missing', 'machine-not-compared', 'family-assumed'],
  ...['code-needs', 'code-unclear', 'code-unread', 'code-chooses', 'code-chosen'],
]);

describe('what is said of hosts', () => {
  it('of every two is a sentence', async () => {
    const hosts = (await allHosts()).map(describeHost);
    const names = hosts.map(({ name }) => name);
    const effects = new Map<string, string>();
    for (const from of hosts)
      for (const to of hosts)
        for (const { code, effect } of RULES.flatMap((rule) => rule.findings({ from, to })))
          effects.set(effect, code);
    const faults = [...effects.keys()].map((effect) => faultOf(effect, names)).filter(Boolean);
    expect(faults).toEqual([]);
    const seen = new Set(effects.values());
    expect(FINDING_CODES.filter((code) => !seen.has(code) && !ELSEWHERE.has(code))).toEqual([]);
  });
  it('of what CRIU would say is a sentence', async () => {
    const hosts = (await allHosts()).filter((_, place) => place % 4 === 0);
    const found = hosts.flatMap((from) =>
      hosts.flatMap((to) =>
        compareHosts(from, to, { mode: 'criu:cpu' }).findings.filter(({ code }) =>
          code.startsWith('criu-'),
        ),
      ),
    );
    expect(new Set(found.map(({ code }) => code)).size).toBe(3);
    expect(found.map(({ effect }) => faultOf(effect)).filter(Boolean)).toEqual([]);
  });
  it('of virtual machines is a sentence', async () => {
    const hosts = (await allHosts()).filter((_, place) => place % 3 === 0).map(described);
    const names = hosts.map(({ host }) => host.name);
    const found = hosts.flatMap((from) =>
      hosts.flatMap((to) => compareInner(from, to, { isMachine: true }).findings),
    );
    expect(new Set(found.map(({ code }) => code)).size).toBe(4);
    expect(found.map(({ effect }) => faultOf(effect, names)).filter(Boolean)).toEqual([]);
  });
  it('of each one is a sentence', async () => {
    const hosts = await allHosts();
    const features = ROWS.map(({ name }) => name);
    const odd = hosts.flatMap((host) => findOddities(host, describeHost(host)));
    expect(odd.length).toBeGreaterThan(0);
    // "rtm: Microcode turns TSX off." is a profile's note.
    const texts = odd.map((text) => text.replace(/^\w+: (?=[A-Z])/, ''));
    expect(texts.map((text) => faultOf(text, features)).filter(Boolean)).toEqual([]);
  });
  it('of a baseline and who joins it is a sentence', async () => {
    const hosts = (await allHosts()).map((host) => describeHost(host));
    const texts = new Set<string>();
    for (const baseline of hosts.map((host) => baselineOf(clusterOf([host]))))
      for (const host of hosts.filter((_, place) => place % 3 !== 0)) {
        const { findings, after } = joinHosts(baseline, [host]);
        for (const { effect, advice } of findings)
          for (const text of [effect, advice ?? effect]) texts.add(text);
        for (const { effect } of limitsOf(after)) texts.add(effect);
      }
    expect(texts.size).toBeGreaterThan(20);
    const names = hosts.map(({ name }) => name);
    expect([...texts].map((text) => faultOf(text, names)).filter(Boolean)).toEqual([]);
  });
});
