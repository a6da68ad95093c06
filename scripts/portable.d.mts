export declare const ALLOWED: ReadonlySet<string>;

export interface ElfNeeds {
  readonly isDynamic: boolean;
  readonly hasInterpreter: boolean;
  readonly hasVersions: boolean;
  readonly needed: readonly string[];
  readonly defined: readonly string[];
  readonly wanted: readonly string[];
}

export declare function readElf(bytes: Buffer): ElfNeeds;
export declare function whyNotPortable(parts: {
  readonly addon: Buffer;
  readonly supervisor: Buffer;
}): string[];
