import type { Rule } from '../finding.js';
import { findLosses } from './loss.js';

/**
 * Nothing appears or disappears, only speed or detail. Hosts of one CPU model differ in ERMS by
 * firmware alone, so refusing here would stop moves that are safe.
 */
export const hintMissing: Rule = (from, to) => findLosses('hint-missing', ['hint'], from, to);
