/** Pages for people who come with a file or an error message: what they type must work as it stands there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { root } from '../cli/run.js';
import { dumpText } from '../formats/dump-text.js';
import { fixtureText } from '../formats/fixture.js';
import { examplesOf, folder, pattern, type } from './typed-examples.js';

const page = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');

// The paste that the first page shows.
const [shown] = examplesOf('which-file.md');
writeFileSync(join(folder, 'flags.txt'), shown?.output ?? '');

describe.each(['which-file.md', 'errors.md'])('docs/%s', (name) => {
  it.each(examplesOf(name).map(({ command, output }) => [command, output]))(
    '%s prints what stands there',
    (command, output) => {
      expect(type(command)).toMatch(pattern(output));
    },
  );
});

describe('each command in the table of files', () => {
  const rows = page('which-file.md')
    .split('\n')
    .filter((line) => /^\| .*` /.test(line) || /^\| .*`[^|]*\|/.test(line));
  const flags = /Flags:\s+(.*)/.exec(dumpText('haswell-guest-2-cpus.lscpu'))?.[1];
  /** What such a command printed, and the format that it is read as. */
  const printed: readonly (readonly [command: string, text: string, format: string])[] = [
    ['cpugate probe', fixtureText('profile'), 'profile'],
    ['--list-diagnostics', dumpText('emerald-rapids.ld-diagnostics'), 'ld-diagnostics'],
    ['cpuid -1 -r', dumpText('haswell-guest.cpuid-1-r'), 'cpuid-raw'],
    ['cat /proc/cpuinfo', dumpText('haswell-guest.cpuinfo'), 'proc-cpuinfo'],
    ['lscpu', dumpText('haswell-guest-2-cpus.lscpu'), 'lscpu'],
    [
      'grep x86/fpu',
      `${flags}\n[    0.0] x86/fpu: Enabled xstate features 0x7, context size is 832 bytes, using 'standard' format.\n`,
      'flag-list',
    ],
    ['virsh capabilities', fixtureText('capabilities'), 'libvirt-cpu'],
    ['kubectl get nodes -o json', fixtureText('node'), 'kubernetes-node'],
    [
      'xl info',
      'hw_caps                : 178bf3ff:76f8320b:2e500800:244037ff:0000000f:219c91a9:00400004:00000500\nxen_version            : 4.17.5\n',
      'xen',
    ],
    [
      'xe host-cpu-info',
      'vendor          : GenuineIntel\nfeatures_hvm    : 1fcbfbff-f7fa3223-2d93fbff-00000523-0000000f-f1bf07ab-00000000-00000100\n',
      'xen',
    ],
    [
      '-XX:+ShowCPUFeatures',
      "This machine's CPU features are: -XX:CPUFeatures=0x21801fdfbd7,0x3e6\nopenjdk 21.0.6 2025-01-21 LTS\n",
      'crac',
    ],
  ];
  it.each(printed)('%s: what it prints is read', async (command, text, format) => {
    expect(rows.some((row) => row.includes(command))).toBe(true);
    const host = await readHost('x', Buffer.from(text, 'latin1'));
    // A profile says of itself where it was made.
    expect(host.format).toBe(format === 'profile' ? 'localhost' : format);
  });
  it('is tried here', () => {
    const commands = rows.flatMap((row) =>
      [...row.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? ''),
    );
    const untried = commands.filter(
      (command) => / /.test(command) && !printed.some(([known]) => command.includes(known)),
    );
    expect(untried).toEqual(['cpugate show --models']);
  });
});

describe('messages on the page of errors', () => {
  const text = page('errors.md');
  it.each([['CRIU', readFileSync(join(root, 'src/criu/checks.ts'), 'utf8')]])(
    'of %s are those that a check predicts',
    (_, source) => {
      for (const message of [
        'FPU feature required by image is not supported on host',
        'CPU xfeatures has unsupported bits',
        'CPU instruction capabilities do not match run time',
        'CPU capabilities do not match run time',
      ]) {
        expect(text).toContain(message);
        expect(source).toContain(message);
      }
    },
  );
  it('of a JVM are read as hosts, as the page says', async () => {
    const message = /^Restore failed due to .*$/m.exec(text)?.[0] ?? '';
    expect((await readHost('x', Buffer.from(`openjdk 25\n${message}\n`))).format).toBe('crac');
  });
});
