import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { writeEnvironment } from '../../src/export/environment.js';
import {
  ENVIRONMENT_FORMAT_NAMES,
  type EnvironmentFormat,
} from '../../src/export/environment-formats.js';
import { ENVIRONMENT_TARGETS, findTarget } from '../../src/export/index.js';
import type { Target } from '../../src/export/target.js';
import { InputError } from '../../src/model/errors.js';
import { models } from '../baseline/clusters.js';
import {
  docker,
  kubectlEnvFile,
  kubectlYaml,
  podman,
  type Reader,
  shells,
  systemd,
  type Variables,
} from './environment-readers.js';
import { asFile, isHere, pythonYamlIsHere, readYaml, settingsOf } from './tools.js';

const pyYaml: Reader | undefined = pythonYamlIsHere
  ? async (content) => (readYaml(content) as { data: Variables }).data
  : undefined;

const READERS: readonly (readonly [string, EnvironmentFormat, Reader | undefined])[] = [
  ['podman run --env-file', 'env-file', podman],
  ['docker create --env-file', 'env-file', docker],
  ['kubectl create configmap --from-env-file', 'env-file', kubectlEnvFile],
  ...shells.map(([name, reader]) => [name, 'shell', reader] as const),
  ["systemd's parser", 'systemd', systemd],
  ['kubectl', 'yaml', kubectlYaml],
  ['PyYAML', 'yaml', pyYaml],
];

/** What values are made of, and which formats can't carry it. */
const VALUES: readonly (readonly [string, string, readonly EnvironmentFormat[]])[] = [
  ['one word', 'Haswell', []],
  ['words', '-XX:+A -XX:B=2  AVX512_SKX', []],
  ['a number', '0', []],
  ["YAML's words", 'null', []],
  ['a tilde', '~0x0:~0x2', []],
  ["YAML's signs", '{a: b}, [c] & *d ! | > %e @', []],
  ['"="', 'glibc.cpu.hwcaps=-AVX2,-FMA', []],
  ['a percent sign', '%h', []],
  ["a shell's signs", 'a;b && c | d > e (f) *?[g]!', []],
  ['letters of other languages', 'ä ☃ 漢', []],
  ['blanks at the ends', ' a ', ['env-file']],
  ['a single quote', "it's", ['env-file']],
  ['double quotes', '"a"', ['env-file']],
  ['a backslash', 'a\\b\\', ['env-file']],
  ['a dollar sign', '$HOME $(id)', ['env-file']],
  ['a backquote', '`id`', ['env-file']],
  ['a hash', 'a #b', ['env-file']],
  ['a hash first', '#a', ['env-file']],
  ['a line end', 'a\nb', ['env-file']],
  ['a tab', 'a\tb', ['env-file']],
  ['a carriage return', 'a\rb', ['env-file', 'systemd']],
  ['an escape', 'a\u001bb', ['env-file', 'systemd']],
  ["a control character of YAML's", 'a\u0085b', ['env-file', 'systemd']],
  ['line separators', 'a\u2028b\u2029\ufeffc', []],
  ['nothing', '', ['env-file']],
  ['half a character', 'a\ud800', ['env-file', 'shell', 'systemd', 'yaml']],
  ['a zero byte', 'a\0b', ['env-file', 'shell', 'systemd', 'yaml']],
];

function fileOf(format: EnvironmentFormat, values: readonly string[]): string {
  const variables = values.map((value, place) => ({ name: `X${place}`, value }));
  return writeEnvironment(format, 'x', [{ comments: ['a comment'], variables }]);
}

