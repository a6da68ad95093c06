import { basename } from 'node:path';
import { type BaselineOptions, baselineOf } from '../../baseline/baseline.js';
import { JoinJudge, leaveCluster } from '../../baseline/change.js';
import type { Cluster } from '../../baseline/cluster.js';
import { DriftFold } from '../../baseline/drift.js';
import { checkRequirement } from '../../baseline/explain-drop.js';
import { maskable } from '../../baseline/maskable.js';
import { nearestModel } from '../../baseline/nearest.js';
import { poolsOf } from '../../baseline/pools.js';
import { exitStatus } from '../../judge/verdict.js';
import { InputError } from '../../model/errors.js';
import { baselineJson, joinJson, leaveJson } from '../../report/baseline-json.js';
import { shorteningOfCluster } from '../../report/short-names.js';
import type { Arguments } from '../arguments.js';
import { BaselineOutput } from '../baseline-output.js';
import type { Run } from '../command.js';
import { failOnOf } from '../fail-on.js';
import { readRequirement, readVisibleFeature } from '../feature-argument.js';
import { kernelArgument } from '../kernel-argument.js';
import { loadBaseline } from '../load-baseline.js';
import { writeOut } from '../output.js';
import { readCluster } from '../read-cluster.js';
import { describeTerminal } from '../terminal.js';
import { VERSION } from '../version.js';

function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

/** What a baseline is made by. */
const OF_MAKING = ['output', 'pools', 'require', 'without'];

function printJson(json: unknown): void {
  writeOut(`${JSON.stringify(json, null, 2)}\n`);
}

function poolCount(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw usage(`--pools can't be "${text}"`, 'It is "auto" or a number from 1 on.');
  return Number(text);
}

/** What the user asks for, and what the baselines among the hosts were made with. */
function optionsOf(args: Arguments, given: BaselineOptions | undefined): BaselineOptions {
  const without = args.list('without').map((text) => maskable(readVisibleFeature(text)));
  return {
    ...given,
    without: [...new Set([...(given?.without ?? []), ...without])],
    keepLayoutConflicts: args.flag('keep-layout-conflicts') ?? given?.keepLayoutConflicts ?? false,
  };
}

async function makeBaseline(args: Arguments, output: BaselineOutput): Promise<number> {
  const required = args.list('require').map(readRequirement);
  const count = args.text('pools') === undefined ? undefined : poolCount(args.text('pools') ?? '');
  const asked = optionsOf(args, undefined);
  output.hold(args.positionals);
  const input = await readCluster(args.positionals, {
    skipUnreadable: args.flag('skip-unreadable') ?? false,
    output: output.own,
    kernel: kernelArgument(args),
  });
  const options = input.options === undefined ? asked : optionsOf(args, input.options);
  const baseline = baselineOf(input.cluster, options);
  const pools = count === undefined ? undefined : poolsOf(input.cluster, { ...options, count });
  const requirements = required.map((name) => checkRequirement(baseline, name));
  const isMet = requirements.every(({ met }) => met);
  const nearest = nearestModel(baseline);
  const extras = { nearest, required: requirements, pools };
  const outcome = isMet ? output.write(baseline, extras) : undefined;
  if (args.flag('json')) printJson(baselineJson(baseline, { cpugate: VERSION, ...extras }));
  else {
    const { baselineText } = await import('../../report/text/baseline.js');
    const style = describeTerminal(args.flag('color'));
    output.say(baselineText(baseline, { ...extras, outcome }, style));
  }
  return isMet ? 0 : 1;
}

async function addHost(
  args: Arguments,
  wanted: string,
  to: string,
  output: BaselineOutput,
): Promise<number> {
  output.hold([to]);
  const { baseline } = loadBaseline(to);
  const judge = new JoinJudge(basename(to), baseline);
  const { cluster } = await readCluster([wanted], {
    output: output.own,
    kernel: kernelArgument(args),
    onHost: (host) => judge.add(host),
  });
  const join = judge.finish(cluster);
  const outcome = join.accepted
    ? output.write(join.after, { nearest: nearestModel(join.after) })
    : { written: [] };
  if (args.flag('json')) printJson(joinJson(join));
  else {
    const { joinText } = await import('../../report/text/baseline-change.js');
    output.say(joinText(join, wanted, outcome, describeTerminal(args.flag('color'))));
  }
  return join.accepted ? 0 : 1;
}

/** By the whole name, or else as reports call it. */
function findByName(cluster: Cluster, wanted: string): [key: string, name: string][] {
  const all = [...cluster].flatMap(([key, { names }]) =>
    names.map((name): [string, string] => [key, name]),
  );
  const named = all.filter(([, name]) => name === wanted);
  const short = shorteningOfCluster(cluster);
  return named.length > 0 ? named : all.filter(([, name]) => short(name) === wanted);
}

