import { describeHost } from '../../model/capabilities.js';
import { describeInputError, InputError, isInputError } from '../../model/errors.js';
import type { Host } from '../../model/host.js';
import { printableJson } from '../../model/printable.js';
import { showJson } from '../../report/json.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { hostFilesIn } from '../host-folder.js';
import { kernelArgument, refuseUselessKernel, takesKernel } from '../kernel-argument.js';
import { isFolder, isImageFolder, loadEachHost } from '../load-host.js';
import { writeErr, writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

const UNREADABLE = 2;

async function showModels(json: boolean, color: boolean | undefined): Promise<number> {
  const { PROFILE_INDEX } = await import('../../generated/profile-index.js');
  if (json) {
    writeOut(`${JSON.stringify(PROFILE_INDEX, null, 2)}\n`);
    return 0;
  }
  const { columns } = await import('../../report/text/columns.js');
  const { colors, width } = describeTerminal(color);
  const rows = Object.entries(PROFILE_INDEX).map(([name, { title, aliases }]) => [
    colors.bold(name),
    aliases.length === 0 ? title : `${title}; ${colors.dim(`also: ${aliases.join(', ')}`)}`,
  ]);
  writeOut(`${columns(rows, width, '')}\n`);
  return 0;
}

/** Of a folder, unless CRIU has filled it, all hosts that are in it. */
function hostsOf(name: string): readonly string[] {
  if (!isFolder(name) || isImageFolder(name)) return [name];
  const files = hostFilesIn(name);
  if (files.length > 0) return files;
  throw new InputError('empty', 'holds no file', {
    place: { file: name },
    remedy: 'Folders within it are not looked into; name them.',
  });
}

/** A host that is alone stands in more than one line of JSON. */
type Print = (host: Host, isAlone: boolean) => void;

async function printerOf(args: Arguments): Promise<Print> {
  if (args.flag('json'))
    return (host, isAlone) => {
      writeOut(`${printableJson(showJson(host, describeHost(host)), isAlone ? 2 : 0)}\n`);
    };
  const { showText } = await import('../../report/text/show.js');
  const style = describeTerminal(args.flag('color'));
  let separator = '';
  return (host) => {
    writeOut(separator + showText(host, describeHost(host), style));
    separator = '\n';
  };
}

/** Goes on after what can't be read, and names it. Gives the exit status. */
async function showAll(
  names: readonly string[],
  print: Print,
  isOne: boolean,
  kernel: string | undefined,
): Promise<number> {
  let status = 0;
  let isKernelUsed = false;
  const guard = async (act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      if (!isInputError(error)) throw error;
      writeErr(`cpugate: ${describeInputError(error)}\n`);
      status = UNREADABLE;
    }
  };
  const show = async (file: string) => {
    const hosts = await loadEachHost(file, { kernel });
    for (const read of hosts)
      await guard(async () => {
        const host = read();
        isKernelUsed ||= takesKernel(host);
        print(host, isOne && hosts.length === 1);
      });
  };
  for (const name of names)
    await guard(async () => {
      for (const file of hostsOf(name)) await guard(() => show(file));
    });
  if (status === 0) refuseUselessKernel(kernel, isKernelUsed);
  return status;
}

export const run: Run = async (args) => {
  if (args.flag('models')) return showModels(args.flag('json') ?? false, args.flag('color'));
  const { positionals } = args;
  if (positionals.length === 0)
    throw new InputError('usage', 'HOST is missing', {
      remedy:
        'For example: cpugate show localhost. "cpugate show --help" tells what else it takes.',
    });
  const [first = ''] = positionals;
  const isOne = positionals.length === 1 && (!isFolder(first) || isImageFolder(first));
  const kernel = kernelArgument(args);
  return showAll(positionals, await printerOf(args), isOne, kernel);
};
