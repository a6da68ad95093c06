/**
 * CRIU's own answers, on CPUs of a dozen kinds, beside what cpugate says that they will be: every
 * guest's image is checked on every guest. And images that cpugate writes, beside CRIU's own.
 *
 * CPUGATE_TAKE_CRIU_FIXTURES=1 renews test/fixtures/criu from the run with the installed CRIU.
 * CPUGATE_OTHER_CRIU=PATH does all again with another CRIU (one that runs on Linux 7.2).
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { predictCriu } from '../../src/criu/predict.js';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { criuImage } from '../../src/formats/criu-image.js';
import { openInput } from '../../src/formats/format.js';
import { InputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN_64 } from '../../src/model/registers.js';
import { bundleForGuest, labIsHere, projectRoot, runInGuest } from './lab.js';
import type { PrintedProbe } from './print-probe.js';

const UNSUPPORTED = 'Haswell,vendor=CentaurHauls';
const NAMELESS = 'Haswell,model-id=';

const GUESTS = [
  'Nehalem',
  'SandyBridge',
  'Haswell',
  'Haswell,+pku',
  'Haswell,+mpx',
  'Skylake-Server',
  'KnightsMill',
  'EPYC',
  'EPYC-Milan',
  'Dhyana',
  UNSUPPORTED,
  NAMELESS,
];

/** Kept as files, so that `npm test` knows CRIU's answers without a guest. */
const KEPT = [
  'Nehalem',
  'SandyBridge',
  'Haswell',
  'Haswell,+pku',
  'Haswell,+mpx',
  'Skylake-Server',
  'KnightsMill',
  'EPYC',
  UNSUPPORTED,
  NAMELESS,
];

/** Each of CRIU's comparisons alone, all, and what it does without the option. */
const CAPS = ['default', 'all', 'none,fpu', 'none,ins', 'none,cpu'];

/** Spellings, tried where CRIU's answer tells which comparisons it made. */
const SPELLINGS = [
  ...['', 'fpu', 'ins', 'all', '^ins', '^fpu', '^fpu,^ins', '^none', '^^none', 'none,fpuins'],
  ...['^fpuins,cpu', 'cpu,none', ',,cpu', '^all,cpu', '^,none,fpu', 'all,^cpu'],
];
const REFUSED_SPELLINGS = ['fp', 'FPU', 'fpu ins', 'cpu,x', 'none;'];

interface Answer {
  readonly exit: number;
  readonly reason: string | undefined;
}

/** Of the installed one; undefined: there is none. */
function criuVersion(): string | undefined {
  try {
    const said = execFileSync('criu', ['--version'], { stdio: 'pipe' }).toString();
    return /[0-9.]+/.exec(said)?.[0];
  } catch {
    return undefined;
  }
}

const fileName = (guest: string) =>
  guest
    .toLowerCase()
    .replaceAll(',+', '+')
    .replace(/[^a-z0-9+]+/g, '-')
    .replace(/-$/, '');
const option = (cap: string) => `'--cpu-cap=${cap}'`;

function readImage(path: string): Host {
  return criuImage.read(openInput(path, readFileSync(path)));
}

function hostFromProbe(name: string, printed: PrintedProbe): Host {
  return {
    name,
    format: 'localhost',
    kind: 'system',
    remarks: [],
    cpus: printed.cpus.map(({ logical, xcr0, rows }) => ({
      logical,
      leaves: leafTable(
        rows.map(([leaf, subleaf, eax, ebx, ecx, edx]): LeafRow => {
          return { leaf, subleaf, eax, ebx, ecx, edx };
        }),
      ),
      ...(xcr0 === undefined ? {} : { xcr0: { value: BigInt(xcr0), known: ALL_KNOWN_64 } }),
    })),
  };
}

/** What the lines of checkLines print: the key, CRIU's own words, the exit status. */
function answersOf(output: string): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const part of output.split('CHECK ').slice(1)) {
    const [key = '', ...lines] = part.split('\n');
    const exit = Number(lines.find((line) => line.startsWith('EXIT '))?.slice(5));
    const error = lines.findLast((line) => /Error .*(?:: cpu: |Unknown FPU mode)/.test(line));
    const said = exit === 139 ? 'Segmentation fault' : error?.replace(/^.*?: cpu: /, '');
    answers.set(key, { exit, reason: exit === 0 ? undefined : said });
  }
  return answers;
}

