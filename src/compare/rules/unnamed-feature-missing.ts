import { hex } from '../../model/registers.js';
import { lostUnnamedBits } from '../../model/unnamed-bits.js';
import type { Rule } from '../finding.js';

/**
 * A bit of a feature register that is set at the source and not at the target, and that no manual or
 * project known to the catalogue names. It may stand for instructions that tasks have chosen.
 * Source: Intel SDM vol. 2A, CPUID: reserved bits read as zero until they mean something.
 */
export const unnamedFeatureMissing: Rule = (from, to) =>
  lostUnnamedBits(from.unnamed, to.unnamed).map(({ leaf, subleaf, reg, bit, isClear }) => ({
    code: 'unnamed-feature-missing',
    severity: 'unknown',
    effect:
      `Leaf ${hex(leaf)}.${subleaf} ${reg.toUpperCase()} bit ${bit} is set on ${from.name} and ` +
      `${isClear ? 'clear' : 'unknown'} on ${to.name}. The catalogue has no name for it: it may stand for ` +
      'instructions.',
    remedy: 'launch-mask',
  }));
