/** Put in by the build; the source tree has no version of its own. */
declare const CPUGATE_VERSION: string;

export const VERSION: string =
  typeof CPUGATE_VERSION === 'string' ? CPUGATE_VERSION : '0.0.0-source';
