import { createHash } from 'node:crypto';
import { baselineOf } from '../../baseline/baseline.js';
import { matrixOfKinds } from '../../matrix/matrix.js';
import { viewMatrix } from '../../matrix/view.js';
import type { Capabilities } from '../../model/capabilities.js';
import { InputError } from '../../model/errors.js';
import { fleetOf } from '../../report/page/facts.js';
import { fleetPage } from '../../report/page/page.js';
import { shorteningOf } from '../../report/short-names.js';
import type { Run } from '../command.js';
import { readKinds } from '../read-kinds.js';
import { VERSION } from '../version.js';
import { writeOutput } from '../write-file.js';

/** What a policy in a page names its scripts and styles by. */
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

export const run: Run = async (args) => {
  if (args.positionals.length === 0)
    throw new InputError('usage', 'HOST is missing', {
      remedy: 'For example: cpugate report hosts/ -o fleet.html',
    });
  const { cluster, options, fold, firsts, names, kindOf } = await readKinds(args.positionals, {
    skipUnreadable: args.flag('skip-unreadable') ?? false,
  });
  const view = viewMatrix(names.map(shorteningOf(names)), { ...matrixOfKinds(fold), kindOf });
  const fleet = fleetOf({
    view,
    like: (group) => firsts[kindOf[view.groups[group]?.hosts[0] ?? 0] ?? 0] as Capabilities,
    baseline: baselineOf(cluster, options),
    made: new Date().toISOString(),
    cpugate: VERSION,
  });
  writeOutput(args.text('output'), fleetPage(fleet, sha256));
  return 0;
};
