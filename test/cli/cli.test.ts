import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/specs/index.js';
import { COMMAND_GROUPS } from '../../src/cli/specs/spec.js';
import validateCheck from '../../src/generated/check-report.js';
import validateExplain from '../../src/generated/explain-report.js';
import validateShow from '../../src/generated/show-report.js';
import { cpugate, isPlainFailure, program } from './run.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ESCAPE = String.fromCharCode(27);

describe('without arguments', () => {
  it('a newcomer sees the three jobs', () => {
    const { status, out } = cpugate([]);
    expect(status).toBe(0);
    for (const job of ['cpugate check', 'cpugate baseline', 'cpugate run'])
      expect(out).toContain(job);
  });
});

describe('help', () => {
  it.each(['probe', 'show', 'check', 'explain', 'convert'])(
    'of %s has its options and an example',
    (command) => {
      const { status, out } = cpugate([command, '--help']);
      expect(status).toBe(0);
      expect(out).toContain(`cpugate ${command}`);
      expect(out).toMatch(/Examples:/);
    },
  );
  it('names values, and nothing as a mere string', () => {
    for (const { name, options } of COMMANDS) {
      const { out } = cpugate([name, '--help'], { env: { COLUMNS: '200' } });
      expect(out, name).not.toMatch(/\[string\]|\[boolean\]/);
      for (const [option, { type, value, describe: says }] of Object.entries(options))
        expect(out).toMatch(
          new RegExp(
            `--${option}${type === 'string' ? ` ${value?.replace('|', '\\|')}` : ''} +${says.slice(0, 20).replace(/[().*|?+]/g, '.')}`,
          ),
        );
    }
  });
  it('has each command once, under its job', () => {
    const { out } = cpugate(['--help']);
    const groups = out.split('\n\n').map((part) => part.split('\n')[0]);
    for (const [group, title] of Object.entries(COMMAND_GROUPS)) {
      expect(groups).toContain(title);
      const part = out.split('\n\n').find((one) => one.startsWith(title)) ?? '';
      const listed = [...part.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
      expect(listed).toEqual(COMMANDS.filter((one) => one.group === group).map(({ name }) => name));
    }
  });
  it.each([
    ['check', '--mode', /default: portable/],
    ['check', '--fail-on', /default: at-risk/],
    ['restore', '--fail-on', /default: at-risk/],
    ['restore', '--root', /default: \//],
    ['probe', '--name', /default: its host name/],
    ['run', '--runtime-dir', /default: \/run\/cpugate/],
    ['export', '--format', /default: env-file/],
    ['export', '--glibc', /default: those of the hosts/],
    ['completion', 'SHELL', /default: the shell you use/],
  ])('of %s names the default of %s', (command, option, says) => {
    const { out } = cpugate([command, '--help'], { env: { COLUMNS: '200' } });
    const lines = out.replace(/\n {10,}/g, ' ').split('\n');
    expect(lines.find((line) => line.includes(`${option} `) && line.startsWith(' '))).toMatch(says);
  });
  it('is the same by "help COMMAND"', () => {
    expect(cpugate(['help', 'check']).out).toBe(cpugate(['check', '--help']).out);
  });
  it('keeps to the width asked for', () => {
    const longest = Math.max(
      ...cpugate(['check', '--help'], { env: { COLUMNS: '80' } })
        .out.split('\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(80);
  });
});

describe('--version', () => {
  it("is package.json's", () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(cpugate(['--version']).out).toBe(`${version}\n`);
  });
});

describe('a level', () => {
  it('is shown without a CPU, which it is not', () => {
    const { status, out } = cpugate(['show', 'x86-64-v3']);
    expect(status).toBe(0);
    expect(out).toContain('  Source ');
    expect(out).not.toContain('  CPU ');
  });
});

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['chekc'], 'there is no command "chekc"'],
    ['an unknown option', ['check', '--form', 'haswell'], '--form'],
    [
      'an option of a prototype',
      ['check', '--__proto__', 'x', 'haswell', 'haswell'],
      'unknown option',
    ],
    [
      'another option of a prototype',
      ['check', '--constructor', 'haswell', 'haswell'],
      'unknown option',
    ],
    [
      'an option without its value',
      ['check', 'haswell', 'haswell', '--mode'],
      '--mode needs a value',
    ],
    [
      'an option given twice',
      ['check', 'haswell', 'haswell', '--mode', 'strict', '--mode', 'portable'],
      '--mode is given twice',
    ],
    [
      'a value out of its list',
      ['check', 'haswell', 'haswell', '--fail-on', 'never'],
      'at-risk, unknown, incompatible',
    ],
    ['a missing host', ['check', 'haswell'], 'that tasks go to is missing'],
    ['no host at all', ['show'], 'HOST is missing'],
    ['a host too many', ['check', 'haswell', 'haswell', 'haswell'], 'too many'],
    ['both hosts from standard input', ['check', '-', '-'], 'standard input'],
    ['an unknown mode', ['check', 'haswell', 'haswell', '--mode', 'lax'], 'there is no mode "lax"'],
    [
      'an unknown feature to allow',
      ['check', 'haswell', 'haswell', '--allow', 'avx9000'],
      'avx9000',
    ],
    ['an unknown feature to explain', ['explain', 'avx9000'], 'avx9000'],
    [
      'CRIU where there are no images',
      ['check', 'haswell', 'haswell', '--criu', '3.19'],
      '--criu says nothing to haswell',
    ],
    [
      'a root without images',
      ['check', 'haswell', 'haswell', '--root', '/'],
      '--root says nothing to haswell',
    ],
    ['no caller of a hook', ['hook'], 'CALLER is missing'],
    ['no format to convert to', ['convert', 'haswell'], '--to FORMAT is missing'],
    ['an unknown format', ['convert', 'haswell', '--to', 'word'], '--to can\'t be "word"'],
  ])('%s gives one message and status 2', (_, args, message) => {
    const outcome = cpugate(args);
    expect(outcome.err).toContain(message);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
  });
});

