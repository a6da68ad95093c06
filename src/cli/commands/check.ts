import { basename } from 'node:path';
import { parseCriuCap } from '../../criu/cap.js';
import { type CompareOptions, compareHosts } from '../../judge/compare.js';
import type { Report } from '../../judge/judge.js';
import { exitStatus, VERDICTS } from '../../judge/verdict.js';
import { described, renamed } from '../../model/capabilities.js';
import { InputError } from '../../model/errors.js';
import { printableJson } from '../../model/printable.js';
import { suggest } from '../../model/suggest.js';
import { reportJson } from '../../report/json.js';
import { MODES, type Mode } from '../../rules/mode-names.js';
import { allowedOf } from '../allowed.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { failOnOf } from '../fail-on.js';
import { kernelArgument, refuseUselessKernel, takesKernel } from '../kernel-argument.js';
import { isCloudMachine, isDumpLike, loadFamily, loadHost } from '../load-host.js';
import { writeOut } from '../output.js';
import { sourceOf } from '../source-argument.js';
import { describeTerminal } from '../terminal.js';

function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

/** FROM and TO, as arguments or options, in any mixture that leaves no doubt. */
function hostsOf(args: Arguments): [string, string] {
  const rest = [...args.positionals];
  const from = args.text('from') ?? rest.shift();
  const to = args.text('to') ?? rest.shift();
  if (from === undefined || to === undefined)
    throw usage(
      `the host ${from === undefined ? 'that tasks come from' : 'that tasks go to'} is missing`,
      'For example: cpugate check web-7.json localhost',
    );
  if (rest.length > 0) throw usage(`one host too many: "${rest[0]}"`, 'check compares two hosts.');
  if ([from, to, args.text('mask')].filter((one) => one === '-').length > 1)
    throw usage('only one of them can come from standard input', 'Put the others in files.');
  return [from, to];
}

function modeOf(text: string | undefined): NonNullable<CompareOptions['mode']> {
  if (text === undefined) return 'portable';
  if ((MODES as readonly string[]).includes(text)) return text as Mode;
  if (text === 'criu') return 'criu:default';
  if (text.startsWith('criu:')) {
    parseCriuCap(text.slice('criu:'.length));
    return text as `criu:${string}`;
  }
  throw usage(
    `there is no mode "${text}"`,
    suggest(
      text,
      [...MODES, 'criu'],
      `Modes: ${MODES.join(', ')}, criu:CAP (for example criu:fpu,ins).`,
    ),
  );
}

/** Whether virtual machines are asked about, of which there is but one question. */
function isAboutMachines(args: Arguments): boolean {
  if (args.text('for') !== 'vm') return false;
  const useless = ['mode', 'mask', 'root', 'source', 'criu'].find(
    (name) => args.text(name) !== undefined,
  );
  if (useless === undefined) return true;
  throw usage(
    `--${useless} is about tasks, and --for vm about a virtual machine`,
    'Tasks in it are compared by records from within: without --for.',
  );
}

/** Sentences name hosts often: a file's name without its folders is enough where it is clear. */
function tellApart(
  names: readonly [from: string, to: string],
  specs: readonly [from: string, to: string],
): readonly [from: string, to: string] {
  const short = [basename(names[0]), basename(names[1])] as const;
  if (short[0] !== short[1]) return short;
  if (names[0] !== names[1]) return names;
  // Two records of hosts that call themselves alike.
  const files = [basename(specs[0]), basename(specs[1])] as const;
  return files[0] !== files[1] ? files : [names[0], `${names[1]} (target)`];
}

/** Loaded only when asked for: most checks have none. */
async function maskOf(path: string | undefined): Promise<Pick<CompareOptions, 'mask'>> {
  if (path === undefined) return {};
  const { loadMask } = await import('../load-baseline.js');
  const { name, baseline } = await loadMask(path);
  return { mask: { ...baseline, name } };
}

type Options = Pick<CompareOptions, 'mode' | 'allow' | 'mask' | 'isMachine'>;

