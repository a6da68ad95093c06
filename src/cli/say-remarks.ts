/** What is to be known of a file that was written and has no place in it: on standard error, wrapped. */
import { REMARK_LABELS, type Remark } from '../export/remark.js';
import { printable } from '../model/printable.js';
import { wrap } from '../report/text/wrap.js';
import { errTerminal, writeErr } from './output.js';
import { describeTerminal } from './terminal.js';

export function sayRemarks(remarks: readonly Remark[]): void {
  const { width } = describeTerminal(false, errTerminal);
  for (const { kind, text } of remarks) {
    const line = printable(`cpugate: ${REMARK_LABELS[kind]}: ${text}`);
    writeErr(`${wrap(line, width, '  ').trimStart()}\n`);
  }
}