describe('unreadable input', () => {
  it.each([[['show', '']], [['check', '', 'haswell']], [['baseline', 'haswell', '']]])(
    '%j: says that a name is empty',
    (args) => {
      const outcome = cpugate(args);
      expect(isPlainFailure(outcome), outcome.err).toBe(true);
      expect(outcome.err).toContain('an empty name');
    },
  );
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  it.each([
    ['a file that is not there', () => join(folder, 'none.json'), 'no such file'],
    [
      'an empty folder',
      () => {
        mkdirSync(join(folder, 'images'), { recursive: true });
        return join(folder, 'images');
      },
      'holds no file',
    ],
    ['an empty file', () => file('empty', ''), 'empty'],
    ['text of no format', () => file('text', 'hello\nworld\n'), 'cpuid -r'],
    [
      'bytes of no format',
      () =>
        file(
          'bytes',
          Uint8Array.from({ length: 5000 }, (_, i) => (i * 37) % 256),
        ),
      'InstLatX64',
    ],
    ['JSON of nothing known', () => file('a.json', '{"a":1}'), 'a.json'],
    ['broken JSON', () => file('b.json', '{"kind":"cpugate-host-profile",'), 'JSON'],
    [
      'deep JSON',
      () =>
        file(
          'deep.json',
          `{"kind":"cpugate-host-profile","cpus":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
        ),
      'deep.json',
    ],
    [
      'a key __proto__',
      () => file('proto.json', '{"kind":"cpugate-host-profile","__proto__":{"cpus":[]}}'),
      'proto.json',
    ],
  ])('%s gives one message and status 2', (_, make, message) => {
    const outcome = cpugate(['show', make()]);
    expect(outcome.err).toContain(message);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
  });
  it('a file of a gigabyte is refused unread', () => {
    const path = join(folder, 'huge');
    const descriptor = openSync(path, 'w');
    ftruncateSync(descriptor, 2 ** 30);
    closeSync(descriptor);
    const outcome = cpugate(['show', path]);
    expect(outcome.err).toContain('larger than 32 MiB');
    expect(isPlainFailure(outcome)).toBe(true);
  });
});

describe('check', () => {
  it('explains the growing XSAVE area and what to do', () => {
    const { status, out } = cpugate(['check', 'haswell', 'skylake-sp']);
    expect(status).toBe(1);
    expect(out).toMatch(/haswell → skylake-sp: incompatible/);
    expect(out).toMatch(/xsave-area-grows/);
    expect(out).toMatch(/from 832 to 2696\s+bytes/);
    expect(out).toMatch(/What to do/);
  });
  it('finds a host compatible with itself', () => {
    const { status, out } = cpugate(['check', 'haswell', 'haswell']);
    expect(status).toBe(0);
    expect(out).toContain('compatible');
  });
  it('takes hosts as options, arguments and a mixture', () => {
    const asArguments = cpugate(['check', 'haswell', 'epyc-milan']).out;
    expect(cpugate(['check', '--from', 'haswell', '--to', 'epyc-milan']).out).toBe(asArguments);
    expect(cpugate(['check', '--to=epyc-milan', 'haswell']).out).toBe(asArguments);
    expect(cpugate(['check', '--from', 'haswell', 'epyc-milan']).out).toBe(asArguments);
  });
  it('gives JSON of its schema in every mode', () => {
    for (const mode of [
      'portable',
      'strict',
      'instructions',
      'advisory',
      'criu:all',
      'criu:none',
    ]) {
      const { out } = cpugate(['check', 'skylake-sp', 'epyc-genoa', '--json', '--mode', mode]);
      const report = JSON.parse(out);
      expect(validateCheck(report), `${mode}: ${JSON.stringify(validateCheck.errors)}`).toBe(true);
      expect(report.mode).toBe(mode);
    }
  });
  it.each([
    [['westmere', 'nehalem'], 1],
    [['nehalem', 'westmere'], 0],
    [['nehalem', 'westmere', '--mode', 'strict'], 1],
    [['haswell', 'skylake-sp', '--mode', 'advisory'], 0],
    [['westmere', 'nehalem', '--allow', 'aes,pclmul'], 0],
    [['westmere', 'nehalem', '--allow', 'aes'], 1],
  ])('%j exits with %i', (args, status) => {
    const outcome = cpugate(['check', ...args]);
    expect(outcome.status, outcome.out).toBe(status);
  });
  it('records what was allowed', () => {
    const report = JSON.parse(
      cpugate(['check', 'westmere', 'nehalem', '--allow', 'aes', '--allow', 'avx', '--json']).out,
    );
    expect(report.allowed).toEqual([
      { name: 'aes', used: true },
      { name: 'avx', used: false },
    ]);
    expect(
      report.findings.filter((one: { feature?: string }) => one.feature === 'aes'),
    ).toMatchObject([{ severity: 'info', allowedFrom: 'blocker' }]);
  });
  it('reads a host from standard input', () => {
    const profile = cpugate(['convert', 'haswell', '--to', 'profile']).out;
    const { status, out } = cpugate(['check', '-', 'haswell'], { input: profile });
    expect(status, out).toBe(0);
  });
});

describe('show', () => {
  it('gives JSON of its schema for every model', () => {
    const models = Object.keys(JSON.parse(cpugate(['show', '--models', '--json']).out));
    expect(models.length).toBeGreaterThanOrEqual(25);
    const lines = cpugate(['show', '--json', ...models])
      .out.trimEnd()
      .split('\n');
    expect(lines).toHaveLength(models.length);
    for (const line of lines) {
      const report = JSON.parse(line);
      expect(validateShow(report), `${report.name}: ${JSON.stringify(validateShow.errors)}`).toBe(
        true,
      );
    }
  });
  it('means a model by its name, and a file by its path', () => {
    writeFileSync(join(folder, 'haswell'), cpugate(['convert', 'nehalem', '--to', 'profile']).out);
    const level = (host: string) =>
      JSON.parse(cpugate(['show', host, '--json'], { cwd: folder }).out).level;
    expect(level('haswell')).toBe('x86-64-v3');
    expect(level('./haswell')).toBe('x86-64-v2');
  });
});

describe('explain', () => {
  it('gives JSON of its schema', () => {
    const report = JSON.parse(cpugate(['explain', 'lzcnt', '--json']).out);
    expect(validateExplain(report), JSON.stringify(validateExplain.errors)).toBe(true);
    expect(report).toMatchObject({
      feature: 'abm',
      silent: true,
      level: 'x86-64-v3',
      leaf: '0x80000001',
      register: 'ecx',
      bit: 5,
    });
  });
  it.each([
    [
      'what the kernel alone gives',
      'ring3mwait',
      { flag: 'ring3mwait', loss: { severity: 'blocker' } },
      /If lost +blocker: MONITOR and MWAIT/,
    ],
    [
      'a loss that depends on another feature',
      'rtm',
      { loss: null, lossBeside: { feature: 'rtm_always_abort', severity: 'risk' } },
      /Where the target has\s+rtm_always_abort, risk: XBEGIN aborts/,
    ],
    [
      'a restriction',
      'umip',
      { restriction: expect.stringContaining('emulated'), lossBeside: null },
      /If gained +SGDT/,
    ],
  ])('tells %s', (_, name, json, text) => {
    const report = JSON.parse(cpugate(['explain', name, '--json']).out);
    expect(validateExplain(report), JSON.stringify(validateExplain.errors)).toBe(true);
    expect(report).toMatchObject(json);
    expect(cpugate(['explain', name]).out).toMatch(text);
  });
  it('offers similar names', () => {
    expect(cpugate(['explain', 'avx512vn']).err).toContain('avx512_vnni');
  });
});

describe('colours', () => {
  it.each([
    ['not into a pipe', [], {}, false],
    ['with FORCE_COLOR', [], { FORCE_COLOR: '1' }, true],
    ['with --color', ['--color'], {}, true],
    ['never with NO_COLOR', [], { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['never with --no-color', ['--no-color'], { FORCE_COLOR: '1' }, false],
  ])('%s', (_, args, env, coloured) => {
    expect(cpugate(['show', 'haswell', ...args], { env }).out.includes(ESCAPE)).toBe(coloured);
  });
});

describe('standard output', () => {
  it.skipIf(!existsSync('/dev/full'))('that takes nothing is one message and status 2', () => {
    const descriptor = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [program, 'show', 'haswell'], {
      stdio: ['ignore', descriptor, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(descriptor);
    expect(status).toBe(2);
    expect(stderr).toBe("cpugate: standard output can't be written (ENOSPC)\n");
  });
  it('that closes early is no failure', () => {
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${program}" show --models | head -n 1; echo`],
      { encoding: 'utf8' },
    );
    expect(stdout).toMatch(/^alderlake /);
    expect(stderr).toBe('');
  });
});

