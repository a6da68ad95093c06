import type { Finding, Rule } from '../finding.js';

/**
 * Linear addresses are narrower: mappings above 2^47, which a task gets only by asking for such an
 * address, can't be made again. Physical width is the kernel's affair.
 * Source: Linux Documentation/arch/x86/x86_64/5level-paging.rst; CPUID 0x80000008 EAX.
 */
export const addressWidth: Rule = (from, to) => {
  const findings: Finding[] = [];
  const compare = (
    what: string,
    before: number | undefined,
    after: number | undefined,
    severity: 'risk' | 'info',
    effect: string,
  ) => {
    if (before === undefined || after === undefined || after >= before) return;
    findings.push({
      code: 'address-width',
      severity,
      effect: `${what} addresses have ${before} bits on ${from.name} and ${after} on ${to.name}${effect}`,
      remedy: severity === 'risk' ? 'boot' : 'none',
    });
  };
  compare(
    'Linear',
    from.linearAddressBits,
    to.linearAddressBits,
    'risk',
    ': a task that asked for mappings above 2^47 loses them (boot the wider hosts with no5lvl).',
  );
  compare(
    'Physical',
    from.physicalAddressBits,
    to.physicalAddressBits,
    'info',
    '; tasks never see them.',
  );
  return findings;
};
