/** docs/pair-matrix.md from a run: what became of programs, and what the gate had said. */
import type { GateReport } from '../../src/judge/gate.js';
import { judgePair, nameOf, type Outcome, type PairPlan, type PairRun } from './pairs.js';

export interface JudgedPair {
  readonly source: string;
  readonly target: string;
  readonly bare: Outcome;
  readonly masked: Outcome | undefined;
  /** Where `masked` was refused: the same without a signal handler that runs. */
  readonly calm: Outcome | undefined;
  readonly back: Outcome | undefined;
  readonly report: GateReport;
  readonly maskedReport: GateReport | undefined;
}

export function judgeRun(plan: PairPlan, run: PairRun, criu: string): JudgedPair[] {
  const find = (source: string, target: string, kind: Outcome['kind']) =>
    run.outcomes.find(
      (one) => one.source === nameOf(source) && one.target === nameOf(target) && one.kind === kind,
    );
  return plan.hosts.flatMap((source) =>
    plan.hosts.map((target) => {
      const bare = find(source, target, 'bare');
      if (bare === undefined) throw new Error(`${source} → ${target}: no outcome\n${run.log}`);
      return {
        source,
        target,
        bare,
        masked: find(source, target, 'masked'),
        calm: find(source, target, 'calm'),
        back: find(source, target, 'back'),
        report: judgePair(plan, source, target, 'bare', criu),
        maskedReport:
          plan.baseline === undefined ? undefined : judgePair(plan, source, target, 'masked', criu),
      };
    }),
  );
}

/** The gate let through what went wrong. */
export const isMiss = ({ report, bare }: JudgedPair): boolean =>
  report.permitted && bare.became !== 'ok';

/** The gate refused what went well. */
export const isFalseAlarm = ({ report, bare }: JudgedPair): boolean =>
  !report.permitted && bare.became === 'ok';

/** Before the move, after it, and in a program that is executed after it. */
export function maskHolds({ seen }: Outcome): boolean {
  const { before, now, child } = seen;
  return before !== undefined && before === now && before === child;
}

export function reasonsOf(report: GateReport): string {
  const against = report.findings.filter(({ severity }) => severity !== 'info');
  const words = against.map(({ code, feature, component }) =>
    [code, feature ?? component].filter((one) => one !== undefined).join(' '),
  );
  return [...new Set(words)].join(', ');
}

function table(hosts: readonly string[], cell: (source: string, target: string) => string): string {
  const rows = hosts.map((source) =>
    [`**${source}**`, ...hosts.map((target) => cell(source, target))].join(' | '),
  );
  const head = ['from \\ to', ...hosts].join(' | ');
  return [
    head,
    hosts
      .map(() => '---')
      .concat('---')
      .join(' | '),
    ...rows,
  ]
    .map((row) => `| ${row} |`)
    .join('\n');
}

function bareCell({ report, bare }: JudgedPair): string {
  return `${report.permitted ? 'yes' : 'no'}: ${bare.became}`;
}

function maskedCell({ maskedReport, masked, calm, back }: JudgedPair): string {
  if (calm !== undefined) return `no: ${masked?.became}, without the handler ${calm.became}`;
  const holds = masked !== undefined && maskHolds(masked) ? '' : ', mask lost';
  const moved = `${masked?.became ?? '-'}${masked?.became === 'ok' ? holds : ''}`;
  const home = back === undefined ? '' : `, back ${back.became}`;
  return `${maskedReport?.permitted ? 'yes' : 'no'}: ${moved}${home}`;
}

function damageLine({ source, target, bare }: JudgedPair): string {
  return `- ${source} → ${target}: ${bare.became}. ${bare.detail.replace(/\b(ip|sp):[0-9a-f]+/g, '').trim()}`;
}

export interface Circumstances {
  readonly kernel: string;
  readonly criu: string;
}

export function matrixDocument(pairs: readonly JudgedPair[], about: Circumstances): string {
  const hosts = [...new Set(pairs.map(({ source }) => source))];
  const at = (source: string, target: string) =>
    pairs.find((one) => one.source === source && one.target === target) as JudgedPair;
  const wrong = pairs.filter(({ bare }) => bare.became !== 'ok');
  const alarms = pairs.filter(isFalseAlarm);
  return `# Every pair of eight hosts

Made by \`node scripts/pair-matrix.mjs\` from a real run: emulated hosts, Linux ${about.kernel}, CRIU
${about.criu}. The program (test/vm/programs/migrant.c) uses what CPUID shows: libc's vector routines, a
path of its own with AVX2, functions bound after the move, XSAVE into memory of the size that CPUID told,
four threads, and a signal handler that is on the stack during the move with values in vector registers
below it.

## Without a mask

"yes" or "no" is cpugate's answer before the move; behind it, what became of the program when bare CRIU
restored it: ok (it computes the same), wrong (it goes on and computes something else, or its memory is
damaged), died, refused (by CRIU).

${table(hosts, (source, target) => bareCell(at(source, target)))}

cpugate let through ${pairs.filter(isMiss).length} of the ${wrong.length} moves that went wrong. CRIU refused ${wrong.filter(({ bare }) => bare.became === 'refused').length} of them and let the program run in the others:

${wrong
  .filter(({ bare }) => bare.became !== 'refused')
  .map(damageLine)
  .join('\n')}

## False alarms

${alarms.length} moves that cpugate refuses went well, with this program:

${alarms.map(({ source, target, report }) => `- ${source} → ${target}: ${reasonsOf(report)}`).join('\n')}

The gate answers for any program that was started on the source. This one doesn't use what is named there;
another one may have asked for it already. Under a mask from their start, programs can't, and all these
moves are allowed:

## Under the baseline of all eight

The same program, started by \`cpugate run\`, moved by \`cpugate dump\` and \`cpugate restore\`. "ok" means
besides that CPUID showed the same before the move, after it, and to a program that was executed after it.
"back" is the same process, dumped again and restored where it had come from.

${table(hosts, (source, target) => maskedCell(at(source, target)))}
`;
}
