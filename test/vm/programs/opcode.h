/*
 * CPUID's bytes, 0f a2, in one place: a supervisor of the suite can be built that traps another
 * instruction in its place, where this machine's CPUID can't be made to fault.
 */
#ifndef OPCODE_H_
#define OPCODE_H_

#ifndef CPUGATE_TRAP_OPCODE
#define CPUGATE_TRAP_OPCODE 0xa2
#endif

#if CPUGATE_TRAP_OPCODE != 0xa2
/*
 * Such an instruction traps always. In the place of the call that arms a program, that supervisor makes
 * another that exec undoes (prctl PR_SET_KEEPCAPS), so that a call that wasn't made can be seen.
 */
#define STAND_IN 1
#endif

#define CPUID_BYTES 0x0f, CPUGATE_TRAP_OPCODE
/* As a word of memory. */
#define CPUID_WORD (0x0fu | CPUGATE_TRAP_OPCODE * 0x100u)

#define CPUID_TEXT_OF(byte) ".byte 0x0f, " #byte
#define CPUID_EXPANDED(byte) CPUID_TEXT_OF(byte)
/* For the assembler. */
#define CPUID CPUID_EXPANDED(CPUGATE_TRAP_OPCODE)

#endif
