/** What a command's module gives. */
import type { Arguments } from './arguments.js';

/** Gives the exit status. Throws InputError for bad input (status 2). */
export type Run = (args: Arguments) => Promise<number>;
