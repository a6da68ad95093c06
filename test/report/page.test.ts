import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { PAGE_BASELINE } from '../../src/baseline/stored.js';
import { profileJson } from '../../src/formats/profile.js';
import { judge, VERDICTS } from '../../src/judge/verdict.js';
import { verdictMatrix } from '../../src/matrix/matrix.js';
import { viewMatrix } from '../../src/matrix/view.js';
import { describeHost } from '../../src/model/capabilities.js';
import { type Fleet, fleetOf, MOST_SHOWN_KINDS } from '../../src/report/page/facts.js';
import { fleetPage } from '../../src/report/page/page.js';
import { cpugate, isPlainFailure } from '../cli/run.js';
import { HASWELL, type HostPlan, hostOf, V2 } from '../hosts.js';
import { BROWSER, withPage } from './browser.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');

function fleet(plans: readonly HostPlan[]): Fleet {
  const hosts = plans.map((plan) => describeHost(hostOf(plan)));
  const matrix = verdictMatrix(hosts);
  const view = viewMatrix(
    hosts.map(({ name }) => name),
    matrix,
  );
  return fleetOf({
    view,
    like: (group) => hosts[view.groups[group]?.hosts[0] as number] as (typeof hosts)[number],
    baseline: baselineOf(clusterOf(hosts)),
    made: '2026-01-02T03:04:05.678Z',
    cpugate: '0.0.0',
  });
}

const EVIL = `</script><img src=x onerror="document.title='gone'">'"&<!--`;
const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };
const SMALL: readonly HostPlan[] = [
  { ...HASWELL, name: 'web-1' },
  { ...HASWELL, name: 'web-2' },
  { ...HASWELL, name: 'small-1', features: HASWELL.features.filter((one) => one !== 'movbe') },
  { ...OLD, brand: '<b>CPU</b>' },
  { ...HASWELL, name: EVIL },
];

function dataOf(page: string) {
  const [, json = ''] =
    /<script type="application\/json" id="fleet">(.*)<\/script>/.exec(page) ?? [];
  return JSON.parse(json);
}

describe('the facts of a page', () => {
  test('say why for just those moves that are not compatible, and as badly as the matrix does', () => {
    const { kinds, ranks, reasons, findings } = fleet(SMALL);
    expect(kinds.map(({ count }) => count).sort()).toEqual([1, 1, 3]);
    let moves = 0;
    for (const [from, row] of ranks.entries())
      for (const [to, rank] of row.entries()) {
        if (rank === undefined) continue;
        moves++;
        const told = reasons[from]?.[to]?.findings.map((place) => findings[place]) ?? [];
        expect(judge(told as never)).toBe(VERDICTS[rank]);
      }
    expect(moves).toBe(7);
  });

  test('tell harmless differences as well, which count for no verdict', () => {
    const { kinds, ranks, reasons, harmless } = fleet(SMALL);
    const from = kinds.findIndex(({ name }) => name === 'small-1');
    const to = kinds.findIndex(({ count }) => count === 3);
    expect(VERDICTS[ranks[from]?.[to] as number]).toBe('compatible');
    const told = reasons[from]?.[to];
    expect(told?.findings).toEqual([]);
    expect(harmless[told?.harmless as number]).toBe('feature-added');
  });

  test('name who holds the others back, and what that costs', () => {
    const { costs, baseline } = fleet(SMALL);
    expect(baseline.level).toBe('x86-64-v2');
    expect(costs[0]).toMatchObject({ names: ['old-1'], count: 1 });
    expect(costs[0]?.gained).toContain('avx2');
  });

  test('of more kinds than a table can show are of those with most hosts', () => {
    const dropped = HASWELL.features.slice(10);
    const many = Array.from({ length: MOST_SHOWN_KINDS + 6 }, (_, place) => ({
      ...HASWELL,
      name: `h-${place}`,
      features: HASWELL.features.filter(
        (one) => one !== dropped[place % dropped.length] && one !== dropped[(place * 7) % 11],
      ),
    }));
    const all = [...many, { ...HASWELL, name: 'twin-1' }, { ...HASWELL, name: 'twin-2' }];
    const { kinds, kindCount, hosts } = fleet(all);
    expect(kinds.length).toBe(Math.min(kindCount, MOST_SHOWN_KINDS));
    expect(kinds.some(({ name, count }) => name === 'twin-1' && count >= 2)).toBe(true);
    expect(hosts.length).toBe(all.length);
  });
});

