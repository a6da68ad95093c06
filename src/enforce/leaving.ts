/** The event of `process` in the place of "exit", where another program takes over and none comes. */
export const LEAVING = 'cpugate:leaving';
