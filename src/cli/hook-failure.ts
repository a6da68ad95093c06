/** What a hook says before it fails is written down, too: for "cpugate why". */
import { logRefusal } from '../enforce/refusal-log.js';
import { describeInputError, InputError, isInputError } from '../model/errors.js';
import type { Arguments } from './arguments.js';
import { ownUid, runtimeFolderOf } from './mask-arguments.js';

/** A refusal with all its reasons, which are on standard error already. */
export class ExplainedRefusal extends InputError {
  readonly explanation: string;

  constructor(message: string, remedy: string, explanation: string) {
    super('refused', message, { remedy });
    this.explanation = explanation;
  }
}

/** By what it has: each command is a bundle with a copy of the class. */
function textOf(error: unknown): string {
  if (error instanceof Error && 'explanation' in error) return `${error.explanation}`;
  return isInputError(error) ? describeInputError(error) : String(error);
}

export function logFailure(caller: string, args: Arguments, error: unknown): void {
  const { CRTOOLS_SCRIPT_ACTION: stage = '', CRTOOLS_IMAGE_DIR: folder = '' } = process.env;
  const isCriu = caller === 'criu';
  logRefusal(runtimeFolderOf(args), ownUid(), {
    hook: ['hook', caller, ...(isCriu ? [stage] : [])].join(' ').trim(),
    about: isCriu ? folder : '',
    text: textOf(error),
  });
}
