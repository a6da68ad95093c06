/**
 * Hosts and baselines in a program's hands are small frozen values; what stands behind each is kept
 * here. So what was checked when it was read needn't be checked again, and a look-alike that wasn't
 * is refused.
 */
import type { Baseline as InnerBaseline } from '../baseline/baseline.js';
import { InputError } from '../model/errors.js';
import type { Host as InnerHost } from '../model/host.js';
import { baselineJson } from '../report/baseline-json.js';
import type { Baseline, Host } from './shapes.js';
import { VERSION } from './version.js';

const hosts = new WeakMap<object, InnerHost>();
const baselines = new WeakMap<object, InnerBaseline>();

/**
 * A copy that nobody can change: what is given may be a part of the catalogue. As in JSON, what is
 * undefined isn't there.
 */
export function frozenCopy<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.freeze(
    Object.fromEntries(entries.map(([name, part]) => [name, frozenCopy(part)])),
  ) as T;
}

export function giveHost(inner: InnerHost): Host {
  const { name, format, kind, remarks } = inner;
  const host = frozenCopy({ name, format, kind, remarks });
  hosts.set(host, inner);
  return host;
}

export function giveBaseline(inner: InnerBaseline): Baseline {
  const baseline: Baseline = frozenCopy(baselineJson(inner, { cpugate: VERSION }));
  baselines.set(baseline, inner);
  return baseline;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function isBaseline(value: unknown): value is Baseline {
  return isObject(value) && baselines.has(value);
}

/** Throws InputError for what isn't made by this library. */
export function innerHost(value: unknown): InnerHost {
  const inner = isObject(value) ? hosts.get(value) : undefined;
  if (inner !== undefined) return inner;
  throw new InputError('usage', 'is no host that this library made', {
    place: { at: 'host' },
    remedy: 'Make one with readHost, readModel, or probeHost of cpugate/probe; a copy is none.',
  });
}

/** Throws InputError for what isn't made by this library. */
export function innerBaseline(value: unknown): InnerBaseline {
  const inner = isObject(value) ? baselines.get(value) : undefined;
  if (inner !== undefined) return inner;
  throw new InputError('usage', 'is no baseline that this library made', {
    place: { at: 'baseline' },
    remedy: 'Make one with baselineOf, or with readBaseline of its JSON; a copy is none.',
  });
}
