import type { CommandSpec } from './spec.js';

export const completion: CommandSpec = {
  name: 'completion',
  summary: 'A script that completes cpugate in your shell',
  positionals: [{ name: 'shell', describe: 'bash or zsh (default: the shell you use)' }],
  options: {},
  examples: [
    ['cpugate completion >> ~/.bashrc', 'bash'],
    ['cpugate completion zsh >> ~/.zshrc', 'zsh'],
  ],
};
