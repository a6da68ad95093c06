// The border to JavaScript. Its other side is src/probe/addon.ts.
//
// One binary for every C library and every glibc from 2.28 on: it needs no library by name and no
// symbol by version, and takes the few functions that it calls (scripts/portable.mjs lists them)
// from the process that loads it. So it is built without exceptions, and without the C++ library's
// binary (runtime.cc).
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

// Weak: other C libraries don't have it (gnu/libc-version.h).
extern "C" __attribute__((weak)) const char* gnu_get_libc_version();
constexpr std::size_t kNumbersPerRow = 6;

Napi::Value ToBigInt(Napi::Env env, const std::optional<std::uint64_t>& value) {
  return value ? Napi::BigInt::New(env, *value).As<Napi::Value>() : env.Undefined();
}

Napi::Value ToRows(Napi::Env env, const std::vector<Row>& rows) {
  auto array = Napi::Uint32Array::New(env, rows.size() * kNumbersPerRow);
  std::uint32_t* next = array.Data();
  for (const Row& row : rows) {
    const Answer& a = row.answer;
    for (std::uint32_t number : {row.leaf, row.subleaf, a.eax, a.ebx, a.ecx, a.edx})
      *next++ = number;
  }
  return array;
}

// probeCpus(): {cpu, error, leaves, xcr0, xinuse}[]
Napi::Value ProbeCpusForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cpus = ProbeCpus();
  if (!cpus) {
    const std::string why = strerror(errno);
    Napi::Error::New(env, "no CPU could be asked: " + why).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto list = Napi::Array::New(env, cpus->size());
  for (std::uint32_t place = 0; place < cpus->size(); ++place) {
    const CpuAnswers& cpu = (*cpus)[place];
    auto entry = Napi::Object::New(env);
    entry.Set("cpu", cpu.cpu);
    entry.Set("error", cpu.error);
    entry.Set("leaves", ToRows(env, cpu.answers.rows));
    entry.Set("xcr0", ToBigInt(env, cpu.answers.xcr0));
    entry.Set("xinuse", ToBigInt(env, cpu.answers.xinuse));
    list.Set(place, entry);
  }
  return list;
}

// cpuidFaulting(): {how, number}
Napi::Value CpuidFaultingForJs(const Napi::CallbackInfo& info) {
  const FaultingVerdict verdict = ProbeCpuidFaulting(kChildLimit);
  auto result = Napi::Object::New(info.Env());
  result.Set("how", verdict.how);
  result.Set("number", verdict.number);
  return result;
}

Napi::Value XcompSupportedForJs(const Napi::CallbackInfo& info) {
  return ToBigInt(info.Env(), XcompSupported());
}

Napi::Value GlibcVersionForJs(const Napi::CallbackInfo& info) {
  if (gnu_get_libc_version == nullptr) return info.Env().Undefined();
  return Napi::String::New(info.Env(), gnu_get_libc_version());
}

// replaceProcess(file, arguments, kept): errno, or it doesn't return. The last `kept` arguments of
// this process's own command line follow, byte by byte.
Napi::Value ReplaceProcessForJs(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>();
  const auto given = info[1].As<Napi::Array>();
  const std::size_t kept = info[2].As<Napi::Number>().Uint32Value();
  std::vector<std::string> arguments;
  for (std::uint32_t place = 0; place < given.Length(); ++place)
    arguments.push_back(given.Get(place).As<Napi::String>());
  const std::vector<std::string> own = OwnArguments();
  if (kept > own.size()) return Napi::Number::New(info.Env(), EINVAL);
  arguments.insert(arguments.end(), own.end() - static_cast<std::ptrdiff_t>(kept), own.end());
  return Napi::Number::New(info.Env(), ReplaceProcess(file, arguments));
}

// lockFile(descriptor): 0 or errno.
Napi::Value LockFileForJs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), LockFile(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Object Register(Napi::Env env, Napi::Object exports) {
  exports.Set("probeCpus", Napi::Function::New(env, ProbeCpusForJs));
  exports.Set("cpuidFaulting", Napi::Function::New(env, CpuidFaultingForJs));
  exports.Set("xcompSupported", Napi::Function::New(env, XcompSupportedForJs));
  exports.Set("replaceProcess", Napi::Function::New(env, ReplaceProcessForJs));
  exports.Set("lockFile", Napi::Function::New(env, LockFileForJs));
  exports.Set("glibcVersion", Napi::Function::New(env, GlibcVersionForJs));
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Register)

}  // namespace
}  // namespace cpugate
