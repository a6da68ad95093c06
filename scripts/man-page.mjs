/** Writes the manual page, of which package.json tells npm; src/cli/man makes its text. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export async function writeManPage(root) {
  const facts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const result = await build({
    stdin: {
      contents: `export { manPage } from './src/cli/man/page.ts';
        export { COMMANDS } from './src/cli/specs/index.ts';`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    write: false,
    logLevel: 'warning',
  });
  const code = Buffer.from(result.outputFiles[0].contents).toString('base64');
  const { manPage, COMMANDS } = await import(`data:text/javascript;base64,${code}`);
  const file = join(root, facts.man[0]);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, manPage(COMMANDS, facts));
}
