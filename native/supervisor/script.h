/**
 * Scripts: what the supervisor does in a task's name takes several of the task's stops. A script is
 * a coroutine that is put aside at each of them, so that the supervisor's one thread waits for
 * nobody: a task that doesn't come to its next stop holds up itself alone.
 */
#ifndef CPUGATE_SUPERVISOR_SCRIPT_H_
#define CPUGATE_SUPERVISOR_SCRIPT_H_

#include <coroutine>
#include <exception>
#include <list>
#include <optional>
#include <utility>

namespace cpugate {

/** A coroutine that gives a T to whoever awaits it. It begins when it is awaited. */
template <typename T>
class [[nodiscard]] Co;

namespace internal {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept {
      return done.promise().continuation;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  // Built without exceptions.
  void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Co<T> get_return_object();
  void return_value(T given) { value = std::move(given); }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Co<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Co {
 public:
  using promise_type = internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Co() = default;
  explicit Co(Handle handle) : handle_(handle) {}
  Co(Co&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Co& operator=(Co&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Co(const Co&) = delete;
  Co& operator=(const Co&) = delete;
  ~Co() {
    if (handle_) handle_.destroy();
  }

  bool isDone() const { return handle_.done(); }
  /** Runs the outermost coroutine up to where it waits first. */
  void start() { handle_.resume(); }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle.promise().continuation = awaiting;
      return handle;
    }
    T await_resume() { return handle.promise().take(); }
  };
  Awaiter operator co_await() & noexcept { return {handle_}; }
  Awaiter operator co_await() && noexcept { return {handle_}; }

 private:
  Handle handle_;
};

namespace internal {
template <typename T>
Co<T> Promise<T>::get_return_object() {
  return Co<T>(Co<T>::Handle::from_promise(*this));
}
inline Co<void> Promise<void>::get_return_object() {
  return Co<void>(Co<void>::Handle::from_promise(*this));
}
}  // namespace internal

using Script = Co<void>;

/** Where a script waits for one value that comes from outside: one at a time. */
template <typename T>
class Awaited {
 public:
  bool isAwaited() const { return static_cast<bool>(waiting_); }
  /** Hands the value to the script, which runs on from there. */
  void give(T value) {
    value_ = std::move(value);
    std::exchange(waiting_, nullptr).resume();
  }

  struct Awaiter {
    Awaited& awaited;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { awaited.waiting_ = handle; }
    T await_resume() { return std::move(*awaited.value_); }
  };
  Awaiter operator co_await() noexcept { return {*this}; }

 private:
  std::coroutine_handle<> waiting_;
  std::optional<T> value_;
};

/** Scripts that may not run at the same time, in the order in which they come. */
class Turns;

/** A script's turn, from where it is awaited to the end of its scope. */
class Turn {
 public:
  explicit Turn(Turns& turns) : turns_(turns) {}
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool await_ready();
  void await_suspend(std::coroutine_handle<> script);
  void await_resume() {}

 private:
  friend class Turns;
  Turns& turns_;
  std::coroutine_handle<> script_;
};

class Turns {
 public:
  Turns() = default;
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

 private:
  friend class Turn;
  Turn* current_ = nullptr;
  std::list<Turn*> waiting_;
};

inline Turn::~Turn() {
  if (turns_.current_ != this) {
    turns_.waiting_.remove(this);
    return;
  }
  turns_.current_ = nullptr;
  if (turns_.waiting_.empty()) return;
  turns_.current_ = turns_.waiting_.front();
  turns_.waiting_.pop_front();
  turns_.current_->script_.resume();
}

inline bool Turn::await_ready() {
  if (turns_.current_ != nullptr) return false;
  turns_.current_ = this;
  return true;
}

inline void Turn::await_suspend(std::coroutine_handle<> script) {
  script_ = script;
  turns_.waiting_.push_back(this);
}

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SCRIPT_H_
