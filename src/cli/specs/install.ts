import { ENGINES } from '../../enforce/install-plan.js';
import { MASK_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

export const install: CommandSpec = {
  name: 'install',
  group: 'masks',
  summary: 'Let containers of an engine ask for a mask by its name, and have its dumps gated',
  positionals: [
    {
      name: 'engine',
      describe: 'podman, crio, containerd (Docker and nerdctl, too) or runc',
      required: true,
      choices: ENGINES,
    },
  ],
  options: {
    mask: { ...MASK_OPTION, describe: 'the baseline; it is copied to /etc/cpugate' },
    name: {
      type: 'string',
      value: 'NAME',
      describe: "what containers call it (default: the baseline's file without .json)",
    },
    remove: { type: 'boolean', describe: 'take away what was installed for the mask' },
    'dry-run': { type: 'boolean', describe: 'show the files, and change nothing' },
    root: { type: 'string', value: 'FOLDER', describe: 'the root of the file tree (default: /)' },
  },
  examples: [
    ['cpugate install podman --mask cluster.json', 'then: podman run --annotation …=cluster'],
    ['cpugate install containerd --mask cluster.json --dry-run', 'what it would write'],
    ['cpugate install podman --remove --name cluster', 'no container asks for it any more'],
  ],
  epilogue:
    "No file that isn't cpugate's is changed. What is written, in this order: the baseline, the programs that " +
    "engines call (/etc/cpugate), CRIU's configuration for runc and crun (from CRIU 4 on), the hooks and CDI " +
    'specifications that name them. --remove goes the other way.\n\n' +
    'Exit status: 0; 2 wrong usage, or nothing was changed.',
};
