interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }
    >
  >;
}

export declare function bundledPackages(noted: readonly Metafile[]): string[];
export declare function writeLicences(root: string, file: string): void;
