/** QEMU asked over QMP, where it is installed. */
import { spawnSync } from 'node:child_process';

const PROGRAM = 'qemu-system-x86_64';

function versionOf(): string | undefined {
  const { stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return /version (\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/** "7.2"; undefined where there is none. */
export const qemuVersion: string | undefined = versionOf();

interface Command {
  readonly execute: string;
  readonly arguments?: unknown;
}

export interface Started {
  readonly status: number | null;
  readonly errors: string;
  /** What each command returned; undefined for one that failed. */
  readonly returned: readonly unknown[];
}

/** Starts a machine that runs nothing, and ends it. */
export function askQemu(options: readonly string[], commands: readonly Command[]): Started {
  const script = [
    { execute: 'qmp_capabilities' },
    ...commands.map((command, id) => ({ ...command, id })),
    { execute: 'quit' },
  ];
  const { status, stdout, stderr } = spawnSync(
    PROGRAM,
    [...options, '-S', '-nodefaults', '-nographic', '-monitor', 'none', '-serial', 'none'].concat([
      '-qmp',
      'stdio',
    ]),
    {
      input: script.map((command) => `${JSON.stringify(command)}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      timeout: 60_000,
    },
  );
  const answers = new Map<number, unknown>();
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const { id, return: value } = JSON.parse(line) as { id?: number; return?: unknown };
    if (id !== undefined) answers.set(id, value);
  }
  return { status, errors: stderr, returned: commands.map((_, id) => answers.get(id)) };
}

interface FeatureWord {
  readonly 'cpuid-input-eax': number;
  readonly 'cpuid-input-ecx'?: number;
  readonly 'cpuid-register': string;
  readonly features: number;
}

/** Registers by "leaf.subleaf.register". */
export type CpuidWords = ReadonlyMap<string, number>;

/**
 * What a guest with this -cpu is to see: what QEMU's emulator gives it and what it had to leave out
 * for being no such CPU itself.
 */
export function cpuidWords(cpu: string): CpuidWords {
  const get = (property: string) => ({
    execute: 'qom-get',
    arguments: { path: '/machine/unattached/device[0]', property },
  });
  const machine = ['-accel', 'tcg', '-machine', 'pc', '-m', '32'];
  const { returned, errors } = askQemu(
    [...machine, '-cpu', cpu],
    [get('feature-words'), get('filtered-features')],
  );
  const words = new Map<string, number>();
  for (const list of returned as (readonly FeatureWord[] | undefined)[]) {
    if (list === undefined) throw new Error(errors);
    for (const word of list) {
      const key = `${word['cpuid-input-eax']}.${word['cpuid-input-ecx'] ?? 0}.${word['cpuid-register'].toLowerCase()}`;
      words.set(key, ((words.get(key) ?? 0) | word.features) >>> 0);
    }
  }
  return words;
}
