/** --source HOST: where the images were dumped, by the user's word. */
import { type Described, described } from '../model/capabilities.js';
import type { Arguments } from './arguments.js';

/** `kernel`: of --kernel. Throws InputError. */
export async function sourceOf(args: Arguments, kernel?: string): Promise<Described | undefined> {
  const wanted = args.text('source');
  if (wanted === undefined) return undefined;
  const { loadHost } = await import('./load-host.js');
  return described(await loadHost(wanted, { kernel }));
}
