/**
 * CRIU's record about a host as far as it can be told: what its checks compare.
 */
import { componentName } from '../catalogue/index.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import type { Host } from '../model/host.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  and,
  bitsOf,
  type Known64,
  NOTHING_KNOWN,
  or,
  without,
} from '../model/registers.js';
import { viewOfCpu } from './probe.js';
import type { CriuView, Stored } from './record.js';
import { nameUnknownBits } from './words.js';

function viewOfImage(criu: CriuCpuinfo): CriuView {
  const { vendor, family, model, stepping, capabilityVersion, words } = criu;
  const { xfeaturesMask: mask, modelId, xsaveSize, xsaveSizeMax } = criu;
  return {
    capabilityVersion,
    vendor,
    signature: { family, model, stepping },
    words: words.map((value) => ({ value, known: ALL_KNOWN })),
    modelId: modelId ?? 'not-stored',
    xfeaturesMask: mask === undefined ? 'not-stored' : { value: mask, known: ALL_KNOWN_64 },
    xsaveSize: xsaveSize ?? 'not-stored',
    xsaveSizeMax: xsaveSizeMax ?? 'not-stored',
  };
}

function agree<T>(a: Stored<T>, b: Stored<T>): Stored<T> {
  return JSON.stringify(a) === JSON.stringify(b) ? a : undefined;
}

function agreeMasks(a: Stored<Known64>, b: Stored<Known64>): Stored<Known64> {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b ? a : undefined;
  return { value: a.value, known: a.known & b.known & ~(a.value ^ b.value) };
}

/** CRIU asks the CPU that it happens to run on: where CPUs differ, the record can't be told. */
function joinViews(a: CriuView, b: CriuView): CriuView {
  return {
    ...a,
    vendor: agree(a.vendor, b.vendor),
    signature: agree(a.signature, b.signature),
    words: a.words.map((word, place) => {
      const other = b.words[place] ?? NOTHING_KNOWN;
      const differing = or(without(word.value, other.value), without(other.value, word.value));
      return { value: word.value, known: without(and(word.known, other.known), differing) };
    }),
    modelId: agree(a.modelId, b.modelId),
    xfeaturesMask: agreeMasks(a.xfeaturesMask, b.xfeaturesMask),
    xsaveSize: agree(a.xsaveSize, b.xsaveSize),
    xsaveSizeMax: agree(a.xsaveSizeMax, b.xsaveSizeMax),
  };
}

/** A host is asked about again and again where many are compared, and never changes. */
const views = new WeakMap<Host, CriuView>();

/** CRIU's record about a host, as far as it can be told; an image's own words stay as they are. */
export function viewAsCriu(host: Host): CriuView {
  let view = views.get(host);
  if (view === undefined) {
    view =
      host.criu === undefined
        ? host.cpus.map((cpu) => viewOfCpu(cpu, host)).reduce(joinViews)
        : viewOfImage(host.criu);
    views.set(host, view);
  }
  return view;
}

/** What a view doesn't tell, for people; empty: it is complete. */
export function missingInView(view: CriuView): string[] {
  const missing: string[] = [];
  if (view.vendor === undefined) missing.push('the vendor');
  if (view.signature === undefined) missing.push('family, model and stepping');
  if (view.modelId === undefined) missing.push("the processor's name");
  view.words.forEach(({ known }, word) => {
    missing.push(...nameUnknownBits(word, without(ALL_KNOWN, known)));
  });
  const { xfeaturesMask: mask } = view;
  if (mask === undefined) missing.push('the state components in leaf 0xd.0');
  else if (mask !== 'not-stored')
    for (const bit of bitsOf(~mask.known & ALL_KNOWN_64)) missing.push(componentName(bit));
  if (view.xsaveSize === undefined) missing.push("the XSAVE area's size");
  if (view.xsaveSizeMax === undefined) missing.push("the XSAVE area's largest size");
  return missing;
}
