/**
 * What becomes of signals that are sent to a supervisor. A supervisor that dies takes its tasks
 * with it: so none of these ends it.
 */
#ifndef CPUGATE_SUPERVISOR_SIGNALS_H_
#define CPUGATE_SUPERVISOR_SIGNALS_H_

#include <sys/types.h>

#include <optional>
#include <vector>

#include "control.h"
#include "process_handle.h"

namespace cpugate {

/**
 * run, adopt: passes on to the root what ends or pokes a program, but not what the terminal sends
 * to both. When the root has ended, those that end programs are kept for signalsForTheRest(), and
 * `control` is poked.
 */
void passSignalsOn(ProcessHandle root, Control& control);

/** The signals that were meant for a root that has ended, each once. */
std::vector<int> signalsForTheRest();

/**
 * attach: what ends programs asks for the tasks to be let go;
 * `control` is poked. In the background, a hangup doesn't.
 */
void letGoOnSignals(bool background, Control& control);

/** A signal that asks for that. */
struct Dismissal {
  int signal;
  /** No task can have sent it: it is the kernel's, for a terminal, or of a PID namespace above. */
  bool isForeign;
  /** Else who sent it, by its number; the handle isn't open where that one has ended. */
  pid_t number;
  ProcessHandle sender;
};

/** The last one that came, once. */
std::optional<Dismissal> takeDismissal();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SIGNALS_H_
