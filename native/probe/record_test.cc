/**
 * Prints the records of machines that are told on standard input, a fact a line, texts in
 * hexadecimal, "end" behind each: test/native/record.test.ts tells it machines that nobody has.
 */
#include "record.h"

#include <iostream>
#include <sstream>
#include <string>

namespace cpugate {
namespace {

std::string fromHex(const std::string& hex) {
  std::string text;
  for (size_t at = 0; at + 1 < hex.size(); at += 2)
    text += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return text;
}

uint64_t hexOf(std::istream& words) {
  uint64_t value = 0;
  words >> std::hex >> value;
  return value;
}

/** Facts that are texts, by name. */
void setText(MachineAnswers& machine, const std::string& key, const std::string& text) {
  if (key == "hostname") machine.hostname = text;
  if (key == "kernel") machine.kernel = text;
  if (key == "online") machine.onlineCpus = text;
  if (key == "cpuinfo") machine.cpuinfo = text;
  if (key == "auxv") machine.auxiliaryVector = text;
  if (key == "libc") machine.libc = text;
}

void printRecord(const MachineAnswers& machine) {
  std::string why;
  const auto record = recordOf(machine, {}, why);
  std::cout << (record ? *record : why + "\n") << "end\n";
}

void printAll(std::istream& input) {
  MachineAnswers machine;
  std::string how;
  std::string line;
  while (std::getline(input, line)) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "end") {
      machine.faulting.how = how.c_str();
      printRecord(machine);
      machine = {};
    } else if (key == "cpu") {
      CpuAnswers cpu;
      words >> cpu.cpu >> cpu.error;
      machine.cpus.push_back(cpu);
    } else if (key == "row") {
      Row row;
      CpuidRegisters& a = row.answer;
      words >> std::hex >> row.leaf >> row.subleaf >> a.eax >> a.ebx >> a.ecx >> a.edx;
      machine.cpus.back().answers.rows.push_back(row);
    } else if (key == "xcr0") {
      machine.cpus.back().answers.xcr0 = hexOf(words);
    } else if (key == "xinuse") {
      machine.cpus.back().answers.xinuse = hexOf(words);
    } else if (key == "xcomp") {
      machine.xcompSupported = hexOf(words);
    } else if (key == "faulting") {
      words >> how >> machine.faulting.number;
    } else {
      std::string hex;
      words >> hex;
      setText(machine, key, fromHex(hex));
    }
  }
}

}  // namespace
}  // namespace cpugate

int main() { cpugate::printAll(std::cin); }
