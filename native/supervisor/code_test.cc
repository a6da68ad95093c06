/**
 * What is known of code before it is changed: mappings, places of CPUID, what was done to it. Built
 * and run by test/native/supervisor.test.ts.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include "../probe/expect.h"
#include "code_patches.h"
#include "code_sites.h"
#include "memory_map.h"
#include "scoped_fd.h"

// What has an address, for the test to find it again in its own file.
extern "C" {
extern const uint8_t kSiteInFunction[], kSiteBehindPrefix[], kPairInImmediate[], kPairAmongCode[],
    kPairInData[];
uint32_t functionWithSites();
}

asm(".text\n"
    ".globl functionWithSites\n.type functionWithSites, @function\n"
    "functionWithSites:\n.cfi_startproc\n"
    "push %rbx\n"
    "kPairInImmediate = . + 1\nmov $0xa20f, %eax\n"
    "xor %eax, %eax\nxor %ecx, %ecx\n"
    "kSiteInFunction:\n.byte 0x0f, 0xa2\n"
    "xor %eax, %eax\nxor %ecx, %ecx\n"
    "kSiteBehindPrefix = . + 2\n.byte 0x66, 0x48, 0x0f, 0xa2\n"
    "pop %rbx\nret\n"
    ".cfi_endproc\n.size functionWithSites, . - functionWithSites\n"
    "kPairAmongCode:\n.byte 0x0f, 0xa2\n"
    ".type anObject, @object\nanObject:\nkPairInData:\n.byte 0x0f, 0xa2\n"
    ".size anObject, . - anObject\n");

namespace cpugate {
namespace {

void mappingsAreRead(Expectations& expect) {
  const auto one = parseMapping(
      "7f0000001000-7f0000003000 r-xp 0001f000 fe:01 1234567                    /usr/lib/a b.so");
  expect.that(one && one->range == Range{0x7f0000001000, 0x7f0000003000}, "its addresses");
  expect.that(one && one->protection == (PROT_READ | PROT_EXEC) && !one->isShared, "its rights");
  expect.that(one && one->offset == 0x1f000 && one->device == makedev(0xfe, 1), "its place");
  expect.that(one && one->inode == 1234567 && one->name == "/usr/lib/a b.so", "its file");
  const auto shared = parseMapping("1000-2000 rw-s 00000000 00:00 0 ");
  expect.that(shared && shared->isShared && shared->inode == 0 && shared->name.empty(), "no file");
  for (const char* text : {"", "1000", "1000-2000", "1000-2000 r-xp", "x-2000 r-xp 0 0:0 0 ",
                           "1000-2000 r-xp 0 0:0 ", "1000-2000 r-xp 0 00 0 "})
    expect.that(!parseMapping(text), std::string("no mapping: ") + text);
  const auto here = reinterpret_cast<uint64_t>(&mappingsAreRead);
  const auto own = mappingsIn(getpid(), {here, here + 1});
  expect.that(own.size() == 1 && (own[0].protection & PROT_EXEC) != 0 && own[0].inode != 0,
              "this program's own code");
  expect.that(mappingsIn(getpid(), {0, 1}).empty(), "nothing is there");
  expect.that(mappingsIn(-1, {0, ~uint64_t{0}}).empty(), "no process");
}

void whatWasDoneIsKept(Expectations& expect) {
  CodePatches code;
  code.addSite(0x1000);
  code.addSite(0x1fff);
  code.addSite(0x3000);
  code.hold({{0x2000, 0x6000}, PROT_READ | PROT_EXEC});
  uint8_t bytes[] = {0x90, 0x0f, kTrapByte, 0x0f, kTrapByte};
  code.showOriginal(0xfff, bytes, sizeof bytes);
  expect.that(bytes[2] == kCpuidByte && bytes[4] == kTrapByte, "only sites are shown as they were");
  uint8_t half[] = {kTrapByte};
  code.showOriginal(0x2000, half, sizeof half);
  expect.that(half[0] == kCpuidByte, "a site that began before");
  expect.that(code.sitesIn({0x1000, 0x3000}) == std::vector<uint64_t>{0x1000, 0x1fff}, "by range");
  expect.that(code.sitesIn({0x3000, 0x1000}).empty(), "an empty range");
  code.stopHolding({0x3000, 0x4000});
  expect.that(!code.heldAt(0x1fff) && code.heldAt(0x2000) && !code.heldAt(0x3000) &&
                  code.heldAt(0x4000) && !code.heldAt(0x6000),
              "a hole in what is held");
  expect.that(code.heldAt(0x5000)->range == Range{0x4000, 0x6000}, "what is left of it");
  code.move({0x3000, 0x5000}, 0x10000);
  expect.that(code.isSite(0x10000) && !code.isSite(0x3000) && code.isSite(0x1000), "moved");
  expect.that(code.heldAt(0x11000) && !code.heldAt(0x4000) && code.heldAt(0x5000), "held there");
  code.forget({0x1000, 0x2000});
  expect.that(!code.isSite(0x1000) && !code.isSite(0x1fff) && code.isSite(0x10000), "forgotten");
}

void pairsAreFound(Expectations& expect) {
  const uint8_t bytes[] = {0xa2, 0x0f, 0xa2, 0x0f, 0x0f, 0xa2, 0x0f};
  expect.that(findPairs(bytes, sizeof bytes) == std::vector<size_t>{1, 4}, "both");
  expect.that(findPairs(bytes, 2).empty() && findPairs(bytes, 0).empty(), "cut off");
  std::mt19937 random(7);
  std::vector<uint8_t> many(5000);
  for (uint8_t& byte : many) byte = random() % 3 == 0 ? 0x0f : random() % 2 == 0 ? 0xa2 : 0x90;
  std::vector<size_t> wanted;
  for (size_t at = 0; at + 1 < many.size(); ++at)
    if (many[at] == 0x0f && many[at + 1] == 0xa2) wanted.push_back(at);
  expect.that(findPairs(many.data(), many.size()) == wanted, "as by looking at each place");
}

void codeIsFollowed(Expectations& expect) {
  // jmp over a table to a CPUID; call of what begins with a prefixed one; ret; a CPUID behind it.
  const uint8_t code[] = {0xeb, 0x02, 0x0f, 0xa2,                    // 0
                          0x0f, 0xa2, 0xe8, 0x03, 0x00, 0x00, 0x00,  // 4
                          0xc3, 0x0f, 0xa2,                          // 11
                          0x66, 0x0f, 0xa2, 0xb8, 0x0f, 0xa2, 0x0f, 0xa2, 0xc3};
  const auto pairs = findPairs(code, sizeof code);
  expect.that(pairs.size() == 6, "all of them");
  expect.that(reachedPairs(code, sizeof code, 0, pairs) == std::vector<size_t>{4, 15},
              "what is executed, not the table, the immediate, or what nobody goes to");
  expect.that(reachedPairs(code, sizeof code, 12, pairs) == std::vector<size_t>{12, 15},
              "from elsewhere");
  expect.that(reachedPairs(code, sizeof code, sizeof code, pairs).empty(), "from outside");
  const uint8_t loop[] = {0x0f, 0xa2, 0xeb, 0xfc};
  expect.that(reachedPairs(loop, sizeof loop, 0, {0}) == std::vector<size_t>{0}, "a loop ends");
}

uint64_t offsetOf(const uint8_t* address) {
  const auto at = reinterpret_cast<uint64_t>(address);
  const auto mapping = mappingsIn(getpid(), {at, at + 1});
  return mapping.empty() ? 0 : at - mapping[0].range.from + mapping[0].offset;
}

bool has(const std::vector<uint64_t>& list, uint64_t one) {
  return std::ranges::find(list, one) != list.end();
}

void ownCodeIsKnown(Expectations& expect) {
  const ScopedFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat status {};
  fstat(file.get(), &status);
  const auto size = static_cast<uint64_t>(status.st_size);
  const ReadAt read = [&file](uint64_t offset, void* to, size_t bytes) {
    const ssize_t got = pread(file.get(), to, bytes, static_cast<off_t>(offset));
    return got < 0 ? size_t{0} : static_cast<size_t>(got);
  };
  const CodeSites sites = findSites(read, size);
  expect.that(has(sites.proven, offsetOf(kSiteInFunction)), "CPUID in a function");
  expect.that(has(sites.proven, offsetOf(kSiteBehindPrefix)), "behind prefixes");
  const auto unknown = [&](const uint8_t* at) {
    return !has(sites.proven, offsetOf(at)) && !has(sites.unproven, offsetOf(at));
  };
  expect.that(unknown(kPairInImmediate), "an immediate is none");
  expect.that(unknown(kPairInData), "an object is none");
  expect.that(has(sites.unproven, offsetOf(kPairAmongCode)), "of no function: nobody knows");
  expect.that(functionWithSites() > 0, "and it is code");

  // Without its headers nothing is proven; damaged or cut off, it is read all the same.
  std::mt19937 random(1);
  for (int round = 0; round < 24; ++round) {
    const uint64_t end = round % 4 == 0 ? size : random() % size;
    const uint64_t damaged = random() % (round % 2 == 0 ? 64 : 1024);
    const auto value = static_cast<uint8_t>(random());
    const ReadAt badly = [&](uint64_t offset, void* to, size_t bytes) -> size_t {
      if (offset >= end) return 0;
      const size_t got = read(offset, to, std::min<uint64_t>(bytes, end - offset));
      if (damaged >= offset && damaged - offset < got)
        static_cast<uint8_t*>(to)[damaged - offset] = value;
      return got;
    };
    const CodeSites found = findSites(badly, end);
    expect.that(std::ranges::is_sorted(found.proven) && std::ranges::is_sorted(found.unproven),
                "whatever it is");
  }
  const ReadAt headless = [&](uint64_t offset, void* to, size_t bytes) -> size_t {
    const size_t got = read(offset, to, bytes);
    if (offset == 0 && got > 0) static_cast<char*>(to)[0] = 'x';
    return got;
  };
  const CodeSites blind = findSites(headless, size);
  expect.that(blind.proven.empty() && has(blind.unproven, offsetOf(kSiteInFunction)),
              "no ELF file: nothing is proven");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::mappingsAreRead(expect);
  cpugate::whatWasDoneIsKept(expect);
  cpugate::pairsAreFound(expect);
  cpugate::codeIsFollowed(expect);
  cpugate::ownCodeIsKnown(expect);
  return expect.conclude();
}
