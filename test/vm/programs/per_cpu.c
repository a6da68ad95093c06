/* Fields that tell a CPU by its number are those of the CPU that the thread runs on, not another's. */
#include <pthread.h>
#include <sched.h>

#include "check.h"

static int apic_of[64];

/* Linux's own word, by logical CPU. */
static int read_apic_ids(void) {
  FILE* file = fopen("/proc/cpuinfo", "r");
  REQUIRE(file != NULL);
  char line[4096];
  int cpu = -1, count = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    sscanf(line, "processor : %d", &cpu);
    if (sscanf(line, "initial apicid : %d", &apic_of[cpu & 63]) == 1) count++;
  }
  fclose(file);
  return count;
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
  REQUIRE_EQUAL(sched_getcpu(), cpu);
}

static void require_cpu(int cpu) {
  REQUIRE_EQUAL(cpuid(1, 0).ebx >> 24, apic_of[cpu]);
  if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx != 0) {
    REQUIRE_EQUAL(cpuid(0xb, 0).edx, apic_of[cpu]);
    REQUIRE_EQUAL(cpuid(0xb, 1).edx, apic_of[cpu]);
    REQUIRE_EQUAL(cpuid(0xb, 1).ecx & 0xff, 1);
  }
}

static void* stay(void* cpu) {
  pin((int)(intptr_t)cpu);
  for (int i = 0; i < 40; i++) require_cpu((int)(intptr_t)cpu);
  return NULL;
}

int main(void) {
  const int count = read_apic_ids();
  REQUIRE(count >= 1);
  for (int round = 0; round < 10; round++)
    for (int cpu = 0; cpu < count; cpu++) {
      pin(cpu);
      require_cpu(cpu);
    }
  pthread_t threads[8];
  for (int i = 0; i < 8; i++)
    REQUIRE(pthread_create(&threads[i], NULL, stay, (void*)(intptr_t)(i % count)) == 0);
  for (int i = 0; i < 8; i++) REQUIRE(pthread_join(threads[i], NULL) == 0);
  REQUIRE_SIGHT("main");
  return 0;
}
