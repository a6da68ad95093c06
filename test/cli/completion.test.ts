/** Completion: what is offered where, and that shells which are here show it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complete, FILES } from '../../src/cli/complete.js';
import { SHELLS } from '../../src/cli/specs/completion.js';
import { COMMANDS } from '../../src/cli/specs/index.js';
import { cpugate, program } from './run.js';

describe('the words at the cursor', () => {
  it.each<[line: string, offered: readonly string[]]>([
    ['ch', ['check']],
    ['help ch', ['check']],
    ['check skyl', [FILES, 'skylake-sp']],
    ['check a.json skyl', [FILES, 'skylake-sp']],
    ['check a.json b.json skyl', []],
    ['matrix a.json b.json skyl', [FILES, 'skylake-sp']],
    ['check --from skyl', [FILES, 'skylake-sp']],
    ['check --mask skyl', [FILES, 'skylake-sp']],
    ['run --mask skyl', [FILES, 'skylake-sp']],
    ['run --mask a.json -- skyl', [FILES]],
    ['check --fa', ['--fail-on']],
    ['check --mode str', ['strict']],
    ['check --mode=str', ['strict']],
    ['check --mode criu:f', ['criu:fpu']],
    ['check --allow avx512_vp', ['avx512_vpopcntdq', 'avx512_vp2intersect']],
    ['check --allow zmm', ['zmm_hi256']],
    ['convert x --to cpuid', ['cpuid-raw']],
    ['export x.json --for q', ['qemu']],
    ['export x.json --for=q', ['qemu']],
    ['export x.json --for = q', ['qemu']],
    [
      'export x.json --for =',
      [...(COMMANDS.find(({ name }) => name === 'export')?.options.for?.choices ?? [])],
    ],
    ['baseline --without avx512_vp', ['avx512_vpopcntdq', 'avx512_vp2intersect']],
    ['baseline --without=avx2,fm', ['avx2,fma', 'avx2,fma4']],
    ['baseline --require x86-64-v3', ['x86-64-v3']],
    ['baseline --require avx512_vp', ['avx512_vpopcntdq', 'avx512_vp2intersect']],
    ['baseline --pools a', ['auto']],
    ['baseline -o w', [FILES]],
    ['baseline --output w', [FILES]],
    ['explain xsave-area-g', ['xsave-area-grows']],
    ['explain avx512_vp', ['avx512_vpopcntdq', 'avx512_vp2intersect']],
    ['explain --why avx512f clus', [FILES]],
    ['hook c', ['criu']],
    ['hook o', ['oci']],
    ['completion z', ['zsh']],
    ['chekc w', []],
    ['check --nothing=w', []],
    ['check --constructor w', [FILES, 'westmere']],
  ])('of "%s"', (line, offered) => {
    expect(new Set(complete(line.split(' ')))).toEqual(new Set(offered));
  });
  it('after a blank are all that may follow, files first', () => {
    const hosts = complete(['check', '']);
    expect(hosts[0]).toBe(FILES);
    expect(hosts).toContain('localhost');
    expect(complete([''])).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
    expect(complete(['hook', ''])).toEqual(['criu', 'oci']);
  });
  it('may ask for help', () => {
    const asked = cpugate(['--get-yargs-completions', 'cpugate', 'check', '--help', 'skyl']);
    expect(asked.out).toBe(`${FILES}\nskylake-sp\n`);
    expect(complete(['check', '--h'])).toEqual(['--help']);
  });
});

function isHere(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

describe('in a shell', () => {
  let folder = '';
  const run = (shell: string, args: readonly string[]) =>
    spawnSync(shell, args, {
      encoding: 'utf8',
      cwd: join(folder, 'here'),
      env: {
        ...process.env,
        HOME: folder,
        PATH: `${folder}${delimiter}${process.env.PATH}`,
      },
    });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-completion-'));
    mkdirSync(join(folder, 'here'));
    for (const name of ['web-7.json', 'web 8.json']) writeFileSync(join(folder, 'here', name), '');
    mkdirSync(join(folder, 'here', 'wide'));
    writeFileSync(
      join(folder, 'cpugate'),
      `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`,
    );
    chmodSync(join(folder, 'cpugate'), 0o755);
    for (const shell of SHELLS)
      writeFileSync(join(folder, `for-${shell}`), cpugate(['completion', shell]).out);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inBash = (...words: string[]): string[] => {
    const script =
      'source "$HOME/for-bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cpugate; printf "%s\\n" "${COMPREPLY[@]}"';
    return run('bash', ['-c', script, 'bash', 'cpugate', ...words])
      .stdout.split('\n')
      .slice(0, -1);
  };
  describe.skipIf(!isHere('bash'))('bash', () => {
    it('shows files before models', () => {
      const offered = inBash('check', 'w');
      expect(offered.slice(0, 3).sort()).toEqual(['web 8.json', 'web-7.json', 'wide']);
      expect(offered.slice(3)).toEqual(['westmere']);
    });
    it('shows values behind "=", as it takes the word apart', () => {
      expect(inBash('export', 'x.json', '--for', '=', 'q')).toEqual(['qemu']);
      expect(inBash('baseline', '--require', '=')).toContain('x86-64-v3');
      expect(inBash('check', '--mask', '=', 'web-')).toEqual(['web-7.json']);
    });
    it('registers for the program', () => {
      const { stdout, stderr } = run('bash', [
        '-c',
        'source "$HOME/for-bash"; complete -p cpugate',
      ]);
      expect(stderr).toBe('');
      expect(stdout).toContain('-F _cpugate cpugate');
    });
  });

  describe.skipIf(!isHere('zsh'))('zsh', () => {
    it('takes the script, and is offered the words', () => {
      // Completion's own functions, as they are called: what they are given is printed.
      const script = `
        compdef() { :; }; compset() { PREFIX=\${PREFIX#--*=}; }
        _files() { print -l -- web-*; }
        compadd() { print -l -- "\${(@M)offered:#$PREFIX*}"; }
        source ~/for-zsh
        words=(cpugate "$@"); CURRENT=$#words; PREFIX=$words[-1]; _cpugate`;
      const offered = (...words: string[]) => run('zsh', ['-fc', script, 'zsh', ...words]).stdout;
      expect(offered('check', 'w')).toBe('web-7.json\nwestmere\n');
      expect(offered('export', 'x', '--for=q')).toBe('qemu\n');
    });
  });

  describe.skipIf(!isHere('fish'))('fish', () => {
    const offered = (line: string) => {
      const script = `source ~/for-fish; complete -C '${line}'`;
      return run('fish', ['--no-config', '-c', script])
        .stdout.split('\n')
        .map((word) => word.split('\t')[0])
        .filter((word) => word !== '');
    };
    it('shows files before models', () => {
      expect(offered('cpugate check web-')).toEqual(['web-7.json']);
      expect(offered('cpugate check w')).toContain('westmere');
    });
    it('shows values behind "="', () => {
      expect(offered('cpugate export x.json --for=q')).toEqual(['--for=qemu']);
      expect(offered('cpugate check --mask=web-')).toEqual(['--mask=web-7.json']);
    });
  });

  it('without a script of its own gets that of bash, and one that is named is a name', () => {
    const { out } = cpugate(['completion'], { env: { SHELL: '/bin/dash' } });
    expect(out).toBe(cpugate(['completion', 'bash']).out);
    expect(cpugate(['completion'], { env: { SHELL: '/usr/bin/fish' } }).out).toContain('fish');
    expect(cpugate(['completion', 'tcsh']).err).toContain('bash, zsh, fish');
  });
});
