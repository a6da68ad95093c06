/** `matrix --json` (schemas/matrix-report.schema.json). */
import { VERDICTS } from '../judge/verdict.js';
import type { MatrixView } from '../matrix/view.js';
import { printableJson } from '../model/printable.js';

const SCHEMA_VERSION = 1;

export function matrixJson(view: MatrixView) {
  const { names, groups, counts, moves } = view;
  const kindOf = new Uint32Array(names.length);
  for (const [kind, group] of groups.entries()) for (const host of group.hosts) kindOf[host] = kind;
  return {
    schemaVersion: SCHEMA_VERSION,
    mode: 'portable',
    verdictNames: VERDICTS,
    moves,
    counts,
    hosts: names.map((name, host) => ({ name, kind: kindOf[host] as number })),
    kinds: groups.map(({ hosts, family }) => ({ count: hosts.length, hosts, family })),
    verdicts: groups.map((_, from) => groups.map((_, to) => view.rank(from, to))),
  };
}

/** A line each for hosts, kinds and rows: a large matrix must still be quick to write and to look at. */
export function matrixJsonText(view: MatrixView): string {
  const entries = Object.entries(matrixJson(view)).map(([name, value]) => {
    const head = ` ${JSON.stringify(name)}: `;
    const isList = Array.isArray(value) && typeof value[0] === 'object';
    if (!isList) return head + printableJson(value);
    return `${head}[\n${value.map((one) => `  ${printableJson(one)}`).join(',\n')}\n ]`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
}
