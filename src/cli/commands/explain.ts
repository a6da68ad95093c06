import { findFeature } from '../../catalogue/index.js';
import { type KernelRow, kernelFeature } from '../../catalogue/synthetic-flags.js';
import { InputError } from '../../model/errors.js';
import { printableJson } from '../../model/printable.js';
import { explainFindingJson, explainJson, explainKernelJson } from '../../report/json.js';
import { FINDING_CODES, type FindingCode, isFindingCode } from '../../rules/index.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { type OtherNames, readFeature, readVisibleFeature } from '../feature-argument.js';
import { isPath } from '../load-host.js';
import { writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

function printJson(json: unknown): void {
  writeOut(`${printableJson(json, 2)}\n`);
}

const CODES: OtherNames = { kind: 'finding', names: FINDING_CODES };

/** The feature first, whichever way round they stand. */
function inOrder([first = '', second]: readonly string[]): [wanted: string, other?: string] {
  if (second === undefined) return [first];
  const isSwapped =
    findFeature(first) === undefined && (findFeature(second) !== undefined || isPath(first));
  return isSwapped ? [second, first] : [first, second];
}

/** Why a baseline lacks a feature. */
async function explainWhy(args: Arguments): Promise<number> {
  const [wanted, path] = inOrder(args.positionals);
  if (path === undefined && isPath(wanted))
    throw new InputError('usage', `which feature of ${wanted} is missing`, {
      remedy: `For example: cpugate explain --why avx512f ${wanted}`,
    });
  const name = readVisibleFeature(wanted);
  if (path === undefined)
    throw new InputError('usage', 'the baseline is missing', {
      remedy: `For example: cpugate explain --why ${name} cluster.json`,
    });
  const { loadMask } = await import('../load-baseline.js');
  const { explainDrop } = await import('../../baseline/explain-drop.js');
  const { baseline } = await loadMask(path);
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

function refuseMore(what: string, path: string | undefined, remedy: string): void {
  if (path === undefined) return;
  throw new InputError('usage', `one argument too many: "${path}"`, {
    remedy: `${what}: ${remedy}`,
  });
}

async function explainFeature(args: Arguments, wanted: string, path: string | undefined) {
  const name = readFeature(wanted, CODES);
  refuseMore('For why a baseline lacks the feature', path, `cpugate explain --why ${name} ${path}`);
  if (args.flag('json')) return printJson(explainJson(name));
  const { explainText } = await import('../../report/text/explain.js');
  writeOut(explainText(name, describeTerminal(args.flag('color'))));
}

async function explainFinding(args: Arguments, code: FindingCode, path: string | undefined) {
  refuseMore('A code is explained alone', path, `cpugate explain ${code}`);
  if (args.flag('json')) return printJson(explainFindingJson(code));
  const { explainFindingText } = await import('../../report/text/explain-finding.js');
  writeOut(explainFindingText(code, describeTerminal(args.flag('color'))));
}

async function explainKernel(args: Arguments, wanted: string, path: string | undefined) {
  refuseMore('No baseline has it', path, `cpugate explain ${wanted}`);
  const row = kernelFeature(wanted) as KernelRow;
  if (args.flag('json')) return printJson(explainKernelJson(row));
  const { explainKernelText } = await import('../../report/text/explain.js');
  writeOut(explainKernelText(row, describeTerminal(args.flag('color'))));
}

export const run: Run = async (args) => {
  if (args.flag('why')) return explainWhy(args);
  const [wanted, path] = inOrder(args.positionals);
  if (isFindingCode(wanted)) await explainFinding(args, wanted, path);
  else if (kernelFeature(wanted) !== undefined) await explainKernel(args, wanted, path);
  else await explainFeature(args, wanted, path);
  return 0;
};
