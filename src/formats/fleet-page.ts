/** A page of `cpugate report` holds the baseline of its hosts, as a baseline's file has it. */
import { PAGE_BASELINE } from '../baseline/stored.js';

const BEGINNING = '<!doctype html>';

/** The bytes of the baseline in it; undefined where it is no such page. Quick for whatever is none. */
export function baselineInPage(bytes: Uint8Array): Uint8Array | undefined {
  const first = new TextDecoder('latin1').decode(bytes.subarray(0, BEGINNING.length));
  if (first !== BEGINNING) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const start = text.indexOf(PAGE_BASELINE);
  const end = text.indexOf('</script>', start);
  if (start < 0 || end < 0) return undefined;
  return new TextEncoder().encode(text.slice(start + PAGE_BASELINE.length, end));
}
