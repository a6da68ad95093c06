/**
 * The border to JavaScript. Its other side is src/probe/addon.ts.
 *
 * One binary for every C library and every glibc from 2.28 on: it needs no library by name and no
 * symbol by version, and takes the few functions that it calls (scripts/portable.mjs lists them)
 * from the process that loads it. So it is built without exceptions, and without the C++ library's
 * binary (runtime.cc).
 */
#include <napi.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "../enforce/lock.h"
#include "../enforce/replace.h"
#include "cpus.h"
#include "faulting.h"

namespace cpugate {
namespace {

constexpr std::chrono::seconds kChildLimit{5};

/** Weak: other C libraries don't have it (gnu/libc-version.h). */
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" __attribute__((weak)) const char* gnu_get_libc_version();
constexpr size_t kNumbersPerRow = 6;

Napi::Value toBigInt(Napi::Env env, const std::optional<uint64_t>& value) {
  return value ? Napi::BigInt::New(env, *value).As<Napi::Value>() : env.Undefined();
}

Napi::Value toRows(Napi::Env env, const std::vector<Row>& rows) {
  auto array = Napi::Uint32Array::New(env, rows.size() * kNumbersPerRow);
  uint32_t* next = array.Data();
  for (const Row& row : rows) {
    const CpuidRegisters& a = row.answer;
    for (uint32_t number : {row.leaf, row.subleaf, a.eax, a.ebx, a.ecx, a.edx}) *next++ = number;
  }
  return array;
}

/** probeCpus(): {cpu, error, leaves, xcr0, xinuse}[] */
Napi::Value probeCpusForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cpus = probeCpus();
  if (!cpus) {
    const std::string why = strerror(errno);
    Napi::Error::New(env, "no CPU could be asked: " + why).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto list = Napi::Array::New(env, cpus->size());
  for (uint32_t place = 0; place < cpus->size(); ++place) {
    const CpuAnswers& cpu = (*cpus)[place];
    auto entry = Napi::Object::New(env);
    entry.Set("cpu", cpu.cpu);
    entry.Set("error", cpu.error);
    entry.Set("leaves", toRows(env, cpu.answers.rows));
    entry.Set("xcr0", toBigInt(env, cpu.answers.xcr0));
    entry.Set("xinuse", toBigInt(env, cpu.answers.xinuse));
    list.Set(place, entry);
  }
  return list;
}

/** cpuidFaulting(): {how, number} */
Napi::Value cpuidFaultingForJs(const Napi::CallbackInfo& info) {
  const FaultingVerdict verdict = probeCpuidFaulting(kChildLimit);
  auto result = Napi::Object::New(info.Env());
  result.Set("how", verdict.how);
  result.Set("number", verdict.number);
  return result;
}

Napi::Value offersCpuidFaultingForJs(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), offersCpuidFaulting());
}

Napi::Value xcompSupportedForJs(const Napi::CallbackInfo& info) {
  return toBigInt(info.Env(), xcompSupported());
}

Napi::Value glibcVersionForJs(const Napi::CallbackInfo& info) {
  if (gnu_get_libc_version == nullptr) return info.Env().Undefined();
  return Napi::String::New(info.Env(), gnu_get_libc_version());
}

/**
 * replaceProcess(file, arguments, kept): errno, or it doesn't return. The last `kept` arguments of
 * this process's own command line follow, byte by byte.
 */
Napi::Value replaceProcessForJs(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>();
  const auto given = info[1].As<Napi::Array>();
  const size_t kept = info[2].As<Napi::Number>().Uint32Value();
  std::vector<std::string> arguments;
  for (uint32_t place = 0; place < given.Length(); ++place)
    arguments.push_back(given.Get(place).As<Napi::String>());
  const std::vector<std::string> own = ownArguments();
  if (kept > own.size()) return Napi::Number::New(info.Env(), EINVAL);
  arguments.insert(arguments.end(), own.end() - static_cast<ptrdiff_t>(kept), own.end());
  return Napi::Number::New(info.Env(), replaceProcess(file, arguments));
}

/** lockFile(descriptor): 0 or errno. */
Napi::Value lockFileForJs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), lockFile(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Object exportAll(Napi::Env env, Napi::Object exports) {
  exports.Set("probeCpus", Napi::Function::New(env, probeCpusForJs));
  exports.Set("cpuidFaulting", Napi::Function::New(env, cpuidFaultingForJs));
  exports.Set("offersCpuidFaulting", Napi::Function::New(env, offersCpuidFaultingForJs));
  exports.Set("xcompSupported", Napi::Function::New(env, xcompSupportedForJs));
  exports.Set("replaceProcess", Napi::Function::New(env, replaceProcessForJs));
  exports.Set("lockFile", Napi::Function::New(env, lockFileForJs));
  exports.Set("glibcVersion", Napi::Function::New(env, glibcVersionForJs));
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, exportAll)

}  // namespace
}  // namespace cpugate
