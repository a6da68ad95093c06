/** Values as the JSON that tools rely on (schemas/*.schema.json). Adding a field is no new version. */
import {
  componentName,
  type FeatureName,
  featureRow,
  LEVELS,
  neededState,
  ROWS,
} from '../catalogue/index.js';
import type { KernelRow } from '../catalogue/synthetic-flags.js';
import type { GateReport } from '../judge/gate.js';
import type { Report } from '../judge/judge.js';
import { type Capabilities, effectiveFeatures, x86Level } from '../model/capabilities.js';
import { formatCpuList } from '../model/cpu-list.js';
import { HIGHEST_LEAVES } from '../model/highest-leaves.js';
import type { Host } from '../model/host.js';
import { KERNEL_FACTS, type KernelFact } from '../model/kernel-gives.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { bitsOf, hex } from '../model/registers.js';
import { PRESENT, stateComponent, UNKNOWN } from '../model/xsave.js';
import { type FindingCode, ruleOf } from '../rules/index.js';
import { MODES } from '../rules/mode-names.js';
import { severitiesIn } from '../rules/severities.js';
import { findOddities } from './oddities.js';

export const SCHEMA_VERSION = 1;

function signatureJson(host: Capabilities) {
  return {
    vendor: host.vendor ?? null,
    family: host.signature?.family ?? null,
    model: host.signature?.model ?? null,
    stepping: host.signature?.stepping ?? null,
    brand: host.brand ?? null,
  };
}

function hostJson(host: Capabilities) {
  return { name: host.name, kind: host.kind, ...signatureJson(host) };
}

/**
 * XSAVE as the host shows it. Without an OS to tell what it enabled, what the CPU supports (leaf
 * 0xD.0 EDX:EAX, ECX) stands for XCR0 and the size; `linux` says what Linux would make of it.
 */
function xsaveJson(host: Host, seen: Capabilities) {
  const { xsave } = seen;
  const shown = xsave.basis === 'read' ? xsave.enabled : xsave.offered;
  const leaves = host.cpus[0]?.leaves;
  const isKnown = shown.known !== 0n;
  const none = isKnown && shown.value === 0n;
  return {
    xcr0: isKnown ? hex(shown.value) : null,
    size: none ? 0 : ((xsave.basis === 'read' ? xsave.areaBytes : xsave.offeredBytes) ?? null),
    components:
      leaves === undefined
        ? []
        : bitsOf(shown.value).map((bit) => {
            const place =
              host.cpus.length === 1
                ? stateComponent(leaves, bit)
                : (xsave.components.find((one) => one.bit === bit) ?? stateComponent(leaves, bit));
            return {
              bit,
              name: componentName(bit),
              size: place.size ?? null,
              offset: place.offset ?? null,
            };
          }),
    basis: xsave.basis,
    linux: {
      xcr0: xsave.enabled.known === 0n ? null : hex(xsave.enabled.value),
      size: xsave.areaBytes ?? null,
    },
    compactedSize: xsave.compactedBytes ?? null,
  };
}

/** `show --json`. */
export function showJson(host: Host, seen: Capabilities) {
  const { level, maybeHigher } = x86Level(seen);
  return {
    schemaVersion: SCHEMA_VERSION,
    name: host.name,
    format: host.format,
    kind: host.kind,
    ...signatureJson(seen),
    level: level ?? null,
    levelMayBeHigher: maybeHigher,
    features: effectiveFeatures(seen),
    unknown: ROWS.filter(
      (row) => USER_VISIBLE.has(row.class) && seen.effective(row.name) === UNKNOWN,
    ).map((row) => row.name),
    xsave: xsaveJson(host, seen),
    cpus: seen.logicalCpus,
    cpuGroups: host.cpus.map((cpu) => formatCpuList(cpu.logical)),
    cacheLineBytes: seen.cacheLineBytes ?? null,
    addressBits: {
      linear: seen.linearAddressBits ?? null,
      physical: seen.physicalAddressBits ?? null,
    },
    tscHz: seen.tscHz ?? null,
    tiles: seen.tiles ?? null,
    highestLeaves: highestLeavesJson(seen),
    kernelFacts: kernelFactsJson(seen),
    system: systemJson(seen),
    odd: findOddities(host, seen),
  };
}

function highestLeavesJson({ highestLeaves }: Capabilities) {
  return Object.fromEntries(
    HIGHEST_LEAVES.map((which) => {
      const leaf = highestLeaves[which];
      return [which, leaf === undefined ? null : hex(leaf)];
    }),
  );
}

