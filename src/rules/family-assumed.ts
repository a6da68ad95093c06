import { RECORD } from './advice.js';
import { rule } from './rule.js';

/**
 * A cloud's family of machines stands for what its provider's document says of the CPU. A machine shows that or
 * less, and its hypervisor decides which state it may enable: only the machine itself tells.
 */
export const familyAssumed = rule({
  code: 'family-assumed',
  reads: ['family'],
  find: ({ families = [] }) => families.map((name) => ({ severity: 'risk', facts: { name } })),
  sentence: ({ facts: { name } }) =>
    `Machines of ${name} are taken for all that the CPUs in its provider's document have; a hypervisor hides some of it, and its size of the XSAVE area may be another.`,
  remedy: 'record',
  severities: ['risk'],
  when: "a host is named by a cloud's family of machines",
  meaning:
    'The document is an upper bound of what such a machine shows, and the kind of CPU that it gets is chance.',
  advice: RECORD,
});