describe('the program', () => {
  it('runs by its own name', () => {
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('-o', () => {
  it('writes whole files', () => {
    const path = join(folder, 'out.json');
    expect(cpugate(['convert', 'haswell', '--to', 'profile', '-o', path]).status).toBe(0);
    expect(JSON.parse(readFileSync(path, 'utf8')).kind).toBe('cpugate-host-profile');
  });
  it('keeps the mode of a file and the place of a link', () => {
    const file = join(folder, 'private.json');
    const link = join(folder, 'link.json');
    writeFileSync(file, 'old', { mode: 0o600 });
    symlinkSync(file, link);
    expect(cpugate(['convert', 'haswell', '--to', 'profile', '-o', link]).status).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8')).name).toBe('haswell');
  });
  it('writes to a pipe and leaves it a pipe', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const script = `cat "${pipe}" & "${process.execPath}" "${program}" convert haswell --to profile -o "${pipe}"; wait`;
    const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect(JSON.parse(stdout).name).toBe('haswell');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });
  it('leaves nothing where it fails', () => {
    const before = readdirSync(folder);
    const outcome = cpugate([
      'convert',
      'haswell',
      '--to',
      'profile',
      '-o',
      join(folder, 'nowhere', 'out.json'),
    ]);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(readdirSync(folder)).toEqual(before);
  });
  it('keeps the old file where the new one cannot be made', () => {
    const path = join(folder, 'old.json');
    writeFileSync(path, 'old');
    expect(cpugate(['convert', join(folder, 'none'), '--to', 'profile', '-o', path]).status).toBe(
      2,
    );
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s is a script that asks cpugate', (shell) => {
    const { status, out } = cpugate(['completion', shell]);
    expect(status).toBe(0);
    expect(out).toContain('--get-yargs-completions');
    expect(out.includes('compdef')).toBe(shell === 'zsh');
  });
  it.each([
    [['cpugate', 'ch'], ['check']],
    [
      ['cpugate', 'explain', 'avx512_v'],
      ['avx512_vnni', 'avx512_vbmi2'],
    ],
    [['cpugate', 'check', 'skyl'], ['skylake-sp']],
    [['cpugate', 'check', '--fa'], ['--fail-on']],
    [['cpugate', 'check', '--mode', 'str'], ['strict']],
    [['cpugate', 'convert', 'x', '--to', 'cpuid'], ['cpuid-raw']],
  ])('of %j offers %j', (words, expected) => {
    const offered = cpugate(['--get-yargs-completions', ...words])
      .out.trimEnd()
      .split('\n');
    for (const word of expected) expect(offered).toContain(word);
  });
});