/** With all that CRIU's images tell beside the CPU that they were made on. */
async function gateDump(
  [fromName, toName]: [string, string],
  args: Arguments,
  options: Options,
): Promise<Report | undefined> {
  if (!isDumpLike(fromName)) return undefined;
  const { gate, isRelease, loadDump } = await import('../load-images.js');
  const root = args.text('root');
  const images = await loadDump(fromName, root === undefined ? {} : { root });
  if (images === undefined) return undefined;
  const kernel = kernelArgument(args);
  const target = await loadHost(toName, { kernel });
  const source = await sourceOf(args, kernel);
  const hosts = source === undefined ? [target] : [target, source.host];
  refuseUselessKernel(kernel, hosts.some(takesKernel));
  const to = described(target);
  const names = tellApart([images.name, to.host.name], [fromName, toName]);
  const criuVersion = args.text('criu');
  if (criuVersion !== undefined && !isRelease(criuVersion))
    throw usage(`"${criuVersion}" is no version of CRIU`, 'For example: --criu 3.19');
  return gate({ ...images, name: names[0] }, renamed(to, names[1]), {
    ...options,
    ...(criuVersion === undefined ? {} : { criuVersion }),
    ...(source === undefined ? {} : { source }),
  });
}

/** Every CPU that either may have, against each of the other's. */
async function compareFamilies(
  specs: [string, string],
  kernel: string | undefined,
  options: Options,
): Promise<Report> {
  const sides = await Promise.all(
    specs.map(async (spec) =>
      isCloudMachine(spec) ? await loadFamily(spec) : [await loadHost(spec, { kernel })],
    ),
  );
  const [sources = [], targets = []] = sides;
  refuseUselessKernel(kernel, [...sources, ...targets].some(takesKernel));
  const families = [...new Set(specs.filter(isCloudMachine))];
  const reports = sources.flatMap((from) =>
    targets.map((to) => compareHosts(described(from), described(to), { ...options, families })),
  );
  const worst = Math.max(...reports.map(({ verdict }) => VERDICTS.indexOf(verdict)));
  const report = reports.find(({ verdict }) => VERDICTS.indexOf(verdict) === worst) as Report;
  const combinations = reports.map(({ from, to, verdict }) => ({
    from: from.name,
    to: to.name,
    verdict,
  }));
  return { ...report, combinations };
}

async function compareNamed(
  specs: [string, string],
  args: Arguments,
  options: Options,
): Promise<Report> {
  const useless = ['root', 'source', 'criu'].find((name) => args.text(name) !== undefined);
  if (useless !== undefined)
    throw usage(
      `--${useless} says nothing to ${specs[0]}`,
      'It goes with a dump as FROM: a folder of CRIU images, or an archive.',
    );
  const kernel = kernelArgument(args);
  if (specs.some(isCloudMachine)) return compareFamilies(specs, kernel, options);
  const source = await loadHost(specs[0], { kernel });
  const target = specs[0] === specs[1] ? source : await loadHost(specs[1], { kernel });
  refuseUselessKernel(kernel, [source, target].some(takesKernel));
  const names = tellApart([source.name, target.name], specs);
  return compareHosts(renamed(described(source), names[0]), renamed(described(target), names[1]), {
    ...options,
    isOneRecord: source === target,
  });
}

export const run: Run = async (args) => {
  const specs = hostsOf(args);
  const mode = modeOf(args.text('mode'));
  const allow = allowedOf(args.list('allow'));
  const isMachine = isAboutMachines(args);
  const options = { mode, allow, isMachine, ...(await maskOf(args.text('mask'))) };
  const dump = isMachine ? undefined : await gateDump(specs, args, options);
  const report = dump ?? (await compareNamed(specs, args, options));
  if (args.flag('json')) writeOut(`${printableJson(reportJson(report), 2)}\n`);
  else {
    const { checkText } = await import('../../report/text/check.js');
    const style = describeTerminal(args.flag('color'));
    writeOut(checkText(report, style, args.flag('verbose') ?? false));
  }
  if (mode === 'advisory') return 0;
  return exitStatus(report.verdict, failOnOf(args));
};
