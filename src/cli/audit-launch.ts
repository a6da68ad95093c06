/** What a program's code needs and its mask hides, before it is started. */
import { statSync } from 'node:fs';
import { shownUnder } from '../baseline/under-mask.js';
import { auditKept } from '../enforce/audit-cache.js';
import { neededFiles } from '../enforce/needed-files.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import { judgeCode } from '../judge/code.js';
import { InputError, isInputError } from '../model/errors.js';
import { printable } from '../model/printable.js';
import { advicesOf } from '../rules/group.js';
import type { Finding } from '../rules/index.js';
import { cacheFolder } from './compile-cache.js';
import { writeErr } from './output.js';
import { VERSION } from './version.js';

export const AUDIT_CHOICES = ['refuse', 'warn', 'off'] as const;
export type AuditChoice = (typeof AUDIT_CHOICES)[number];

/** "avx2 fma in /usr/bin/server". */
function sentenceOf(needs: readonly Finding[]): string {
  const byFile = new Map<string, string[]>();
  for (const { feature, facts } of needs) {
    const file = String(facts.file);
    byFile.set(file, [...(byFile.get(file) ?? []), feature ?? '']);
  }
  const parts = [...byFile].map(([file, features]) => `${features.join(' ')} in ${file}`);
  return `code uses what the mask hides without asking the CPU: ${parts.join('; ')}`;
}

/** Of a program that is read before its start for a warning; a tenth of a second. */
const MAX_READ_BYTES = 1 << 20;

function isSmall(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= MAX_READ_BYTES;
}

/**
 * Of the program, its loader and the libraries that they name. "refuse": all are read, and InputError is thrown. "warn":
 * on standard error, and a start isn't held up for it: of what nothing is kept only a small program itself is read,
 * and only where that can be kept. glibc alone takes a second.
 */
export async function auditLaunch(
  program: string,
  { name, baseline }: NamedBaseline,
  choice: AuditChoice,
  user: number,
): Promise<void> {
  if (choice === 'off') return;
  const { env } = process;
  const folder = cacheFolder(env, user);
  if (choice === 'warn' && folder === undefined) return;
  try {
    const files = neededFiles(program, env.LD_LIBRARY_PATH);
    const [itself] = files;
    const mayRead = (path: string) => choice === 'refuse' || (path === itself && isSmall(path));
    const evidence = await auditKept(files, folder, VERSION, mayRead);
    const { findings } = judgeCode(evidence, shownUnder(name, baseline));
    const needs = findings.filter(({ code }) => code === 'code-needs');
    if (needs.length === 0) return;
    const said = sentenceOf(needs);
    if (choice === 'refuse')
      throw new InputError('code-needs', said, { remedy: advicesOf(needs).join(' ') });
    writeErr(
      `cpugate: ${printable(said)}: SIGILL where that is missing ("cpugate audit" shows where; --audit off)\n`,
    );
  } catch (error) {
    // A warning is no reason not to start the program.
    if (choice === 'refuse' || isInputError(error)) throw error;
    writeErr(`cpugate: the program's code could not be looked at: ${printable(String(error))}\n`);
  }
}
