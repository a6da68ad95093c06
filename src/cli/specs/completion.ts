import type { CommandSpec } from './spec.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion: CommandSpec = {
  name: 'completion',
  group: 'plumbing',
  summary: 'A script that completes cpugate in your shell',
  positionals: [
    {
      name: 'shell',
      describe: `${SHELLS.join(', ')} (default: the shell you use)`,
      choices: SHELLS,
    },
  ],
  options: {},
  examples: [
    ['cpugate completion bash >> ~/.bashrc', 'bash'],
    ['cpugate completion zsh >> ~/.zshrc', 'zsh'],
    ['cpugate completion fish > ~/.config/fish/completions/cpugate.fish', 'fish'],
  ],
};
