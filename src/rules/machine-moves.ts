/**
 * For virtual machines that show their host's CPU (QEMU's "-cpu host", libvirt's host-model and
 * host-passthrough): whether KVM on the target can give all that it gave on the source. QEMU and libvirt
 * compare all bits, hints, mitigations and page tables included: a guest was told of each. What tasks would do
 * without one doesn't count.
 */
import { type FeatureName, featurePosition, featureRow } from '../catalogue/index.js';
import { GIVEN_TO_GUESTS, NESTED } from '../catalogue/kvm-features.js';
import type { Capabilities } from '../model/capabilities.js';
import { isUserVisible } from '../model/prerequisites.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';
import { RECORD } from './advice.js';
import type { Context } from './context.js';
import { rule } from './rule.js';

const MODEL_OF_BOTH =
  'Give the machine a CPU that both hosts have: "cpugate baseline FROM TO -o both.json", then "cpugate export ' +
  'both.json --for libvirt" (or qemu, proxmox, kubevirt, nova). It takes effect at the next start of the machine.';

/** KVM gives what the kernel counts on, so that what it turned off is off. */
function given(host: Capabilities, name: FeatureName): Presence {
  return isUserVisible(name) ? host.effective(name) : host.hardware(name);
}

function sorted({ from, to }: Context, isWanted: (before: Presence, after: Presence) => boolean) {
  return GIVEN_TO_GUESTS.filter((name) => isWanted(given(from, name), given(to, name)));
}

export const machineFeatureMissing = rule({
  code: 'machine-feature-missing',
  reads: ['machine'],
  find: (context) =>
    context.isMachine === true
      ? sorted(context, (before, after) => before === PRESENT && after === ABSENT).map(
          (feature) => ({
            severity: 'blocker' as const,
            feature,
            facts: {
              title: featureRow(feature).title,
              qemu: featureRow(feature).names?.qemu ?? feature,
            },
          }),
        )
      : [],
  sentence: ({ facts: { title, qemu } }, { to }) =>
    `A machine with the source's CPU has ${qemu} (${title}), and ${to} can't give it.`,
  together: () => "A machine with the source's CPU has these, and the target can't give them.",
  remedy: 'boot',
  severities: ['blocker'],
  when: 'KVM gives a machine with host-model or host-passthrough a bit on the source that the target lacks',
  meaning:
    'QEMU with enforce and libvirt refuse to start or take the machine there; without enforce its CPU loses the bit ' +
    'while it runs.',
  advice: MODEL_OF_BOTH,
});

export const machineDataMissing = rule({
  code: 'machine-data-missing',
  reads: ['machine'],
  find: (context) =>
    context.isMachine === true
      ? sorted(
          context,
          (before, after) =>
            (before === UNKNOWN && after !== PRESENT) || (before === PRESENT && after === UNKNOWN),
        ).map((feature) => ({
          severity: 'unknown' as const,
          feature,
          facts: { title: featureRow(feature).title, place: featurePosition(featureRow(feature)) },
        }))
      : [],
  sentence: ({ facts: { title, place } }) =>
    `Unknown for one or both hosts, and a machine would be given it: ${title} (${place}).`,
  together: () => 'Unknown for one or both hosts, and a machine would be given these.',
  remedy: 'record',
  severities: ['unknown'],
  when: 'a bit that KVM may give to machines is unknown',
  meaning:
    'Missing data never becomes a yes. CPU models with names say nothing of what only kernels use.',
  advice: RECORD,
});

export const machineVendorDiffers = rule({
  code: 'machine-vendor-differs',
  reads: ['machine'],
  find: ({ isMachine, from, to }) =>
    isMachine === true &&
    from.vendor !== undefined &&
    to.vendor !== undefined &&
    from.vendor !== to.vendor
      ? [{ severity: 'blocker', facts: { from: from.vendor, to: to.vendor } }]
      : [],
  sentence: ({ facts }) =>
    `A machine with the source's CPU calls itself ${facts.from}; libvirt refuses it on ${facts.to}, and QEMU gives no support for the move.`,
  remedy: 'boot',
  severities: ['blocker'],
  when: 'the hosts are of two vendors',
  meaning: 'A machine that shows the CPU of its host shows the vendor, too.',
  advice: MODEL_OF_BOTH,
});

/** One model: what registers say follows from it and its microcode. */
function areOneModel({ from, to }: Context): boolean {
  const [a, b] = [from.signature, to.signature];
  return (
    a !== undefined &&
    b !== undefined &&
    a.family === b.family &&
    a.model === b.model &&
    a.stepping !== undefined &&
    a.stepping === b.stepping
  );
}

export const machineNotCompared = rule({
  code: 'machine-not-compared',
  reads: ['machine'],
  find: (context) => {
    if (context.isMachine !== true) return [];
    const nested = NESTED.filter((name) => context.from.hardware(name) !== ABSENT);
    const registers =
      context.from.vendor !== 'AuthenticAMD' && context.from.vendor !== 'HygonGenuine';
    return [
      {
        severity: registers && !areOneModel(context) ? ('risk' as const) : ('info' as const),
        facts: { registers, nested: nested.join(' and ') },
      },
    ];
  },
  sentence: ({ facts: { registers, nested } }) => {
    const parts = [
      ...(registers
        ? ['what the register behind arch-capabilities says (rdctl-no, mds-no and others)']
        : []),
      ...(nested === '' ? [] : [`nested virtualisation (${nested} and what belongs to it)`]),
      "the hosts' kernels, QEMU and machine types",
    ];
    return `Not compared, for no record has it: ${parts.join('; ')}.`;
  },
  remedy: 'none',
  severities: ['risk', 'info'],
  where: 'risk between Intel CPUs of two models, whose registers differ; else info',
  when: 'a virtual machine is asked about',
  meaning: 'QEMU and libvirt look at more than CPUID says.',
  advice: '',
});
