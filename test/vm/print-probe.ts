/** Runs in a guest: prints the host that the probe sees as JSON, bigints as decimal text. */
import { probeHost } from '../../src/probe/index.js';

const host = probeHost();

const printed = {
  remarks: host.remarks,
  system: host.system ?? {},
  cpus: host.cpus.map(({ logical, leaves, xcr0 }) => ({
    logical,
    xcr0: xcr0?.value,
    rows: leaves.rows.map(
      ({ leaf, subleaf, eax, ebx, ecx, edx }) => [leaf, subleaf, eax, ebx, ecx, edx] as const,
    ),
  })),
};

type AsJson<T> = T extends bigint
  ? string
  : T extends object
    ? { readonly [K in keyof T]: AsJson<T[K]> }
    : T;

/** What a test reads. */
export type PrintedProbe = AsJson<typeof printed>;

const text = JSON.stringify(printed, (_, value: unknown) =>
  typeof value === 'bigint' ? value.toString() : value,
);
process.stdout.write(`${text}\n`);
