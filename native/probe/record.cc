#include "record.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include "../cpu/affinity.h"
#include "../cpu/auxv_types.h"
#include "cpuinfo_file.h"
#include "faulting_reason.h"
#include "json.h"
#include "leaves.h"
#include "libc_file.h"

namespace cpugate {
namespace {

constexpr uint32_t kHypervisorLeaf = 0x40000000;

bool isSet(uint32_t value, unsigned bit) { return ((value >> bit) & 1) != 0; }

/** Empty: no hypervisor shows itself; nothing: one does, but without a name. */
std::optional<std::string> hypervisorOf(const Enumeration& answers) {
  const CpuidRegisters* features = findAnswer(answers, 1, 0);
  if (features == nullptr || !isSet(features->ecx, 31)) return std::string();
  // Old ones say 0 for their highest leaf.
  const CpuidRegisters* leaf = findRow(answers, kHypervisorLeaf, 0);
  if (leaf == nullptr) return std::nullopt;
  std::string name;
  for (const uint32_t word : {leaf->ebx, leaf->ecx, leaf->edx})
    for (unsigned shift = 0; shift < 32; shift += 8)
      name += static_cast<char>(word >> shift & 0xff);
  while (name.ends_with('\0')) name.pop_back();
  if (name.empty()) return std::nullopt;
  for (char& sign : name)
    if (sign < ' ' || sign > '~') sign = '.';
  return name;
}

/** AMD's word for CPUID faulting, leaf 0x80000021 EAX[17]. */
bool hasGpOnUserCpuid(const Enumeration& answers) {
  const CpuidRegisters* leaf = findAnswer(answers, 0x80000021, 0);
  return leaf != nullptr && isSet(leaf->eax, 17);
}

/** Went away meanwhile (cpus.h), or wasn't online any more when its turn came. */
bool wentAway(int error) { return error == EAGAIN || error == EINVAL; }

std::vector<std::string> remarksOnCpus(const MachineAnswers& machine) {
  std::vector<std::string> remarks;
  size_t asked = 0;
  for (const CpuAnswers& cpu : machine.cpus) {
    const std::string which = "CPU " + std::to_string(cpu.cpu) + " isn't counted: it ";
    if (cpu.error == 0)
      ++asked;
    else if (wentAway(cpu.error))
      remarks.push_back(which +
                        "went offline, or this process lost access to it, during the probe.");
    else
      remarks.push_back(which + "couldn't be used (" + errorName(cpu.error) + ").");
  }
  const size_t online = cpusOfList(machine.onlineCpus.value_or("")).size();
  if (online > machine.cpus.size())
    remarks.push_back(std::to_string(asked) + " of " + std::to_string(online) +
                      " logical CPUs were asked: this process may not use the others.");
  return remarks;
}

/** Pairs of words, ended by AT_NULL (getauxval(3)). */
std::optional<uint64_t> auxiliaryValue(std::string_view vector, uint64_t type) {
  for (; vector.size() >= sizeof(Elf64_auxv_t); vector.remove_prefix(sizeof(Elf64_auxv_t))) {
    Elf64_auxv_t entry;
    std::memcpy(&entry, vector.data(), sizeof entry);
    if (entry.a_type == AT_NULL) break;
    if (entry.a_type == type) return entry.a_un.a_val;
  }
  return std::nullopt;
}

std::string cpuList(const std::vector<unsigned>& cpus) {
  std::string list;
  for (size_t first = 0, behind = 0; first < cpus.size(); first = behind) {
    for (behind = first + 1; behind < cpus.size() && cpus[behind] == cpus[behind - 1] + 1;)
      ++behind;
    list.append(list.empty() ? "" : ",").append(std::to_string(cpus[first]));
    if (behind - first > 1) list.append("-").append(std::to_string(cpus[behind - 1]));
  }
  return list;
}

std::string leafLine(const Row& row) {
  const CpuidRegisters& a = row.answer;
  std::string line = "\"0x" + hexDigits(row.leaf, 8) + " 0x" + hexDigits(row.subleaf, 2) + ":";
  for (const uint32_t word : {a.eax, a.ebx, a.ecx, a.edx}) line += " 0x" + hexDigits(word, 8);
  return line + '"';
}

void writeHex(JsonWriter& json, const char* name, const std::optional<uint64_t>& value) {
  if (value) json.entry(name, jsonHex(*value));
}

void writeCpus(JsonWriter& json, const std::vector<CpuGroup>& groups) {
  json.open("cpus", '[');
  for (const auto& [answers, logical] : groups) {
    json.open({}, '{');
    json.entry("logical", jsonText(cpuList(logical)));
    writeHex(json, "xcr0", answers->xcr0);
    writeHex(json, "xinuse", answers->xinuse);
    json.open("leaves", '[');
    for (const Row& row : answers->rows) json.item(leafLine(row));
    json.close(']');
    json.close('}');
  }
  json.close(']');
}

void writeGlibc(JsonWriter& json, std::string_view libc) {
  const auto version = glibcVersionOf(libc);
  if (!version) return;
  json.open("glibc", '{');
  json.entry("version", jsonText(*version));
  if (const auto level = isaLevelOf(libc)) json.entry("isaLevel", std::to_string(*level));
  json.close('}');
}

/** The first CPU stands for all where hypervisor and faulting are looked at. */
void writeSystem(JsonWriter& json, const MachineAnswers& machine, const Enumeration& first,
                 std::vector<std::string>& remarks) {
  const CpuinfoFacts cpuinfo = readCpuinfo(machine.cpuinfo.value_or(""));
  remarks.insert(remarks.end(), cpuinfo.remarks.begin(), cpuinfo.remarks.end());
  const auto hypervisor = hypervisorOf(first);
  const FaultingAccount faulting =
      describeFaulting(machine.faulting, {.kernel = machine.kernel,
                                          .hypervisor = hypervisor.value_or(""),
                                          .offeredByCpu = hasGpOnUserCpuid(first)});
  if (!faulting.works) remarks.push_back(faulting.text);
  std::string_view auxv;
  if (machine.auxiliaryVector) auxv = *machine.auxiliaryVector;
  json.open("system", '{');
  json.entry("kernel", jsonText(machine.kernel));
  if (cpuinfo.microcode) json.entry("microcode", jsonLatin1(*cpuinfo.microcode));
  if (cpuinfo.flags) {
    json.open("cpuinfoFlags", '[');
    for (const std::string& flag : *cpuinfo.flags) json.item(jsonLatin1(flag));
    json.close(']');
  }
  if (const auto bytes = auxiliaryValue(auxv, AT_MINSIGSTKSZ))
    json.entry("minSigStackBytes", std::to_string(*bytes));
  if (machine.libc) writeGlibc(json, *machine.libc);
  if (faulting.works) {
    json.open("cpuidFaulting", '{');
    json.entry("works", *faulting.works ? "true" : "false");
    json.entry("reason", jsonText(faulting.text));
    json.close('}');
  }
  if (hypervisor) json.entry("hypervisor", jsonText(*hypervisor));
  writeHex(json, "hwcap", auxiliaryValue(auxv, AT_HWCAP));
  writeHex(json, "hwcap2", auxiliaryValue(auxv, AT_HWCAP2));
  writeHex(json, "xcompSupported", machine.xcompSupported);
  json.close('}');
}

/** Linux calls a machine "(none)" until it is given a name. */
std::string nameOf(const std::string& hostname) {
  return hostname.empty() || hostname == "(none)" ? "localhost" : hostname;
}

}  // namespace

std::optional<std::string> recordOf(const MachineAnswers& machine, const RecordNotes& notes,
                                    std::string& why) {
  std::vector<std::string> remarks = remarksOnCpus(machine);
  const std::vector<CpuGroup> groups = groupCpus(machine.cpus);
  if (groups.empty()) {
    why = "no CPU could be asked.";
    for (const std::string& remark : remarks) why += " " + remark;
    return std::nullopt;
  }
  JsonWriter json;
  json.open({}, '{');
  json.entry("schemaVersion", "1");
  json.entry("kind", jsonText("cpugate-host-profile"));
  json.entry("name", jsonText(notes.name.empty() ? nameOf(machine.hostname) : notes.name));
  json.entry("hostKind", jsonText("system"));
  json.entry("format", jsonText("localhost"));
  if (!notes.taken.empty()) json.entry("taken", jsonText(notes.taken));
  if (!notes.version.empty()) json.entry("cpugate", jsonText(notes.version));
  writeSystem(json, machine, *groups.front().answers, remarks);
  if (!remarks.empty()) {
    json.open("remarks", '[');
    // What is quoted of /proc/cpuinfo is latin-1, which is ASCII in all that Linux writes.
    for (const std::string& remark : remarks) json.item(jsonText(remark));
    json.close(']');
  }
  writeCpus(json, groups);
  json.close('}');
  return json.text() + '\n';
}

}  // namespace cpugate
