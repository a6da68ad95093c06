#include <cstdio>
#include <cstring>

#include "mask.h"
#include "probe.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "probe") == 0) return cpugate::probeMain();
  if (argc != 3 || std::strcmp(argv[1], "check-mask") != 0) return 2;
  std::string error;
  if (cpugate::readMask(argv[2], &error)) return 0;
  std::fprintf(stderr, "cpugate-supervisor: %s %s\n", argv[2], error.c_str());
  return 2;
}