/** A shell's lines that check the image in a folder and say how it went. */
function checkLines(criu: string, folder: string, key: string, cap: string): string {
  const command = `${criu} cpuinfo check -D ${folder} ${cap === 'default' ? '' : option(cap)}`;
  return `echo 'CHECK ${key}'; ${command}; echo "EXIT $?"`;
}

async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

interface Setting {
  readonly title: string;
  readonly criu: string;
  readonly kernel: string;
  readonly present: boolean;
}

const other = process.env.CPUGATE_OTHER_CRIU;
const SETTINGS: readonly Setting[] = [
  {
    title: 'the installed CRIU',
    criu: 'criu',
    kernel: '6.1',
    present: criuVersion() !== undefined,
  },
  { title: 'another CRIU', criu: other ?? '', kernel: '7.2', present: other !== undefined },
];

describe.each(SETTINGS)('$title', ({ criu, kernel, present }) => {
  describe.skipIf(!(labIsHere && present))('on CPUs of many kinds', () => {
    let folder = '';
    const images = new Map<string, Host>();
    const probed = new Map<string, Host>();
    const dumped = new Map<string, Host>();
    const measured = new Map<string, Map<string, Answer>>();
    const own = (guest: string) => join(folder, fileName(guest));
    const written = (guest: string) => join(folder, `${fileName(guest)}.written`);
    const host = (hosts: Map<string, Host>, guest: string) => hosts.get(guest) as Host;

    async function take(guest: string): Promise<void> {
      mkdirSync(own(guest));
      const script = [
        `cd ${own(guest)}`,
        `${criu} cpuinfo dump -D . || exit 9`,
        'cpuid -r > cpuid.txt',
        `node ${folder}/probe.cjs > probe.json`,
      ].join('\n');
      const { status, output } = await runInGuest({ cpu: guest, kernel, shares: [folder] }, [
        ...['sh', '-c', script],
      ]);
      expect(status, `${guest}: ${output}`).toBe(0);
      const file = (name: string) => readFileSync(join(own(guest), name));
      images.set(guest, readImage(join(own(guest), 'cpuinfo.img')));
      probed.set(guest, hostFromProbe(guest, JSON.parse(file('probe.json').toString())));
      dumped.set(guest, cpuidRaw.read(openInput(`${guest}.txt`, file('cpuid.txt'))));
    }

    /** The image that cpugate writes. */
    function write(guest: string): void {
      if (guest === UNSUPPORTED) return;
      const { content } = criuImage.write?.(host(probed, guest)) ?? { content: '' };
      mkdirSync(written(guest));
      writeFileSync(join(written(guest), 'cpuinfo.img'), content);
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cpugate-criu-'));
      await bundleForGuest('test/vm/print-probe.ts', join(folder, 'probe.cjs'));
      await inPairs(GUESTS, take);
      GUESTS.forEach(write);
    }, 600_000);

    afterAll(() => {
      if (process.env.CPUGATE_TAKE_CRIU_FIXTURES && criu === 'criu') keep();
      rmSync(folder, { recursive: true, force: true });
    });

    function keep(): void {
      const place = join(projectRoot, 'test', 'fixtures', 'criu');
      mkdirSync(place, { recursive: true });
      const lines = [
        `# criu ${criuVersion()}, Linux ${kernel}, guests of these CPUs: criu cpuinfo check`,
        '# image\thost\t--cpu-cap\texit\terror',
      ];
      for (const from of KEPT) {
        const name = fileName(from);
        copyFileSync(join(own(from), 'cpuinfo.img'), join(place, `${name}.img`));
        for (const to of KEPT.filter((name) => name !== NAMELESS))
          for (const cap of CAPS) {
            const answer = measured.get(to)?.get(`${from} ${cap}`);
            lines.push([name, fileName(to), cap, answer?.exit, answer?.reason ?? ''].join('\t'));
          }
      }
      writeFileSync(join(place, 'verdicts.tsv'), `${lines.join('\n')}\n`);
    }

    async function ask(guest: string, lines: readonly string[]): Promise<Map<string, Answer>> {
      const name = `check-${fileName(guest)}-${lines.length}.sh`;
      writeFileSync(join(folder, name), `cd /tmp\n${lines.join('\n')}\n`);
      const { status, output } = await runInGuest(
        { cpu: guest, kernel, shares: [folder], seconds: 280 },
        ['sh', join(folder, name)],
      );
      expect(status, output.slice(-2000)).toBe(0);
      const answers = answersOf(output);
      expect(answers.size, output.slice(-2000)).toBe(lines.length);
      return answers;
    }

    test.each(GUESTS)('the record of %s is what CRIU writes', (guest) => {
      const theirs = new Uint8Array(readFileSync(join(own(guest), 'cpuinfo.img')));
      for (const hosts of [probed, dumped]) {
        const ours = host(hosts, guest);
        if (guest === UNSUPPORTED) {
          expect(() => criuImage.write?.(ours)).toThrow(InputError);
          continue;
        }
        const bytes = criuImage.write?.(ours).content as Uint8Array;
        const again = criuImage.read(openInput('ours', bytes)).criu;
        const name = guest === NAMELESS ? 'unknown' : images.get(guest)?.criu?.modelId;
        expect(again).toEqual({ ...images.get(guest)?.criu, modelId: name });
        if (guest !== NAMELESS) expect(bytes).toEqual(theirs);
      }
    });

    test.each(GUESTS)('the image of %s says nothing that CPUID denies', (guest) => {
      const image = host(images, guest).cpus[0];
      const live = host(probed, guest).cpus[0];
      for (const row of image?.leaves.rows ?? []) {
        // The name's blanks and the type of processor aren't in the image.
        if (row.leaf >= 0x80000002 && row.leaf <= 0x80000004) continue;
        const real = live?.leaves.rows.find(
          ({ leaf, subleaf }) => leaf === row.leaf && subleaf === row.subleaf,
        );
        for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
          const known = BigInt(row.known?.[register] ?? 0xffffffff);
          const at = `leaf ${row.leaf.toString(16)}.${row.subleaf} ${register}`;
          expect(BigInt(row[register]) & known, at).toBe(BigInt(real?.[register] ?? 0) & known);
        }
      }
      const xcr0 = live?.xcr0?.value ?? 0n;
      if (image?.xcr0 !== undefined) expect(image.xcr0.value).toBe(xcr0 & image.xcr0.known);
    });

    // The nameless one answers as Haswell does: only its image is of interest.
    const CHECKING = GUESTS.filter((guest) => guest !== NAMELESS);

    test.concurrent.each(CHECKING)('on %s', { timeout: 300_000 }, async (guest) => {
      const pairs = GUESTS.flatMap((from) => CAPS.map((cap) => ({ from, cap })));
      const answers = await ask(guest, [
        ...pairs.map(({ from, cap }) => checkLines(criu, own(from), `${from} ${cap}`, cap)),
        ...(guest === UNSUPPORTED ? [] : [checkLines(criu, written(guest), 'written', 'all')]),
      ]);
      measured.set(guest, answers);
      if (guest !== UNSUPPORTED) expect(answers.get('written')?.exit).toBe(0);
      const differing: unknown[] = [];
      for (const { from, cap } of pairs)
        for (const hosts of [images, probed, dumped]) {
          const prediction = predictCriu(host(hosts, from), host(hosts, guest), cap);
          const ours =
            prediction.outcome === 'unknown'
              ? prediction
              : {
                  exit: prediction.exit,
                  reason: prediction.outcome === 'accepts' ? undefined : prediction.reason,
                };
          const theirs = answers.get(`${from} ${cap}`);
          if (JSON.stringify(ours) !== JSON.stringify(theirs))
            differing.push({ from, cap, ours, theirs });
        }
      expect(differing).toEqual([]);
    });

    // On Haswell each of these images fails in one comparison and passes those before it.
    const TELLING = ['Haswell,+pku', 'EPYC', 'SandyBridge'];

    test('reads --cpu-cap as it does', { timeout: 300_000 }, async () => {
      const answers = await ask('Haswell', [
        ...SPELLINGS.flatMap((cap) =>
          TELLING.map((from) => checkLines(criu, own(from), `${from} ${cap}`, cap)),
        ),
        ...REFUSED_SPELLINGS.map((cap) => checkLines(criu, own('Haswell'), cap, cap)),
      ]);
      for (const cap of SPELLINGS)
        for (const from of TELLING) {
          const prediction = predictCriu(host(images, from), host(images, 'Haswell'), cap);
          const reason = prediction.outcome === 'refuses' ? prediction.reason : undefined;
          expect(answers.get(`${from} ${cap}`)?.reason, `${from}, ${cap}`).toBe(reason);
        }
      for (const cap of REFUSED_SPELLINGS)
        expect(answers.get(cap)?.reason, cap).toMatch(/Unknown FPU mode/);
      for (const cap of REFUSED_SPELLINGS)
        expect(() => predictCriu(host(images, 'EPYC'), host(images, 'EPYC'), cap)).toThrow(
          InputError,
        );
    });
  });
});
