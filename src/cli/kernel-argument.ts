/** --kernel: the Linux release behind a /proc/cpuinfo, which the text doesn't tell. */
import { TAKES_KERNEL } from '../formats/index.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { isKernelRelease } from '../model/kernel-release.js';
import type { Arguments } from './arguments.js';

/** Undefined where it isn't given. Throws InputError for what is no release. */
export function kernelArgument(args: Arguments): string | undefined {
  const kernel = args.text('kernel');
  if (kernel === undefined || isKernelRelease(kernel)) return kernel;
  throw new InputError('usage', `"${kernel}" is no release of Linux`, {
    remedy: 'Give what "uname -r" says on the host, for example --kernel 5.14.0-427.el9.x86_64.',
  });
}

/** Whether the release says something of the host. */
export function takesKernel({ format }: Host): boolean {
  return TAKES_KERNEL.has(format);
}

/** Throws InputError where none of what was read takes it: whoever gives it counts on it. */
export function refuseUselessKernel(kernel: string | undefined, isUsed: boolean): void {
  if (kernel === undefined || isUsed) return;
  throw new InputError(
    'usage',
    "--kernel says nothing here: no host is a /proc/cpuinfo or lscpu's output",
    {
      remedy: 'Leave it out; other files tell what they know of the kernel themselves.',
    },
  );
}
