import { InputError } from '../../model/errors.js';
import { explainJson } from '../../report/json.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { readFeature, readVisibleFeature } from '../feature-argument.js';
import { writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

function printJson(json: unknown): void {
  writeOut(`${JSON.stringify(json, null, 2)}\n`);
}

/** Why a baseline lacks a feature. */
async function explainWhy(args: Arguments): Promise<number> {
  const [wanted = '', path] = args.positionals;
  const name = readVisibleFeature(wanted);
  if (path === undefined)
    throw new InputError('usage', 'the baseline is missing', {
      remedy: `For example: cpugate explain --why ${name} cluster.json`,
    });
  const { loadBaseline } = await import('../load-baseline.js');
  const { explainDrop } = await import('../../baseline/explain-drop.js');
  const { baseline } = loadBaseline(path);
  if (args.flag('json')) {
    const { whyJson } = await import('../../report/baseline-json.js');
    printJson(whyJson(explainDrop(baseline, name)));
  } else {
    const { nameShortly } = await import('../../report/short-names.js');
    const { whyText } = await import('../../report/text/why.js');
    const why = explainDrop(nameShortly(baseline), name);
    writeOut(whyText(why, path, describeTerminal(args.flag('color'))));
  }
  return 0;
}

export const run: Run = async (args) => {
  if (args.flag('why')) return explainWhy(args);
  const [wanted = '', path] = args.positionals;
  const name = readFeature(wanted);
  if (path !== undefined)
    throw new InputError('usage', `one argument too many: "${path}"`, {
      remedy: `Why a baseline lacks a feature tells: cpugate explain --why ${name} ${path}`,
    });
  if (args.flag('json')) printJson(explainJson(name));
  else {
    const { explainText } = await import('../../report/text/explain.js');
    writeOut(explainText(name, describeTerminal(args.flag('color'))));
  }
  return 0;
};
