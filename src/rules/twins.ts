/**
 * Hosts that call themselves the same CPU and show the same of it. What is unknown of both is the same on
 * both where it is the CPU's: one design and stepping, with the same features left on. It need not be where
 * the kernel decides, or a hypervisor.
 */
import { type FeatureName, ROWS } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ABSENT } from '../model/xsave.js';

const VISIBLE = ROWS.filter((row) => USER_VISIBLE.has(row.class));

/** Vendor, family, model and stepping; undefined where they aren't known, or stand for many CPUs. */
function identityOf({ kind, vendor, signature }: Capabilities): string | undefined {
  if (kind === 'model' || vendor === undefined) return undefined;
  // Skylake-SP, Cascade Lake and Cooper Lake differ in the stepping alone.
  if (signature?.stepping === undefined) return undefined;
  return [vendor, signature.family, signature.model, signature.stepping].join(' ');
}

/** Whether both call themselves the same CPU; what is its own is then the same on both. */
export function isOneCpu(from: Capabilities, to: Capabilities): boolean {
  const identity = identityOf(from);
  return identity !== undefined && identity === identityOf(to);
}

/** Of what doesn't count on a host it is all the same whether the CPU has it. */
function featureKey(host: Capabilities, name: FeatureName): string {
  const effective = host.effective(name);
  return effective === ABSENT ? '-' : `${host.hardware(name)}${effective}`;
}

/** Equal for twins, and for no others; undefined: the host can be nobody's twin. */
export function twinKey(host: Capabilities): string | undefined {
  const identity = identityOf(host);
  if (identity === undefined) return undefined;
  const { enabled, areaBytes, components, shown } = host.xsave;
  return [
    identity,
    host.isBareMetal,
    VISIBLE.map(({ name }) => featureKey(host, name)).join(''),
    VISIBLE.filter((row) => typeof row.bit !== 'number').map(({ name }) => host.fieldValue(name)),
    `${enabled.value} ${enabled.known} ${areaBytes}`,
    components
      .map((one) => `${one.bit},${one.size},${one.offset},${one.isAssumed ?? false}`)
      .join(),
    shown.map((one) => `${one.bit},${one.size},${one.aligned},${one.isKnown}`).join(),
    host.system.glibc?.version,
  ].join('\n');
}

export function areTwins(from: Capabilities, to: Capabilities): boolean {
  // Most pairs differ already here.
  if (!isOneCpu(from, to)) return false;
  return twinKey(from) === twinKey(to);
}
