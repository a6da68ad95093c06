/** The threads that the supervisor holds, by number. */
#ifndef CPUGATE_SUPERVISOR_TASKS_H_
#define CPUGATE_SUPERVISOR_TASKS_H_

#include <sys/types.h>

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "task.h"

namespace cpugate {

class Tasks {
 public:
  /** nullptr where there is none. The place of a task stays the same until it is removed. */
  Task* find(pid_t tid) {
    const auto found = all_.find(tid);
    return found == all_.end() ? nullptr : found->second.get();
  }
  const Task* find(pid_t tid) const { return const_cast<Tasks*>(this)->find(tid); }
  bool contains(pid_t tid) const { return all_.contains(tid); }

  /** A new one; one that had the number before is forgotten. */
  Task& add(pid_t tid) { return *(all_[tid] = std::make_unique<Task>(tid)); }
  void remove(pid_t tid) { all_.erase(tid); }
  /** A thread that executes a program gets the first thread's number. */
  Task* rename(pid_t from, pid_t to) {
    auto moved = all_.extract(from);
    if (moved.empty()) return find(to);
    all_.erase(to);
    moved.key() = to;
    moved.mapped()->tid = to;
    return all_.insert(std::move(moved)).position->second.get();
  }

  size_t size() const { return all_.size(); }
  bool isEmpty() const { return all_.empty(); }
  void clear() { all_.clear(); }

  /** A copy of the numbers: what is done for one may change who is here. */
  std::vector<pid_t> numbers() const {
    std::vector<pid_t> list;
    list.reserve(all_.size());
    for (const auto& [tid, task] : all_) list.push_back(tid);
    return list;
  }

  template <typename Predicate>
  bool all(Predicate holds) const {
    for (const auto& [tid, task] : all_)
      if (!holds(*task)) return false;
    return true;
  }
  template <typename Visit>
  void each(Visit visit) {
    for (const auto& [tid, task] : all_) visit(*task);
  }
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& [tid, task] : all_) visit(static_cast<const Task&>(*task));
  }

 private:
  std::unordered_map<pid_t, std::unique_ptr<Task>> all_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASKS_H_
