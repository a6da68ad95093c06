/** `cpugate check` on folders of real images. */
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import validateCheck from '../../src/generated/check-report.js';
import { cpugate, isPlainFailure } from './run.js';

const fixtures = fileURLToPath(new URL('../fixtures/images/', import.meta.url));
const images = (name: string) => join(fixtures, name);
/** What the guest showed on which it was dumped. */
const hostOf = (name: string) => join(fixtures, name, 'cpugate-record.json');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-check-images-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function json(from: string, to: string, ...more: string[]) {
  const { status, out, err } = cpugate(['check', '--from', from, '--to', to, '--json', ...more]);
  expect(err).toBe('');
  const report = JSON.parse(out);
  expect(validateCheck(report), JSON.stringify(validateCheck.errors)).toBe(true);
  const codes = report.findings.map(({ code }: { code: string }) => code);
  return { status, report, codes };
}

describe('check --from FOLDER', () => {
  it('answers for the tasks in it, before anything is moved', () => {
    const { status, report } = json(images('haswell'), hostOf('haswell'));
    expect(status).toBe(0);
    expect(report).toMatchObject({
      verdict: 'compatible',
      images: { processes: 1, threads: 2, source: 'record' },
      permitted: true,
      forced: false,
    });
  });

  it('refuses a host that reads the frame of the running handler otherwise', () => {
    const { status, codes } = json(images('haswell'), hostOf('nehalem'));
    expect(status).toBe(1);
    expect(codes).toContain('signal-frame-layout');
    expect(codes).toContain('instruction-missing');
  });

  it('is the same with the folder as an argument, and by way of a link to it', () => {
    symlinkSync(images('haswell'), join(folder, 'link'));
    expect(cpugate(['check', join(folder, 'link'), hostOf('haswell')]).status).toBe(0);
  });

  it.each(['newest', '4', 'v4.2'])(
    'takes --criu %s for a slip, not for a CRIU that nobody knows',
    (text) => {
      const { status, err } = cpugate(['check', images('haswell'), 'haswell', '--criu', text]);
      expect([status, err]).toEqual([
        2,
        `cpugate: "${text}" is no version of CRIU\n  For example: --criu 3.19\n`,
      ]);
    },
  );

  it('says in words what was read, and what is wrong', () => {
    const { out } = cpugate(['check', images('haswell+pku'), hostOf('haswell')]);
    expect(out.replace(/\s+/g, ' ')).toContain(
      'Images of 1 process, 2 threads (dumped 2026-01-01T00:00:00Z); ' +
        "the CPU of the dump is known from cpugate's record.",
    );
  });

  it('names the audit where instructions are lost, and where a mask hides some', () => {
    const named = (to: string, ...more: string[]) =>
      cpugate(['check', images('haswell'), to, ...more]).out.includes('"cpugate audit IMAGES');
    expect(named(hostOf('haswell'))).toBe(false);
    expect(named(hostOf('nehalem'))).toBe(true);
    const bare = join(folder, 'masked');
    cpSync(images('haswell'), bare, { recursive: true });
    rmSync(join(bare, 'cpugate-record.json'));
    const { out } = cpugate(['check', bare, hostOf('haswell'), '--mask', 'nehalem']);
    expect(out).toContain('"cpugate audit IMAGES');
    expect(named(hostOf('nehalem'), '--mode', 'criu:cpu')).toBe(false);
  });

  it('without a record goes by cpuinfo.img, and without both is unknown', () => {
    cpSync(images('haswell'), join(folder, 'bare'), { recursive: true });
    rmSync(join(folder, 'bare', 'cpugate-record.json'));
    expect(json(join(folder, 'bare'), hostOf('haswell'))).toMatchObject({
      status: 4,
      report: { images: { source: 'cpuinfo' } },
    });
    rmSync(join(folder, 'bare', 'cpuinfo.img'));
    const { status, codes } = json(join(folder, 'bare'), hostOf('haswell'));
    expect(status).toBe(4);
    expect(codes).toEqual(['source-unknown']);
  });

  it('without both goes by --source, as long as the images agree', () => {
    const bare = join(folder, 'sourceless');
    cpSync(images('haswell'), bare, { recursive: true });
    for (const name of ['cpugate-record.json', 'cpuinfo.img']) rmSync(join(bare, name));
    const named = (source: string) => json(bare, hostOf('haswell'), '--source', source);
    expect(named(hostOf('haswell'))).toMatchObject({
      status: 0,
      report: { images: { source: 'told' }, permitted: true },
    });
    const other = named(hostOf('nehalem'));
    expect(other.status).toBe(4);
    expect(other.codes).toContain('source-contradicted');
    expect(isPlainFailure(cpugate(['check', bare, 'haswell', '--source', 'hasswell']))).toBe(true);
  });

  it.each(['root', 'source', 'criu'])('alone takes --%s', (option) => {
    const { status, err } = cpugate(['check', 'haswell', 'nehalem', `--${option}`, 'haswell']);
    expect(status).toBe(2);
    expect(err).toContain(`--${option} says nothing to haswell`);
  });

  it('is given the CRIU that will restore, and the root of the tasks', () => {
    const more = ['--criu', '3.17.1', '--root', folder];
    expect(json(images('haswell'), hostOf('haswell'), ...more).status).toBe(0);
  });

  it('that is damaged or no dump fails with one message', () => {
    for (const name of readdirSync(images('haswell'))) {
      if (!/^(?:inventory|pstree|core)/.test(name)) continue;
      const damaged = join(folder, `without-${name}`);
      cpSync(images('haswell'), damaged, { recursive: true });
      rmSync(join(damaged, name));
      cpSync(images('nehalem'), join(damaged, name), { recursive: true });
      expect(isPlainFailure(cpugate(['check', damaged, 'haswell'])), name).toBe(true);
    }
    expect(isPlainFailure(cpugate(['check', folder, 'haswell']))).toBe(true);
  });
});

describe('a folder or a record where a host is asked for', () => {
  it('is the host of the dump', () => {
    const show = (host: string) => JSON.parse(cpugate(['show', host, '--json']).out);
    for (const host of [images('haswell'), hostOf('haswell')])
      expect(show(host)).toMatchObject({ xsave: { xcr0: '0x7', size: 832 }, level: 'x86-64-v3' });
    expect(cpugate(['check', images('nehalem'), images('haswell')]).status).toBe(0);
  });
});