describe('the page', () => {
  const page = fleetPage(fleet(SMALL), sha256);

  test('allows its own script and style and nothing else', () => {
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
    const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(page) ?? [];
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    expect(script.length * style.length).toBeGreaterThan(0);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${sha256(script)}'`,
      `style-src 'sha256-${sha256(style)}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/ style=|\son\w+="|https?:|url\(/);
  });

  test('holds what it shows as JSON, whatever names hosts have', () => {
    const data = dataOf(page);
    expect(data).toMatchObject({ schemaVersion: 1, kind: 'cpugate-fleet', verdicts: VERDICTS });
    expect(data.hosts.map(({ name }: { name: string }) => name)).toContain(EVIL);
    expect(page.match(/<script/g)).toHaveLength(3);
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>CPU');
  });

  test('of a thousand hosts of fifty kinds has less than 1 MB', () => {
    const dropped = ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'aes', 'rdrand'];
    const left = dropped.filter((one) => HASWELL.features.includes(one as never));
    const plans = Array.from({ length: 1000 }, (_, place): HostPlan => {
      const kind = place % 50;
      const areaBytes = 832 + 64 * (kind % 10);
      return {
        ...HASWELL,
        name: `rack${place % 20}-web-${place}.example.org`,
        areaBytes,
        features: HASWELL.features.filter((one) => one !== left[Math.floor(kind / 10)]),
      };
    });
    const large = fleet(plans);
    expect(large.kinds.length).toBe(50);
    expect(Buffer.byteLength(fleetPage(large, sha256))).toBeLessThan(1_000_000);
  });

  test('has a head for each column and row, and an anchor for each move', () => {
    const { kinds } = fleet(SMALL);
    expect(page.match(/<th scope="row"><span class="faint">/g)).toHaveLength(kinds.length);
    for (const [, id = ''] of page.matchAll(/href="#([\w-]+)"/g))
      expect(page).toContain(`id="${id}"`);
    expect(page).toContain('<html lang="en">');
  });
});

describe('report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-page-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('writes the page, to standard output or a file', () => {
    const { status, out } = cpugate(['report', 'haswell', 'skylake-sp', 'epyc-rome']);
    expect(status).toBe(0);
    expect(out).toMatch(/^<!doctype html>/);
    expect(dataOf(out).kinds).toHaveLength(3);
    const file = join(folder, 'fleet.html');
    expect(cpugate(['report', 'haswell', '-o', file])).toMatchObject({
      status: 0,
      out: '',
      err: '',
    });
  });

  describe('is read again as a baseline of all its hosts', () => {
    const json = (args: readonly string[]) => {
      const { status, out, err } = cpugate([...args, '--json']);
      expect([status, err]).toEqual([0, '']);
      return JSON.parse(out);
    };
    const pageOf = (name: string, args: readonly string[]) => {
      const file = join(folder, name);
      expect(cpugate(['report', ...args, '-o', file]).status).toBe(0);
      return file;
    };

    test('the same as that of the hosts, by the commands that take one', () => {
      const models = ['haswell', 'skylake-sp', 'epyc-rome'];
      const file = pageOf('models.html', models);
      expect(json(['baseline', file])).toEqual(json(['baseline', ...models]));
      expect(json(['baseline', file, 'epyc-genoa']).hostCount).toBe(4);
      const exported = cpugate(['export', file, '--for', 'qemu']);
      expect(exported.status).toBe(0);
    });

    test('whatever hosts are called', () => {
      const evil = hostOf({ ...HASWELL, name: `${PAGE_BASELINE}{}</script>${EVIL}` });
      const host = join(folder, 'evil.json');
      writeFileSync(host, JSON.stringify(profileJson(evil)));
      const file = pageOf('evil.html', [host]);
      expect(json(['baseline', file]).hosts[0].names).toEqual([evil.name]);
    });

    test('and not where it lies beside hosts', () => {
      const hosts = join(folder, 'hosts');
      mkdirSync(hosts);
      writeFileSync(join(hosts, 'web-1.json'), JSON.stringify(profileJson(hostOf(HASWELL))));
      for (const _ of ['first', 'again']) pageOf(join('hosts', 'fleet.html'), [hosts]);
      expect(json(['baseline', hosts]).hostCount).toBe(1);
    });

    test.each([
      ['another page', (_: string) => '<!doctype html><p>hosts</p>', 'not well-formed'],
      [
        'one that was cut off',
        (page: string) => page.slice(0, page.indexOf(PAGE_BASELINE) + 99),
        'not well-formed',
      ],
      [
        'one that was changed',
        (page: string) => page.replace('"avx2",', ''),
        'does not match the host',
      ],
    ])('%s: one message', (_, change, why) => {
      const page = readFileSync(pageOf('whole.html', ['haswell', 'broadwell']), 'utf8');
      const file = join(folder, 'changed.html');
      writeFileSync(file, change(page));
      const outcome = cpugate(['baseline', file]);
      expect(isPlainFailure(outcome)).toBe(true);
      expect(outcome.err).toContain(why);
    });
  });

  test.each([
    [[], 'HOST is missing'],
    [['/no/such/folder/'], 'no such file'],
  ])('%j: one message', (args, why) => {
    const outcome = cpugate(['report', ...args]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(why);
  });
});

describe.skipIf(BROWSER === undefined)('the page in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-browse-'));
  let address = '';
  const facts = fleet(SMALL);
  beforeAll(() => {
    const file = join(folder, 'fleet.html');
    writeFileSync(file, fleetPage(facts, sha256));
    address = pathToFileURL(file).href;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const PANEL = "document.getElementById('move').textContent";
  const place = (name: string) => facts.kinds.findIndex((kind) => kind.name === name);

  test('answers a link to a move, keys and a search, and complains of nothing', async () => {
    const [from, to] = [facts.kinds.findIndex(({ count }) => count === 3), place('old-1')];
    await withPage(`${address}#move-${from}-${to}`, async (page) => {
      const said = await page.ask(PANEL);
      expect(said).toContain('→ old-1: incompatible');
      expect(said).toContain('instruction-missing');
      expect(said).toContain('What to do');
      expect(said).not.toMatch(/[\ue000\ue001]/);
      expect(await page.ask("document.querySelector('[aria-current]').id")).toBe(
        `move-${from}-${to}`,
      );

      await page.ask(`void (location.hash = '#move-${place('small-1')}-${from}')`);
      const harmless = await page.ask(PANEL);
      expect(harmless).toContain(': compatible');
      expect(harmless).toContain('Harmless differences');

      // Between single hosts the way leads over the place where one would go to itself.
      const single = facts.kinds.findIndex(({ count }) => count === 1);
      const others = facts.kinds.map((_, kind) => kind).filter((kind) => kind !== single);
      const [first, last] = [Math.min(...others), Math.max(...others)];
      const focused = () => page.ask('document.activeElement.id');
      await page.ask(`document.getElementById('move-${single}-${first}').focus()`);
      for (const _ of facts.kinds) await page.press('ArrowRight');
      expect(await focused()).toBe(`move-${single}-${last}`);
      await page.press('ArrowDown');
      for (const _ of facts.kinds) await page.press('ArrowUp');
      expect(await focused()).toBe(`move-${single === 0 ? 0 : first}-${last}`);
      expect(await page.ask(PANEL)).toContain('→');

      await page.ask(
        "{ const s = document.getElementById('search'); s.value = 'OLD'; s.dispatchEvent(new Event('input')) }",
      );
      expect(await page.ask("document.getElementById('found').textContent")).toBe('1 of 5 hosts');
      expect(
        await page.ask("document.querySelectorAll('#hosts tbody tr:not([hidden])').length"),
      ).toBe(1);

      expect(await page.ask('document.images.length')).toBe(0);
      expect(await page.ask('document.title')).toBe('5 hosts at a glance');
      expect(await page.ask("document.querySelector('#hosts').textContent")).toContain(EVIL);
      expect(page.complaints).toEqual([]);
    });
  }, 60_000);

  test('runs nothing that was put into it', async () => {
    const file = join(folder, 'changed.html');
    const text = fleetPage(facts, sha256).replace(
      '</main>',
      "<script>document.title='gone'</script></main>",
    );
    writeFileSync(file, text);
    await withPage(pathToFileURL(file).href, async (page) => {
      expect(await page.ask('document.title')).toBe('5 hosts at a glance');
      expect(page.complaints.join()).toContain('Content Security Policy');
    });
  }, 60_000);
});
