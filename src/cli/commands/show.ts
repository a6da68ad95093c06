import { describeHost } from '../../model/capabilities.js';
import { InputError } from '../../model/errors.js';
import { showJson } from '../../report/json.js';
import type { Run } from '../command.js';
import { loadHost } from '../load-host.js';
import { writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

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
    aliases.length === 0 ? title : `${title} ${colors.dim(`also: ${aliases.join(', ')}`)}`,
  ]);
  writeOut(`${columns(rows, width, '')}\n`);
  return 0;
}

export const run: Run = async (args) => {
  const json = args.flag('json') ?? false;
  if (args.flag('models')) return showModels(json, args.flag('color'));
  const names = args.positionals;
  if (names.length === 0)
    throw new InputError('usage', 'HOST is missing', {
      remedy:
        'For example: cpugate show localhost. "cpugate show --help" tells what else it takes.',
    });
  const { showText } = json ? { showText: undefined } : await import('../../report/text/show.js');
  let separator = '';
  for (const name of names) {
    const host = await loadHost(name);
    const seen = describeHost(host);
    if (showText === undefined)
      writeOut(`${JSON.stringify(showJson(host, seen), null, names.length === 1 ? 2 : 0)}\n`);
    else {
      writeOut(separator + showText(host, seen, describeTerminal(args.flag('color'))));
      separator = '\n';
    }
  }
  return 0;
};
