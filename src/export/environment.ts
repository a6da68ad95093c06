/**
 * Files of environment variables. Those who read them disagree on quotes: --env-file of podman and
 * docker and kubectl --from-env-file take all behind "=" as it stands, quotes too (containers/podman
 * pkg/env/env.go, docker/cli pkg/kvfile, kubernetes kubectl pkg/util/env_file.go), a shell takes an
 * unquoted value apart at blanks, and systemd has rules of its own (systemd src/basic/env-file.c).
 * A value that reaches its program with quotes around it does harm: the JVM doesn't start.
 */
import { InputError } from '../model/errors.js';
import { hashComments } from './comments.js';
import { ENVIRONMENT_FORMAT_NAMES, type EnvironmentFormat } from './environment-formats.js';
import { note, type Remark } from './remark.js';

export interface Variable {
  readonly name: string;
  readonly value: string;
}

export interface VariableGroup {
  /** Above the variables, a paragraph each. */
  readonly comments: readonly string[];
  readonly variables: readonly Variable[];
  /** The variables are shown in comments, and set nothing. */
  readonly isOff?: boolean;
}

interface Format {
  /** A value with one of these can't be written. */
  readonly refused: RegExp;
  line(variable: Variable): string;
  /** What stands above all lines of variables, of which there may be none. */
  head(name: string, isEmpty: boolean): string;
  /** How the file is used. */
  usage(name: string): string;
}

const none = (): string => '';

const FORMATS: Readonly<Record<EnvironmentFormat, Format>> = {
  // Refused are all characters that some reader of such files takes otherwise (Docker Compose and
  // podman 4.7.0 have quotes, "#" and "$"), blanks at the ends, and nothing at all (podman 4 drops "=").
  'env-file': {
    refused: /^$|^\s|\s$|[\p{Cc}\p{Cs}"'`\\$#]/u,
    line: ({ name, value }) => `${name}=${value}`,
    head: none,
    usage: () =>
      'Variables for podman run --env-file FILE, docker run --env-file FILE and kubectl create configmap NAME --from-env-file=FILE, which take values as they are, without quotes. Not for a shell, which takes a value apart at blanks: --format shell.',
  },
  shell: {
    refused: /[\0\p{Cs}]/u,
    line: ({ name, value }) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
    head: none,
    usage: () => 'Variables for a shell: . ./FILE',
  },
  // systemd drops a variable that holds control characters other than these two.
  systemd: {
    refused: /(?![\t\n])[\p{Cc}\p{Cs}]/u,
    line: ({ name, value }) => `${name}="${value.replace(/[\\"`$]/g, '\\$&')}"`,
    head: none,
    usage: () => 'Variables for a systemd unit: EnvironmentFile=/full/path/of/FILE',
  },
  // JSON's strings are YAML's, but for characters that YAML wants escaped.
  yaml: {
    refused: /[\0\p{Cs}]/u,
    line: ({ name, value }) => `  ${name}: ${yamlString(value)}`,
    head: (name, isEmpty) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:${isEmpty ? ' {}' : ''}\n`,
    usage: (name) =>
      `A Kubernetes ConfigMap: kubectl apply -f FILE; a container takes it by envFrom: [{configMapRef: {name: ${name}}}]`,
  },
};

function yamlString(value: string): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function lineOf(format: EnvironmentFormat, variable: Variable): string {
  const { refused, line } = FORMATS[format];
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable.name))
    throw new Error(`${variable.name} is no name of a variable`);
  if (refused.test(variable.value)) {
    const others = ENVIRONMENT_FORMAT_NAMES.filter(
      (one) => !FORMATS[one].refused.test(variable.value),
    );
    throw new InputError(
      'not-expressible',
      `the value of ${variable.name} holds what --format ${format} can't carry`,
      others.length === 0 ? {} : { remedy: `These can: --format ${others.join(', ')}.` },
    );
  }
  return `${line(variable)}\n`;
}

function groupText(
  format: EnvironmentFormat,
  { comments, variables, isOff }: VariableGroup,
): string {
  const lines = variables.map((variable) => lineOf(format, variable));
  return (
    hashComments(comments) +
    lines.map((line) => (isOff ? line.replace(/^(?=.)/gm, '# ') : line)).join('')
  );
}

/** A variable may be set once: kubectl refuses a file with two of a name, YAML a key twice. */
function checkOnce(variables: readonly Variable[]): void {
  const names = variables.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new Error(`${twice} is set twice`);
}

/** The name is that of the ConfigMap. */
export function writeEnvironment(
  format: EnvironmentFormat,
  name: string,
  groups: readonly VariableGroup[],
): string {
  const set = groups.filter(({ isOff }) => isOff !== true).flatMap(({ variables }) => variables);
  checkOnce(set);
  const head = FORMATS[format].head(name, set.length === 0);
  return head + groups.map((group) => groupText(format, group)).join('\n');
}

export function environmentUsage(format: EnvironmentFormat, name: string): Remark {
  return note(FORMATS[format].usage(name));
}
