/** From a file's name to a baseline. */
import { type BaselineFile, baseline, readBaselineFile } from '../formats/baseline.js';
import { type Input, openInput } from '../formats/format.js';
import { InputError } from '../model/errors.js';
import { readFile, readStandardInput } from './load-host.js';

/** A file that `cpugate baseline` wrote, or "-". Throws InputError for anything else. */
export function loadBaseline(path: string): BaselineFile {
  const input =
    path === '-'
      ? openInput('standard input', readStandardInput())
      : openInput(path, readFile(path, path));
  return readInput(input);
}

/** The same from text, such as a part of another file; `name` is for messages. */
export function parseBaseline(name: string, text: string): BaselineFile {
  return readInput(openInput(name, Buffer.from(text)));
}

function readInput(input: Input): BaselineFile {
  if (!baseline.recognise(input))
    throw new InputError('not-a-baseline', 'is not a baseline', {
      place: { file: input.name },
      remedy: 'Make one of any hosts: cpugate baseline HOST... -o FILE.',
    });
  return readBaselineFile(input);
}
