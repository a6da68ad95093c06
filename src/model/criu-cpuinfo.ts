/** What CRIU's cpuinfo.img holds about an x86 CPU, as it stands there (its images/cpuinfo.proto). */
export interface CriuCpuinfo {
  readonly vendor: 'unknown' | 'intel' | 'amd';
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** 1: 12 words; 2: 19 words. */
  readonly capabilityVersion: number;
  readonly words: readonly number[];
  /** A character a byte. */
  readonly modelId: string | undefined;
  /** Absent in images from before CRIU 3.11. */
  readonly xfeaturesMask: bigint | undefined;
  readonly xsaveSize: number | undefined;
  readonly xsaveSizeMax: number | undefined;
}
