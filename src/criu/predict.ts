/**
 * What `criu cpuinfo check --cpu-cap=CAP` says on the target about the image that CRIU writes on the
 * source (or, where the source was read from an image, about that image). CRIU stops at the first
 * thing that it dislikes, and so does the reason; what differs is listed by name beside it.
 */

import type { Host } from '../model/host.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import { capOfCheck, parseCriuCap } from './cap.js';
import { type Check, type CheckResult, CPU_CHECKS, FPU_CHECKS, INS_CHECKS } from './checks.js';
import { presenceInWords } from './probe.js';
import type { CriuView } from './record.js';
import { viewAsCriu } from './view.js';
import { WORDS_BY_VERSION } from './words.js';

export type CriuPrediction =
  | { readonly outcome: 'accepts'; readonly exit: 0 }
  | {
      readonly outcome: 'refuses';
      /** 139: the shell's number for a crash (SIGSEGV). */
      readonly exit: 1 | 139;
      /** CRIU's error, without the place in its source; the shell's for a crash. */
      readonly reason: string;
      /** Features or components of the image that the host lacks. */
      readonly lacking: readonly string[];
      /** What only the host has, where CRIU wants equality. */
      readonly added: readonly string[];
      /** Not known, and might make CRIU refuse for another reason before it comes to this one. */
      readonly missing?: readonly string[];
    }
  | { readonly outcome: 'unknown'; readonly missing: readonly string[] };

/** CRIU's first look at the CPU it runs on. */
const hostIsUsable: Check = (_, host) =>
  presenceInWords(host.words, 'fpu') === PRESENT && presenceInWords(host.words, 'fxsr') === ABSENT
    ? { reason: 'missing support fxsave/restore insns' }
    : {};

/** CRIU knows Intel, AMD and Hygon, and finds nothing on others: without the vendor all is open. */
function unknownVendors(views: readonly CriuView[]): boolean {
  return views.some((view) => view.vendor === undefined);
}

/** The image itself, whatever the host. */
const imageIsUsable: Check = (image) => {
  if (image.vendor === 'unknown') return { reason: 'Unknown cpu vendor 0' };
  const expected = WORDS_BY_VERSION.get(image.capabilityVersion);
  if (expected === undefined)
    return { reason: `Image carries unknown capability version ${image.capabilityVersion}` };
  if (image.words.length !== expected)
    return { reason: `Image carries ${image.words.length} words while ${expected} expected` };
  return {};
};

const CRASH = 'Segmentation fault';

/**
 * CRIU copies the processor's name without looking whether there is one. Images lack it where the
 * CPU has none, and where CRIU didn't know the CPU's vendor.
 */
const imageHasName: Check = (image) =>
  image.modelId === 'not-stored' ? { reason: CRASH, lacking: ["the processor's name"] } : {};

function refusal(result: CheckResult & { reason: string }, open: string[]): CriuPrediction {
  const { reason, lacking = [], added = [] } = result;
  return {
    outcome: 'refuses',
    exit: reason === CRASH ? 139 : 1,
    reason,
    lacking,
    added,
    ...(open.length > 0 ? { missing: open } : {}),
  };
}

/** The checks that CRIU makes for these capabilities, in its order. */
function checksFor(text: string): Check[] {
  const cap = capOfCheck(parseCriuCap(text));
  return [
    hostIsUsable,
    imageIsUsable,
    imageHasName,
    ...(cap.fpu ? FPU_CHECKS : []),
    ...(cap.ins ? INS_CHECKS : []),
    ...(cap.cpu ? CPU_CHECKS : []),
  ];
}

function predict(image: CriuView, host: CriuView, checks: readonly Check[]): CriuPrediction {
  if (unknownVendors([image, host])) return { outcome: 'unknown', missing: ['the vendor'] };
  const open = new Set<string>();
  for (const check of checks) {
    const result = check(image, host);
    const { reason } = result;
    if (reason !== undefined) return refusal({ ...result, reason }, [...open]);
    for (const what of result.missing ?? []) open.add(what);
  }
  return open.size > 0
    ? { outcome: 'unknown', missing: [...open] }
    : { outcome: 'accepts', exit: 0 };
}

/** Throws InputError where CRIU doesn't know the capability. */
export function predictCriu(from: Host, to: Host, cap: string): CriuPrediction {
  return predict(viewAsCriu(from), viewAsCriu(to), checksFor(cap));
}
