/** What CRIU writes into cpuinfo.img about an x86 CPU. */

export interface CriuCpuinfo {
  readonly vendor: 'unknown' | 'intel' | 'amd';
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** 1: 12 words; 2: 19 words. */
  readonly capabilityVersion: number;
  readonly words: readonly number[];
  readonly modelId: string | undefined;
  /** Absent in images from before CRIU 3.11. */
  readonly xfeaturesMask: bigint | undefined;
  readonly xsaveSize: number | undefined;
  readonly xsaveSizeMax: number | undefined;
}
