declare const CPUGATE_VERSION: string;

/** The package's version; the build puts it in. */
export const VERSION: string =
  typeof CPUGATE_VERSION === 'string' ? CPUGATE_VERSION : '0.0.0-source';
