import { RECORD_NAME } from '../model/dump-record.js';
import { firstOf, nameProcess } from './processes.js';
import { rule } from './rule.js';

/**
 * Nobody has told which CPU the tasks saw. What they use now is in the images; what they have asked
 * and kept isn't.
 */
type Facts = {
  /** Processes that tell nothing, where others do; empty: nobody tells. */
  readonly silent: readonly string[];
};

export const sourceUnknown = rule<'source-unknown', Facts>({
  code: 'source-unknown',
  reads: ['images'],
  find: ({ images }) => {
    if (images === undefined) return [];
    if (images.source === undefined) return [{ severity: 'unknown', facts: { silent: [] } }];
    if (images.isFromMemory !== true) return [];
    const silent = images.alive.filter(({ keptCpuid }) => !keptCpuid.known).map(nameProcess);
    return silent.length === 0 ? [] : [{ severity: 'unknown', facts: { silent } }];
  },
  sentence: ({ facts: { silent } }) =>
    silent.length === 0
      ? `There is neither ${RECORD_NAME} nor cpuinfo.img among the images, and no task's memory shows which CPU the ` +
        'tasks have seen.'
      : `Unknown: what ${firstOf(silent)} saw of the CPU. Only the memory of the others shows it.`,
  remedy: 'dump-again',
  severities: ['unknown'],
  when: `neither ${RECORD_NAME} nor cpuinfo.img nor the tasks' memory tells which CPU the dumped tasks have seen`,
  meaning:
    'What tasks have asked and kept is in no image, so nothing else can be compared, and the answer is not yes.',
  advice:
    'Name the host that the tasks were dumped on with --source, by its profile; next time take the dump with ' +
    '"cpugate dump", which records the host beside the images.',
});
