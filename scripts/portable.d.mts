export declare const ALLOWED: ReadonlySet<string>;

export interface ElfNeeds {
  readonly isDynamic: boolean;
  readonly hasInterpreter: boolean;
  readonly hasVersions: boolean;
  readonly needed: readonly string[];
  /** A name is there once for each version. */
  readonly defined: readonly { readonly name: string; readonly version: string | undefined }[];
  readonly wanted: readonly string[];
}

export declare function readElf(bytes: Buffer): ElfNeeds;
export declare function whyNotPortable(parts: {
  readonly addon: Buffer;
  readonly programs: Readonly<Record<string, Buffer>>;
}): string[];
