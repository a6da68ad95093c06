/**
 * Releases of Linux as "uname -r" gives them: "5.14.0-427.el9.x86_64". Only the first two numbers count, which
 * is what features come with; comparing them needs no library, so that no command loads one for it.
 */

const RELEASE = /^(\d{1,2})\.(\d{1,3})(?:\.\d{1,6}){0,2}(?:[-+_~.][\w.+~-]{0,80})?$/;
/** There is none beyond it for years to come. */
const LAST_MAJOR = 9;

/** Ascending with releases; undefined where the text is none. */
function orderOf(text: string): number | undefined {
  const match = RELEASE.exec(text);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  return match === null || major > LAST_MAJOR ? undefined : major * 1000 + minor;
}

export function isKernelRelease(text: string): boolean {
  return orderOf(text) !== undefined;
}

/** False where either is no release. */
export function isKernelSince(kernel: string, first: string): boolean {
  const [given, least] = [orderOf(kernel), orderOf(first)];
  return given !== undefined && least !== undefined && given >= least;
}
