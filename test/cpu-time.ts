/**
 * What a test takes of the CPU: a hang or a quadratic loop takes minutes of it, and another program on
 * the machine none.
 */

/** Gives milliseconds of this process since the call. */
export function cpuTimer(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}

/** Milliseconds that nothing takes which reads a file of the largest size there may be. */
export const TOO_LONG = 30_000;
