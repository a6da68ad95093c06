import { findLosses, sentenceOfLoss } from './losses.js';
import { rule } from './rule.js';

/**
 * Nothing appears or disappears, only speed or detail. Hosts of one CPU model differ in ERMS by
 * firmware alone, so refusing here would stop moves that are safe.
 */
export const hintMissing = rule({
  code: 'hint-missing',
  reads: ['features', 'fields'],
  find: (context) => findLosses(['hint'], context),
  sentence: sentenceOfLoss,
  together: () => 'Only speed or details change.',
  remedy: 'none',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'the target lacks a hint, such as ERMS or FSRM',
  meaning: 'No instruction appears or disappears with it: only speed or detail changes.',
  advice: '',
});
