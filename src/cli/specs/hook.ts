import { ALLOW_OPTION, FAIL_ON_OPTION, MASK_OPTION, RUNTIME_DIR_OPTION } from './mask-options.js';
import type { CommandSpec } from './spec.js';

/** What calls it; "guard" is a restore's own second process. */
export const HOOKS = ['criu', 'oci'] as const;

export const hook: CommandSpec = {
  name: 'hook',
  group: 'plumbing',
  summary:
    'What CRIU and container engines call: gate, record and mask where they dump and restore',
  positionals: [
    {
      name: 'caller',
      describe: 'criu (as its action script) or oci (as a hook of a container)',
      offers: HOOKS,
    },
  ],
  options: {
    mask: MASK_OPTION,
    allow: ALLOW_OPTION,
    'fail-on': FAIL_ON_OPTION,
    'runtime-dir': RUNTIME_DIR_OPTION,
  },
  examples: [
    ['cpugate hook criu', 'in a script that CRIU is given as --action-script'],
    ['cpugate hook oci --mask cluster.json', 'as a createRuntime hook of a container'],
  ],
  epilogue: 'docs/restoring.md shows the configuration of Podman, runc and crun.',
};
