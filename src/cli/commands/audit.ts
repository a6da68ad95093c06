import { statSync } from 'node:fs';
import { shownUnder } from '../../baseline/under-mask.js';
import { auditBytes, auditFile } from '../../enforce/audit-code.js';
import { codeOfProcess, type FoundCode, filesBelow } from '../../enforce/code-files.js';
import { requireProc } from '../../enforce/processes.js';
import { judgeCode } from '../../judge/code.js';
import { exitStatus } from '../../judge/verdict.js';
import { type Capabilities, described } from '../../model/capabilities.js';
import type { CodeFile, UnreadCode } from '../../model/code-audit.js';
import { InputError, isInputError } from '../../model/errors.js';
import { printableJson } from '../../model/printable.js';
import { auditJson } from '../../report/audit-json.js';
import { allowedOf } from '../allowed.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { failOnOf } from '../fail-on.js';
import { isDumpLike, unreadable } from '../load-host.js';
import { pidsOf } from '../mask-arguments.js';
import { writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

/** What the code will find: what a baseline shows, or what a host has. */
async function targetOf(args: Arguments): Promise<Capabilities> {
  const [mask, to] = [args.text('mask'), args.text('to')];
  if ((mask === undefined) === (to === undefined))
    throw usage(
      mask === undefined
        ? '--mask BASELINE or --to HOST is missing'
        : '--mask and --to exclude each other',
      'For example: cpugate audit /usr/bin/server --mask cluster.json',
    );
  if (mask !== undefined) {
    const { loadMask } = await import('../load-baseline.js');
    const { name, baseline } = await loadMask(mask);
    return shownUnder(name, baseline);
  }
  const { loadHost } = await import('../load-host.js');
  return described(await loadHost(to as string)).seen;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** One that the user named has to be code; what lies in a folder needn't. */
async function auditNamed(path: string): Promise<CodeFile> {
  let file: CodeFile | undefined;
  try {
    file = await auditFile({ path, at: path });
  } catch (error) {
    throw isInputError(error) ? error : unreadable(path, error);
  }
  if (file !== undefined) return file;
  throw new InputError('no-code', 'is no program or library for x86-64 (64-bit ELF)', {
    place: { file: path },
    remedy: 'Of a script, audit the program that runs it.',
  });
}

/** What a process has mapped to execute is code, whatever it is; what lies in a folder needn't be. */
async function auditFound(
  found: Iterable<FoundCode>,
  isMapped: boolean,
): Promise<{ files: CodeFile[]; unread: UnreadCode[] }> {
  const files: CodeFile[] = [];
  const unread: UnreadCode[] = [];
  for (const one of found) {
    try {
      const file = await auditFile(one);
      if (file !== undefined) files.push(file);
      else if (isMapped) unread.push({ what: one.path, why: 'no-program', bytes: 0 });
    } catch (error) {
      // A bug of ours isn't a file that can't be read.
      if (!isInputError(error) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      unread.push({ what: one.path, why: 'unreadable', bytes: 0 });
    }
  }
  return { files, unread };
}

/** One without any code would get a yes of which nobody knows what it is about. */
async function auditFolder(path: string): Promise<{ files: CodeFile[]; unread: UnreadCode[] }> {
  const found = await auditFound(filesBelow(path), false);
  if (found.files.length > 0 || found.unread.length > 0) return found;
  throw new InputError('no-code', 'holds no program or library for x86-64 (64-bit ELF)', {
    place: { file: path },
    remedy: 'Links are not followed: name the folder that they lead to.',
  });
}

/** Where the files of dumped tasks are. */
function rootOf(args: Arguments): string {
  const root = args.text('root');
  if (root === undefined) return '/';
  if (!args.positionals.some(isDumpLike))
    throw usage(
      '--root is about dumps, and none is given',
      'A folder of programs is audited by its own name.',
    );
  if (!isFolder(root))
    throw new InputError('unreadable', 'is no folder', { place: { file: root } });
  return root;
}

/** The files that dumped tasks have mapped, as they are below the root. */
async function auditDump(
  path: string,
  root: string,
): Promise<{ files: CodeFile[]; unread: UnreadCode[] }> {
  const { loadDumpCode, readMappedCode } = await import('../load-images.js');
  const dump = await loadDumpCode(path);
  if (dump === undefined)
    throw new InputError('no-code', 'records a CPU, and holds no tasks', { place: { file: path } });
  const files: CodeFile[] = [];
  const unread = [...dump.unread];
  for (const mapped of dump.mapped) {
    const code = readMappedCode(root, mapped);
    unread.push(...code.unread);
    const file = code.bytes && (await auditBytes(mapped.file.path, code.bytes));
    if (file !== undefined) files.push({ ...file, shown: dump.shown });
  }
  return { files, unread };
}

export const run: Run = async (args) => {
  const pids = pidsOf(args);
  if (args.positionals.length === 0 && pids.length === 0)
    throw usage(
      'THING is missing',
      'It is a program, a library, a folder or a dump; or give --pid PID.',
    );
  const root = rootOf(args);
  const target = await targetOf(args);
  const files: CodeFile[] = [];
  const unread: UnreadCode[] = [];
  const add = (more: { files: readonly CodeFile[]; unread: readonly UnreadCode[] }) => {
    files.push(...more.files);
    unread.push(...more.unread);
  };
  for (const path of args.positionals) {
    if (isDumpLike(path)) add(await auditDump(path, root));
    else if (isFolder(path)) add(await auditFolder(path));
    else files.push(await auditNamed(path));
  }
  if (pids.length > 0) requireProc();
  for (const pid of pids) {
    const code = codeOfProcess(pid);
    add(await auditFound(code.files, true));
    unread.push(...code.unread);
  }
  const evidence = { files, unread };
  const report = judgeCode(evidence, target, { allow: allowedOf(args.list('allow')) });
  if (args.flag('json')) writeOut(`${printableJson(auditJson(report, evidence), 2)}\n`);
  else {
    const { auditText } = await import('../../report/text/audit.js');
    const style = describeTerminal(args.flag('color'));
    writeOut(auditText(report, evidence, style, args.flag('verbose') ?? false));
  }
  return exitStatus(report.verdict, failOnOf(args));
};
