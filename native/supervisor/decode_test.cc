/**
 * Lengths of instructions, and where they lead. Built and run by test/native/decode.test.ts, which
 * has a disassembler's word for the instructions of whole files: lines of hexadecimal digits on
 * standard input, an instruction each.
 */
#include "decode.h"

#include <unistd.h>

#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "../probe/expect.h"

namespace cpugate {
namespace {

struct Case {
  const char* what;
  std::vector<uint8_t> bytes;
  size_t length;
  Flow flow = Flow::kNext;
  int64_t distance = 0;
};

/** Encodings from the Intel SDM, vol. 2, and the AMD APM, vol. 3. */
const Case kCases[] = {
    {"CPUID", {0x0f, 0xa2}, 2},
    {"its bytes in an immediate: mov eax, imm32", {0xb8, 0x0f, 0xa2, 0, 0}, 5},
    {"mov rax, imm64", {0x48, 0xb8, 0x0f, 0xa2, 0x0f, 0xa2, 0, 0, 0, 0}, 10},
    {"mov ax, imm16", {0x66, 0xb8, 0x0f, 0xa2}, 4},
    {"66 means nothing with REX.W", {0x66, 0x48, 0x05, 1, 2, 3, 4}, 7},
    {"a REX that isn't the last prefix", {0x48, 0x66, 0x05, 1, 2}, 5},
    {"lea with SIB and disp32", {0x48, 0x8d, 0x84, 0x24, 0x0f, 0xa2, 0, 0}, 8},
    {"without base, disp32", {0x8b, 0x04, 0x25, 1, 2, 3, 4}, 7},
    {"relative to RIP, with an immediate", {0xc7, 0x05, 1, 2, 3, 4, 5, 6, 7, 8}, 10},
    {"test has one", {0xf7, 0xc0, 1, 2, 3, 4}, 6},
    {"not has none", {0xf7, 0xd0}, 2},
    {"mov from an absolute address", {0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
    {"a short address", {0x67, 0xa1, 1, 2, 3, 4}, 6},
    {"enter", {0xc8, 1, 2, 3}, 4},
    {"jmp short back", {0xeb, 0xfe}, 2, Flow::kJump, -2},
    {"jmp near", {0xe9, 0, 1, 0, 0}, 5, Flow::kJump, 256},
    {"je near", {0x0f, 0x84, 0xff, 0xff, 0xff, 0xff}, 6, Flow::kBranch, -1},
    {"call", {0xe8, 2, 0, 0, 0}, 5, Flow::kBranch, 2},
    {"loop", {0xe2, 5}, 2, Flow::kBranch, 5},
    {"ret", {0xc3}, 1, Flow::kEnd},
    {"jmp *rax", {0xff, 0xe0}, 2, Flow::kEnd},
    {"call *rax comes back", {0xff, 0xd0}, 2},
    {"ud2", {0x0f, 0x0b}, 2, Flow::kEnd},
    {"a near branch that vendors read differently", {0x66, 0xe8, 1, 2, 3, 4}, 0},
    {"VEX: vpalignr", {0xc4, 0xe3, 0x79, 0x0f, 0xc1, 8}, 6},
    {"VEX: vpshufd", {0xc5, 0xf9, 0x70, 0xc1, 1}, 5},
    {"VEX: vzeroupper", {0xc5, 0xf8, 0x77}, 3},
    {"EVEX: vpternlogd", {0x62, 0xf3, 0x7d, 0x48, 0x25, 0xc0, 0xff}, 7},
    {"EVEX: disp8", {0x62, 0xf1, 0x7c, 0x48, 0x10, 0x40, 1}, 7},
    {"EVEX without its fixed bit", {0x62, 0xf1, 0x78, 0x48, 0x10, 0xc0}, 0},
    {"XOP: vprotb", {0x8f, 0xe8, 0x78, 0xc0, 0xc0, 1}, 6},
    {"pop, not XOP", {0x8f, 0xc0}, 2},
    {"3DNow!", {0x0f, 0x0f, 0xc1, 0x9e}, 4},
    {"SSE4a: extrq", {0x66, 0x0f, 0x78, 0xc0, 1, 2}, 6},
    {"SSE4a: insertq", {0xf2, 0x0f, 0x78, 0xc1, 1, 2}, 6},
    {"mov from cr0 has no memory", {0x0f, 0x20, 0x04}, 3},
    {"taken out of 64-bit code", {0x06}, 0},
    {"cut off", {0xb8, 0x0f, 0xa2, 0}, 0},
    {"cut off before its operand", {0x48, 0x8d}, 0},
    {"prefixes only", {0x66, 0x66}, 0},
    {"nothing", {}, 0},
    {"15 bytes",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0xa2},
     15},
    {"16 bytes",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f,
      0xa2},
     0},
};

void instructionsAreAsLongAsTheManualsSay(Expectations& expect) {
  for (const Case& test : kCases) {
    const Instruction got = decode(test.bytes.data(), test.bytes.size());
    expect.that(got.length == test.length, std::string(test.what) + ": its length");
    if (test.length == 0) continue;
    expect.that(got.flow == test.flow, std::string(test.what) + ": where it leads");
    expect.that(got.distance == test.distance, std::string(test.what) + ": how far");
    // Nothing behind it is part of it, and without its last byte it isn't there.
    std::vector<uint8_t> more = test.bytes;
    more.resize(more.size() + 15, 0xa2);
    expect.that(decode(more.data(), more.size()).length == test.length, test.what);
    expect.that(decode(test.bytes.data(), test.bytes.size() - 1).length == 0, test.what);
  }
}

void aDisassemblerAgrees(Expectations& expect) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<uint8_t> bytes;
    for (size_t at = 0; at + 1 < line.size(); at += 2)
      bytes.push_back(static_cast<uint8_t>(std::stoul(line.substr(at, 2), nullptr, 16)));
    const size_t length = bytes.size();
    bytes.resize(length + 15, 0x90);
    expect.that(decode(bytes.data(), bytes.size()).length == length, line);
  }
}

}  // namespace
}  // namespace cpugate

int main(int argc, char**) {
  cpugate::Expectations expect;
  cpugate::instructionsAreAsLongAsTheManualsSay(expect);
  if (argc > 1) cpugate::aDisassemblerAgrees(expect);
  return expect.conclude();
}
