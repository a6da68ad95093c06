import { hex } from '../model/registers.js';
import { lostUnnamedBits } from '../model/unnamed-bits.js';
import { BASELINE } from './advice.js';
import { rule } from './rule.js';

/**
 * A bit of a feature register that is set at the source and not at the target, and that no manual or
 * project known to the catalogue names. It may stand for instructions that tasks have chosen.
 * Source: Intel SDM vol. 2A, CPUID: reserved bits read as zero until they mean something.
 */
export const unnamedFeatureMissing = rule({
  code: 'unnamed-feature-missing',
  reads: ['unnamed'],
  find: ({ from, to }) =>
    lostUnnamedBits(from.unnamed, to.unnamed).map(({ leaf, subleaf, reg, bit, isClear }) => ({
      severity: 'unknown',
      facts: { leaf, subleaf, register: reg, bit, isClear },
    })),
  sentence: ({ facts: { leaf, subleaf, register, bit, isClear } }, { from, to }) =>
    `Leaf ${hex(leaf)}.${subleaf} ${register.toUpperCase()} bit ${bit} is set on ${from} and ` +
    `${isClear ? 'clear' : 'unknown'} on ${to}. The catalogue has no name for it: it may stand for ` +
    'instructions.',
  remedy: 'launch-mask',
  severities: ['unknown'],
  when: 'a bit of a feature register that has no name is set at the source and not at the target',
  meaning:
    'New CPUs have bits that no manual or project has described yet. Such a bit may stand for instructions. ' +
    'A mask hides bits without a name.',
  advice: BASELINE,
});
