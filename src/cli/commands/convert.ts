import { notExpressed } from '../../export/remark.js';
import { findFormat } from '../../formats/index.js';
import { InputError } from '../../model/errors.js';
import type { Run } from '../command.js';
import { loadHost } from '../load-host.js';
import { outTerminal } from '../output.js';
import { sayRemarks } from '../say-remarks.js';
import { CONVERT_TARGETS } from '../specs/convert.js';
import { writeOutput } from '../write-file.js';

export const run: Run = async (args) => {
  const target = args.text('to');
  if (target === undefined)
    throw new InputError('usage', '--to FORMAT is missing', {
      remedy: `Formats: ${CONVERT_TARGETS.join(', ')}.`,
    });
  const format = await findFormat(target);
  if (format?.write === undefined) throw new Error(`no writer for ${target}`);
  const { content, lost } = format.write(await loadHost(args.positionals[0] ?? ''));
  const output = args.text('output');
  if (typeof content !== 'string' && output === undefined && outTerminal() !== undefined)
    throw new InputError('usage', `${format.title} is no text`, { remedy: 'Name a file with -o.' });
  writeOutput(output, content);
  sayRemarks(lost.map(notExpressed));
  return 0;
};