/** The kind and name of the host in the cluster that the user means, by its name or its record. */
async function findHost(
  cluster: Cluster,
  wanted: string,
  kernel: string | undefined,
): Promise<[key: string, name: string]> {
  const named = findByName(cluster, wanted);
  if (named.length > 1)
    throw new InputError('ambiguous-host', `${named.length} kinds of hosts have a "${wanted}"`, {
      remedy: "Give the host's record, a file, instead of its name.",
    });
  if (named[0] !== undefined) return named[0];
  const record = await readRecord(wanted, kernel);
  const [key, group] = [...record][0] as [string, { names: readonly string[] }];
  if (record.size !== 1 || !cluster.has(key))
    throw new InputError('no-such-host', `${wanted}: the baseline holds no such host`, {
      remedy: 'Its hosts stand in the file, under "hosts".',
    });
  return [key, group.names[0] ?? wanted];
}

async function readRecord(wanted: string, kernel: string | undefined): Promise<Cluster> {
  try {
    return (await readCluster([wanted], { kernel })).cluster;
  } catch (error) {
    throw new InputError(
      'no-such-host',
      `the baseline keeps no host of the name "${basename(wanted)}", and there is no such record`,
      {
        remedy:
          'Of many alike only some names are kept; give the record of the host, or of one like it.',
        cause: error,
      },
    );
  }
}

async function removeHost(
  args: Arguments,
  wanted: string,
  from: string,
  output: BaselineOutput,
): Promise<number> {
  output.hold([from]);
  const { baseline, cluster } = loadBaseline(from);
  const [key, name] = await findHost(cluster, wanted, kernelArgument(args));
  if (cluster.size === 1 && cluster.get(key)?.count === 1)
    throw new InputError('last-host', `${name} is the only host`, {
      remedy: 'A baseline needs a host.',
    });
  const leave = leaveCluster(baseline, key, name);
  const outcome = output.write(leave.after, { nearest: nearestModel(leave.after) });
  if (args.flag('json')) printJson(leaveJson(leave));
  else {
    const { leaveText } = await import('../../report/text/baseline-change.js');
    output.say(leaveText(leave, name, outcome, describeTerminal(args.flag('color'))));
  }
  return 0;
}

/** `--check BASELINE HOST...`: its hosts, and whatever else is there now. */
async function checkHosts(args: Arguments, wanted: string): Promise<number> {
  const { baseline } = loadBaseline(wanted);
  const name = basename(wanted);
  const fold = new DriftFold(name, baseline);
  await readCluster(args.positionals, {
    skipUnreadable: args.flag('skip-unreadable') ?? false,
    kernel: kernelArgument(args),
    onHost: (host) => fold.add(host),
  });
  const drift = fold.finish();
  if (args.flag('json')) {
    const { driftJson } = await import('../../report/drift-json.js');
    printJson(driftJson(drift));
  } else {
    const { driftText } = await import('../../report/text/drift.js');
    writeOut(driftText(drift, name, describeTerminal(args.flag('color'))));
  }
  return exitStatus(drift.verdict, failOnOf(args));
}

function refuseOtherOptions(args: Arguments, what: string, options: readonly string[]): void {
  for (const option of options)
    if (args.text(option) !== undefined || args.list(option).length > 0)
      throw usage(`--${option} doesn't go with ${what}`, 'One thing at a time.');
}

async function change(
  args: Arguments,
  output: BaselineOutput,
  { add, remove }: { readonly add: string | undefined; readonly remove: string | undefined },
): Promise<number> {
  const example = 'cpugate baseline --add web-9.json --to cluster.json';
  const to = args.text('to');
  if (add !== undefined && remove !== undefined)
    throw usage('--add and --remove at once', 'One change at a time.');
  if (to === undefined) throw usage('--to BASELINE is missing', `For example: ${example}`);
  const [extra] = args.positionals;
  if (extra !== undefined) throw usage(`one host too many: "${extra}"`, `For example: ${example}`);
  for (const option of ['pools', 'require', 'without'])
    if (args.list(option).length > 0)
      throw usage(`--${option} doesn't go with --add and --remove`, `For example: ${example}`);
  return add === undefined
    ? removeHost(args, remove as string, to, output)
    : addHost(args, add, to, output);
}

export const run: Run = async (args) => {
  const [add, remove, checked] = [args.text('add'), args.text('remove'), args.text('check')];
  if (checked !== undefined) {
    refuseOtherOptions(args, '--check', [...OF_MAKING, 'add', 'remove', 'to']);
    if (args.positionals.length === 0)
      throw usage('HOST is missing', 'For example: cpugate baseline --check cluster.json hosts/');
    return checkHosts(args, checked);
  }
  if (args.text('fail-on') !== undefined)
    throw usage('--fail-on stands alone', 'It goes with --check BASELINE.');
  const output = new BaselineOutput(args);
  try {
    if (add !== undefined || remove !== undefined)
      return await change(args, output, { add, remove });
    if (args.text('to') !== undefined)
      throw usage('--to stands alone', 'It goes with --add HOST or --remove HOST.');
    if (args.positionals.length === 0)
      throw usage('HOST is missing', 'For example: cpugate baseline hosts/ -o cluster.json');
    return await makeBaseline(args, output);
  } finally {
    output.release();
  }
};