describe('an environment file', () => {
  it.each(VALUES)(
    'with %s is refused by the formats that can not carry it, whole',
    (_, value, by) => {
      for (const format of ENVIRONMENT_FORMAT_NAMES)
        if (by.includes(format)) {
          expect(() => fileOf(format, ['fine', value]), format).toThrow(InputError);
          expect(() => fileOf(format, [value]), format).toThrow(`X0 holds what --format ${format}`);
        } else expect(fileOf(format, [value])).toContain('X0');
    },
  );
  it('that is refused names the formats that can carry the value', () => {
    const remedy = (format: EnvironmentFormat, value: string) => {
      try {
        return fileOf(format, [value]);
      } catch (error) {
        return (error as InputError).remedy;
      }
    };
    expect(remedy('systemd', 'a\rb')).toBe('These can: --format shell, yaml.');
    expect(remedy('shell', 'a\0b')).toBeUndefined();
  });
  it.each([
    ['env-file', 'X0=a b\n'],
    ['shell', "export X0='a b'\n"],
    ['systemd', 'X0="a b"\n'],
    ['yaml', '  X0: "a b"\n'],
  ] as const)('as %s has one line a variable', (format, line) =>
    expect(fileOf(format, ['a b']).endsWith(`# a comment\n${line}`)).toBe(true),
  );
  it('sets no variable twice, which kubectl and YAML refuse', () => {
    const one = { comments: [], variables: [{ name: 'A', value: '1' }] };
    expect(() => writeEnvironment('yaml', 'x', [one, one])).toThrow('A is set twice');
    expect(writeEnvironment('env-file', 'x', [{ ...one, isOff: true }, one])).toBe(
      '# A=1\n\nA=1\n',
    );
  });
  it('keeps every line of what is off a comment', () => {
    const variables = [{ name: 'A', value: 'a\nb' }];
    const group = { comments: [], variables, isOff: true };
    expect(writeEnvironment('shell', 'x', [group])).toBe("# export A='a\n# b'\n");
  });
});

/** What systemd.exec(5) and src/basic/env-file.c say of a line in double quotes. */
function readSystemdLine(line: string): string | undefined {
  const quoted = /^X0="((?:[^"\\]|\\[\s\S])*)"\n$/.exec(line)?.[1];
  return quoted?.replace(/\\([\s\S])/g, (both, one: string) =>
    one === '\n' ? '' : '"\\`$'.includes(one) ? one : both,
  );
}

it.each(VALUES.filter(([, , by]) => !by.includes('systemd')))(
  'systemd, by its rules, reads %s as it was',
  (_, value) => {
    const line = fileOf('systemd', [value]).replace('# a comment\n', '');
    expect(readSystemdLine(line)).toBe(value);
  },
);

/** The generator that stands for systemd expands "$", and passes over an empty variable. */
const isOutOf = (format: EnvironmentFormat, value: string) =>
  format === 'systemd' && /^$|\$/.test(value);

describe.each(READERS)('%s (%s)', (_, format, reader) => {
  it.skipIf(reader === undefined)(
    'reads every value as it was',
    async () => {
      const values = VALUES.filter(
        ([, value, by]) => !by.includes(format) && !isOutOf(format, value),
      );
      const read = await reader?.(
        fileOf(
          format,
          values.map(([, value]) => value),
        ),
      );
      expect(values.length).toBeGreaterThan(9);
      values.forEach(([title, value], place) => {
        expect(read?.[`X${place}`], title).toBe(value);
      });
    },
    120_000,
  );
  it.skipIf(reader === undefined).each(ENVIRONMENT_TARGETS)(
    'reads the export for %s',
    async (name) => {
      const target = asFile(findTarget(name) as Target);
      const baseline = baselineOf(models('nehalem', 'graniterapids'));
      const write = (one: EnvironmentFormat) =>
        `${target.write(baseline, { format: one, ...(name === 'glibc' ? { glibc: '2.31' } : {}) }).content}`;
      const wanted = settingsOf(write('env-file'));
      expect(Object.keys(wanted).length).toBeGreaterThan(0);
      expect(await reader?.(write(format))).toMatchObject(wanted);
    },
    120_000,
  );
});

describe('the readers', () => {
  it.skipIf(podman === undefined)(
    'podman hands on quotes: a file for a shell is none for it',
    async () => {
      expect((await podman?.('A="a b"\n'))?.A).toBe('"a b"');
    },
    120_000,
  );
  it.skipIf(docker === undefined)('docker does, too', async () => {
    expect((await docker?.('A="a b"\n'))?.A).toBe('"a b"');
  });
  it.skipIf(kubectlEnvFile === undefined)(
    'kubectl refuses a variable that is set twice',
    async () => {
      await expect(kubectlEnvFile?.('A=1\nA=2\n')).rejects.toThrow();
    },
  );
  it.skipIf(!isHere('java', '-version'))('the JVM dies of quotes that were handed on', () => {
    const start = (JAVA_TOOL_OPTIONS: string) =>
      spawnSync('java', ['-version'], {
        encoding: 'utf8',
        env: { ...process.env, JAVA_TOOL_OPTIONS },
      });
    const quoted = start('"-XX:+IgnoreUnrecognizedVMOptions -XX:UseAVX=0"');
    expect(quoted.status).not.toBe(0);
    expect(quoted.stdout + quoted.stderr).toContain('Unrecognized VM option');
    expect(start('-XX:+IgnoreUnrecognizedVMOptions -XX:UseAVX=0').status).toBe(0);
  });
});
