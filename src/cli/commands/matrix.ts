import { matrixOfKinds } from '../../matrix/matrix.js';
import { viewMatrix } from '../../matrix/view.js';
import { InputError } from '../../model/errors.js';
import { shorteningOf } from '../../report/short-names.js';
import type { Run } from '../command.js';
import { writeErr, writeOut } from '../output.js';
import { isStandardOutput, refuseTwoOnStandardOutput } from '../output-place.js';
import { Progress } from '../progress.js';
import { readKinds } from '../read-kinds.js';
import { describeTerminal } from '../terminal.js';
import { writeWhole } from '../write-file.js';

export const run: Run = async (args) => {
  if (args.positionals.length === 0)
    throw new InputError('usage', 'HOST is missing', {
      remedy: 'For example: cpugate matrix hosts/',
    });
  const svg = args.text('svg');
  refuseTwoOnStandardOutput('--svg', svg, args.flag('json'));
  const { fold, names, kindOf } = await readKinds(args.positionals, {
    skipUnreadable: args.flag('skip-unreadable') ?? false,
  });
  const progress = new Progress('kinds of hosts compared');
  const matrix = matrixOfKinds(fold, { tell: (rows) => progress.tell(rows) });
  progress.end();
  const view = viewMatrix(names.map(shorteningOf(names)), { ...matrix, kindOf });
  if (svg !== undefined) {
    const { matrixSvg } = await import('../../report/svg/matrix.js');
    writeWhole(svg, matrixSvg(view));
  }
  if (args.flag('json')) {
    const { matrixJsonText } = await import('../../report/matrix-json.js');
    writeOut(matrixJsonText(view));
  } else {
    const { matrixText } = await import('../../report/text/matrix.js');
    const write = isStandardOutput(svg) ? writeErr : writeOut;
    write(matrixText(view, describeTerminal(args.flag('color'))));
  }
  return 0;
};
