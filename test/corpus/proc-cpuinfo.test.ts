/** Real CPUs as Linux would print their flags: what is concluded from those must be what the dump says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMPONENTS, ROWS } from '../../src/catalogue/index.js';
import { readHost } from '../../src/formats/index.js';
import { procCpuinfo } from '../../src/formats/proc-cpuinfo.js';
import { describeHost } from '../../src/model/capabilities.js';
import { isUserVisible } from '../../src/model/prerequisites.js';
import { PRESENT, presenceInMask, UNKNOWN } from '../../src/model/xsave.js';

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const files = ['instlatx64', 'instlatx64-more']
  .map((name) => join(shared, 'corpus', name))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => join(folder, name)),
  );

/** The text that Linux would show on the dumped CPU; undefined where the dump tells too little for one. */
function printed(host: Parameters<NonNullable<typeof procCpuinfo.write>>[0]): string | undefined {
  try {
    return String(procCpuinfo.write?.(host).content);
  } catch {
    return undefined;
  }
}

describe.skipIf(files.length === 0)('flags of published dumps', () => {
  it.each([[undefined], ['6.12']])(
    'under Linux %s: nothing that the dump denies',
    async (kernel) => {
      let compared = 0;
      const wrong: string[] = [];
      for (const file of files) {
        const dump = await readHost(file, readFileSync(file));
        const text = printed(dump);
        if (text === undefined) continue;
        compared++;
        const truth = describeHost(dump);
        const seen = describeHost(
          await readHost('cpuinfo', new TextEncoder().encode(text), { kernel }),
        );
        const note = (what: string) => wrong.push(`${what}: ${file}`);
        for (const { name } of ROWS.filter((row) => isUserVisible(row.name))) {
          const [is, says] = [truth.effective(name), seen.effective(name)];
          if (is !== UNKNOWN && says !== UNKNOWN && is !== says)
            if (!(says !== PRESENT && ['shstk', 'fsgsbase', 'la57', 'lam'].includes(name)))
              // What the kernel gives to tasks, a dump without one has to guess.
              note(name);
        }
        for (const { bit, name } of COMPONENTS) {
          const [is, says] = [truth, seen].map(({ xsave }) => presenceInMask(xsave.enabled, bit));
          if (is !== UNKNOWN && says !== UNKNOWN && is !== says) note(name);
        }
        for (const { bit, name, size, offset } of seen.xsave.components) {
          const real = truth.xsave.components.find((one) => one.bit === bit);
          if (size !== undefined && real?.size !== undefined && size !== real.size) note(name);
          if (offset !== undefined && real?.offset !== undefined && offset !== real.offset)
            note(name);
        }
        for (const key of ['areaBytes', 'offeredBytes'] as const) {
          const [is, says] = [truth.xsave[key], seen.xsave[key]];
          if (is !== undefined && says !== undefined && is !== says) note(key);
        }
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(150);
    },
    60_000,
  );
});