/** True, false, or null where it isn't known. */
function kernelFactsJson({ kernelFact }: Capabilities) {
  const facts = Object.keys(KERNEL_FACTS) as KernelFact[];
  return Object.fromEntries(
    facts.map((fact) => {
      const presence = kernelFact(fact);
      return [fact, presence === UNKNOWN ? null : presence === PRESENT];
    }),
  );
}

function systemJson({ system }: Capabilities) {
  return {
    kernel: system.kernel ?? null,
    microcode: system.microcode ?? null,
    glibc: system.glibc?.version ?? null,
    glibcLevel: system.glibc?.isaLevel ?? null,
    hypervisor: system.hypervisor ?? null,
    cpuidFaulting: system.cpuidFaulting ?? null,
    hwcap: system.hwcap === undefined ? null : hex(system.hwcap),
    hwcap2: system.hwcap2 === undefined ? null : hex(system.hwcap2),
    minSigStackBytes: system.minSigStackBytes ?? null,
  };
}

/** Whether images were read beside the hosts. */
export function isGateReport(report: Report): report is GateReport {
  return 'images' in report;
}

function gateJson({ images, repair, permitted, forced }: GateReport) {
  if (repair === undefined) return { images, permitted, forced };
  const { verdict, isAsked, repairs, between } = repair;
  const processes = repairs.map(({ pid, sizes }) => ({
    pid,
    sizes: sizes.map(({ before, after }) => ({ before, after })),
  }));
  return { images, repair: { verdict, asked: isAsked, processes, between }, permitted, forced };
}

/** `check --json`. */
export function reportJson(report: Report) {
  return {
    schemaVersion: SCHEMA_VERSION,
    verdict: report.verdict,
    mode: report.mode,
    ...(report.mask === undefined ? {} : { mask: report.mask }),
    from: hostJson(report.from),
    to: hostJson(report.to),
    findings: report.findings,
    allowed: report.allowed,
    ...(report.criu === undefined
      ? {}
      : { criu: report.criu.prediction, portableVerdict: report.criu.portable }),
    ...(report.combinations === undefined ? {} : { combinations: report.combinations }),
    ...(isGateReport(report) ? gateJson(report) : {}),
  };
}

/** `explain --json`. */
export function explainJson(name: FeatureName) {
  const row = featureRow(name);
  return {
    schemaVersion: SCHEMA_VERSION,
    feature: name,
    title: row.title,
    class: row.class,
    leaf: hex(row.leaf),
    subleaf: row.subleaf,
    register: row.reg,
    bit: row.bit,
    vendor: row.vendor ?? null,
    since: row.since ?? null,
    reason: row.reason ?? null,
    silent: row.silent ?? false,
    loss: row.loss ?? null,
    lossBeside: row.lossBeside ?? null,
    restriction: row.restriction ?? null,
    components: neededState(row).map((bit) => ({ bit, name: componentName(bit) })),
    needs: row.needs ?? [],
    neededBy: ROWS.filter((other) => other.needs?.some((edge) => edge.on === name)).map(
      (other) => other.name,
    ),
    level: levelOf(name) ?? null,
    names: row.names ?? {},
    glibcTunable: row.glibcTunable ?? false,
    criuInstruction: row.criuInstruction ?? false,
  };
}

/** What has to be read before a finding of this code can be made. */
export function evidenceFor(code: FindingCode): 'hosts' | 'images' | 'code' | 'criu' {
  const [first] = ruleOf(code).reads;
  return first === 'images' || first === 'code' || first === 'criu' ? first : 'hosts';
}

/** `explain FLAG --json`, of what the kernel alone gives. */
export function explainKernelJson({ name, class: kind, from, note, loss }: KernelRow) {
  return { schemaVersion: SCHEMA_VERSION, flag: name, class: kind, from, title: note, loss };
}

/** `explain CODE --json`. */
export function explainFindingJson(code: FindingCode) {
  const { when, meaning, where, advice } = ruleOf(code);
  return {
    schemaVersion: SCHEMA_VERSION,
    code,
    from: evidenceFor(code),
    when,
    meaning,
    severities: Object.fromEntries(MODES.map((mode) => [mode, severitiesIn(mode, code)])),
    where: where ?? null,
    advice,
  };
}

export function levelOf(name: FeatureName): string | undefined {
  return LEVELS.find((level) => (level.features as readonly FeatureName[]).includes(name))?.name;
}

/** Whether a feature counts on a host, in a word. */
export function presenceWord(host: Capabilities, name: FeatureName): 'yes' | 'no' | 'unknown' {
  const presence = host.effective(name);
  if (presence === PRESENT) return 'yes';
  return presence === UNKNOWN ? 'unknown' : 'no';
}
