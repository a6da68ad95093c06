/**
 * What the instructions of a file need, and whether the code asks the CPU before it uses them. From bytes to
 * three lists of features:
 *
 * 1. `elf.ts` finds the code, and where functions begin: frames, symbols, Go's table. Where code that none of
 *    these covers is called, jumped to or has its address taken, a function begins, too.
 * 2. `candidates.ts` leaves out functions whose bytes can't be of interest; the others are decoded.
 * 3. `references.ts` finds who refers to these, and to whom those belong, up to the roots: the entry, what runs
 *    at the start, what other files can call.
 * 4. `answers.ts` finds where the file keeps the CPU's answers: variables that code with CPUID writes, and what is
 *    known by name (answer-names.ts). `behaviour.ts` says what a function does behind a branch on an answer.
 * 5. `classify.ts`: on some way from a root nobody asks: *needs*. Every way goes by a guard: *chooses*.
 *    Neither can be shown: *unclear*. Names that say it decide where ways don't.
 *
 * Nothing here knows a mask or a host: what code needs is judged elsewhere.
 */
export { auditCode } from './classify.js';
