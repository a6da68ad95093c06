import { RUNTIME_DIR_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const why: CommandSpec = {
  name: 'why',
  group: 'images',
  summary: 'Say why a hook refused: engines show little of what their hooks say',
  positionals: [],
  options: {
    last: {
      type: 'string',
      alias: 'n',
      value: 'NUMBER',
      describe: 'so many refusals, the newest last (default: 1)',
    },
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [['cpugate why', 'after "podman container restore" has failed']],
  epilogue:
    'The hooks write refusals to refusals.jsonl in the runtime folder, which is empty after a boot.\n\n' +
    'Exit status: 0, also where nothing was refused; 2 wrong usage, or the folder may not be read.',
};
