/**
 * A list of flags and nothing else: the value of /proc/cpuinfo's "flags", as people paste it, in one line or
 * wrapped; or that of "runsc cpu-features", with commas. The kernel prints its flags in the order of their
 * bits, from "fpu" on; a list that begins otherwise, or has other words, is not taken for one.
 */

import { featureOfGvisorName, gvisorTells } from '../catalogue/gvisor-names.js';
import type { FeatureName } from '../catalogue/index.js';
import { rowsFromFeatures, xcr0FromFeatures } from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { leafTable } from '../model/leaves.js';
import { type Format, type Input, malformed } from './format.js';
import { hostOfBlocks } from './proc-cpuinfo.js';
import type { Block } from './proc-cpuinfo-blocks.js';
import { endsInsideLine, quote } from './text-dump.js';

/** The kernel's first flags; every x86-64 CPU has those that aren't optional here. */
const KERNEL_LIST =
  /^\s{0,1000}fpu(?:[ \t]|\s{1,8}(?=vme|de|pse|tsc))\s{0,8}(?:vme\s{1,8})?(?:de\s{1,8})?(?:pse\s{1,8})?tsc\s/;
/** gVisor prints them in no order that it promises. */
const GVISOR_LIST = /^\s{0,1000}(?=[a-z0-9_,]{0,4000}\bsse2\b)(?:[a-z0-9_]{1,30},){8}/;
const LONGEST = 65536;

function readKernelList(input: Input): Host {
  const lines = input.text().split(/\r?\n/);
  const first = lines.findIndex((line) => line.trim() !== '');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  const [value = '', ...wrapped] = lines.slice(first, last + 1);
  const stray = wrapped.findIndex(
    (line) => !/^[a-z0-9_ \t.:-]*$/i.test(line) || line.trim() === '',
  );
  if (stray >= 0 || value.includes(':'))
    throw malformed(
      input,
      'holds more than a list of flags',
      { line: first + 2 + Math.max(stray, 0) },
      'Give the list alone, or all of /proc/cpuinfo.',
    );
  const block: Block = new Map([
    ['flags', { value, line: first + 1, ...(wrapped.length === 0 ? {} : { wrapped }) }],
  ]);
  const host = hostOfBlocks(input, 'flag-list', [block]);
  return {
    ...host,
    remarks: [
      ...host.remarks,
      'The list is taken for whole: a flag that it lacks counts as missing.',
    ],
  };
}

function readGvisorList(input: Input): Host {
  const text = input.text();
  const words = text.trim().split(',');
  const at = { line: text.split('\n').findIndex((line) => line.trim() !== '') + 1 };
  if (endsInsideLine(text))
    throw malformed(
      input,
      'ends in the middle of the flags',
      at,
      'Give the whole line: a flag that is cut off would look like a missing feature.',
    );
  const present = new Set<FeatureName>();
  const others: string[] = [];
  for (const word of words) {
    if (!/^[a-z0-9_]{1,30}$/.test(word)) throw malformed(input, `${quote(word)} is not a flag`, at);
    const feature = featureOfGvisorName(word);
    if (feature === undefined) others.push(word);
    else present.add(feature);
  }
  const tells = (name: FeatureName) => gvisorTells(name);
  const rows = rowsFromFeatures(present, (row) => tells(row.name));
  return {
    name: input.name,
    format: 'flag-list',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0: xcr0FromFeatures(present, tells) }],
    remarks: [
      'These are the features that gVisor has a name for, as CPUID shows them there; all others are unknown. XCR0 is what Linux sets for them.',
      ...(others.length === 0
        ? []
        : [`Passed over, as they are not known here: ${others.slice(0, 6).join(' ')}.`]),
    ],
  };
}

export const flagList: Format = {
  name: 'flag-list',
  title: 'a bare list of flags, or output of runsc cpu-features',
  recognise: ({ head, bytes }) =>
    bytes.length <= LONGEST && (KERNEL_LIST.test(head) || GVISOR_LIST.test(head)),
  read: (input) => (GVISOR_LIST.test(input.head) ? readGvisorList(input) : readKernelList(input)),
};
