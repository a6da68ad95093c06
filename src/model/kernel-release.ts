/**
 * Releases of Linux as "uname -r" gives them: "5.14.0-427.el9.x86_64". What users give has to look like
 * one; only the series counts.
 */
import { isSeriesSince } from './release-series.js';

/** There is none beyond the ninth for years to come. */
const RELEASE = /^0?\d\.\d{1,3}(?:\.\d{1,6}){0,2}(?:[-+_~.][\w.+~-]{0,80})?$/;

export function isKernelRelease(text: string): boolean {
  return RELEASE.test(text);
}

/** False where either is no release. */
export function isKernelSince(kernel: string, first: string): boolean {
  return isKernelRelease(kernel) && isSeriesSince(kernel, first);
}
