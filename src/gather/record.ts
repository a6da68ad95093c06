/** From what came back over ssh to a record, or to why there is none. Pure. */
import { openInput } from '../formats/format.js';
import { profile, profileJson } from '../formats/profile.js';
import { isInputError } from '../model/errors.js';
import { printable, printableJson } from '../model/printable.js';
import type { Answer } from './ask-host.js';
import { FOREIGN, NO_ROOM, RECORD_FOLLOWS } from './remote-script.js';
import type { Target } from './targets.js';

export type Gathered =
  | { readonly target: Target; readonly record: string }
  | { readonly target: Target; readonly why: string };

/** ssh's own failures: it didn't get there. */
const SSH_FAILED = 255;
const SHOWN_CHARACTERS = 300;

/** The last line that says something, for people. */
function lastLine(stderr: Buffer): string {
  const lines = stderr.toString('utf8').split(/[\r\n]+/);
  const last = lines.findLast((line) => line.trim() !== '')?.trim() ?? '';
  return printable(last.slice(0, SHOWN_CHARACTERS));
}

function markedWords(stderr: Buffer, mark: string): string | undefined {
  const lines = stderr.toString('utf8').split('\n');
  const found = lines.findLast((line) => line.startsWith(mark));
  return found?.slice(mark.length).trim();
}

function whyFailed({ status, cut, stderr }: Answer, timeoutMs: number): string | undefined {
  if (cut === 'time') return `no answer within ${timeoutMs / 1000} s`;
  if (cut === 'size') return 'its answer has no end';
  if (status === 0) return undefined;
  const machine = markedWords(stderr, FOREIGN);
  if (machine !== undefined)
    return `is no Linux on x86-64: ${printable(machine.slice(0, SHOWN_CHARACTERS))}`;
  if (markedWords(stderr, NO_ROOM) !== undefined)
    return 'has no folder where a program may be put and run (/tmp, /var/tmp, /dev/shm, the home)';
  const said = lastLine(stderr);
  const end = status === SSH_FAILED ? 'was not reached' : `ended with status ${status}`;
  return said === '' ? end : `${end}: ${said}`;
}

const NO_RECORD = 'its answer is no record';

/** What stands behind the last line that announces it. */
function recordIn(stdout: Buffer): Buffer | undefined {
  const mark = Buffer.from(`${RECORD_FOLLOWS}\n`);
  const at = stdout.lastIndexOf(mark);
  if (at < 0 || (at > 0 && stdout[at - 1] !== 0x0a)) return undefined;
  return stdout.subarray(at + mark.length);
}

function takenOf(bytes: Buffer): { taken?: string; cpugate?: string } {
  const { taken, cpugate } = JSON.parse(bytes.toString('utf8'));
  return { taken, cpugate };
}

/** The record as the target's: it is called as the user calls the host, not as the host does. */
export function gathered(target: Target, answer: Answer, timeoutMs: number): Gathered {
  const why = whyFailed(answer, timeoutMs);
  if (why !== undefined) return { target, why };
  const bytes = recordIn(answer.stdout);
  if (bytes === undefined) return { target, why: NO_RECORD };
  const input = openInput(target.name, bytes);
  if (!profile.recognise(input)) return { target, why: NO_RECORD };
  try {
    const host = profile.read(input);
    if (host.kind !== 'system') return { target, why: `${NO_RECORD} of a machine` };
    const json = profileJson({ ...host, name: target.name }, takenOf(bytes));
    return { target, record: `${printableJson(json, 1)}\n` };
  } catch (error) {
    if (!isInputError(error)) throw error;
    return { target, why: `${NO_RECORD}: ${error.message}` };
  }
}
