import { acceptanceText, acceptedBy } from './accepted.js';
import type { Context } from './context.js';
import { rule } from './rule.js';

function narrower(before: number | undefined, after: number | undefined) {
  return before === undefined || after === undefined || after >= before
    ? undefined
    : { before, after };
}

function linear(context: Context) {
  const found = narrower(context.from.linearAddressBits, context.to.linearAddressBits);
  if (found === undefined) return [];
  const acceptedIn = acceptedBy(context, 'linearAddressBits', found.before, found.after);
  const severity = acceptedIn === null ? ('risk' as const) : ('info' as const);
  return [{ severity, facts: { ...found, isLinear: true, acceptedIn } }];
}

function physical({ from, to }: Context) {
  const found = narrower(from.physicalAddressBits, to.physicalAddressBits);
  if (found === undefined) return [];
  return [{ severity: 'info' as const, facts: { ...found, isLinear: false, acceptedIn: null } }];
}

/**
 * Linear addresses are narrower: mappings above 2^47, which a task gets only by asking for such an
 * address, can't be made again. Physical width is the kernel's affair.
 * Source: Linux Documentation/arch/x86/x86_64/5level-paging.rst; CPUID 0x80000008 EAX.
 */
export const addressWidth = rule({
  code: 'address-width',
  reads: ['numbers'],
  find: (context) => [...linear(context), ...physical(context)],
  sentence: ({ facts: { before, after, isLinear, acceptedIn } }, { from, to }) =>
    `${isLinear ? 'Linear' : 'Physical'} addresses have ${before} bits on ${from} and ${after} on ${to}` +
    (isLinear
      ? ': a task that asked for mappings above 2^47 loses them.'
      : '; tasks never see them.') +
    (acceptedIn === null ? '' : acceptanceText(acceptedIn)),
  remedy: ({ severity }) => (severity === 'info' ? 'none' : 'boot'),
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['risk', 'info'],
  where:
    "risk for linear addresses, info for physical ones and between hosts of the tasks' baseline",
  when: 'the target has narrower linear or physical addresses',
  meaning:
    "Mappings above 2^47, which a task gets only by asking for them, can't be made again. Tasks never see " +
    'physical addresses.',
  advice:
    'Boot the hosts with the wider addresses with the kernel option no5lvl. Tasks that never ask for addresses ' +
    'above 2^47 are safe without it.',
});
