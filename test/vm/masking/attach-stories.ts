/**
 * Trees that run already come under a mask and out again. "observe" is such a tree: threads, forked
 * and exec'd children that look all the time; each story is a shell script that fails at its first
 * line that isn't so.
 */
import { type Build, programFile } from './build-programs.js';
import { maskFile } from './masks.js';
import type { GuestCase } from './run-cases.js';

export interface Story {
  readonly name: string;
  readonly lines: readonly string[];
  readonly unprivileged?: true;
  /** Needs root and a cgroup v2 that it may write to. */
  readonly cgroup?: true;
  /** Executes no CPUID while it is bare. */
  readonly silent?: true;
}

const NOBODY = 65534;

export const STORY_PROGRAMS: readonly (readonly [string, Build])[] = [
  ['observe', 'static-glibc'],
  ['rseq', 'static-glibc'],
  ['in_vfork', 'static-glibc'],
  ['waking', 'static-glibc'],
  ['no_vdso', 'static-glibc'],
];

interface StoryPlace {
  /** Where programs and masks are. */
  readonly folder: string;
  readonly supervisor: string;
  /** Of the story's own; others beside it have its name and more. */
  readonly file: string;
}

export function storyCommand(
  { lines, unprivileged }: Story,
  { folder, supervisor, file }: StoryPlace,
): Pick<GuestCase, 'command' | 'environment' | 'user'> {
  return {
    command: ['bash', '-exc', lines.join('\n')],
    environment: {
      O: programFile(folder, 'observe', 'static-glibc'),
      R: programFile(folder, 'rseq', 'static-glibc'),
      V: programFile(folder, 'in_vfork', 'static-glibc'),
      W: programFile(folder, 'waking', 'static-glibc'),
      N: programFile(folder, 'no_vdso', 'static-glibc'),
      S: supervisor,
      M: maskFile(folder, 'ivybridge'),
      F: file,
      XDG_RUNTIME_DIR: unprivileged ? `/run/user/${NOBODY}` : '/run',
    },
    ...(unprivileged ? { user: NOBODY } : {}),
  };
}

/** $O observe, $R rseq, $V in_vfork, $W waking, $N no_vdso, $S the supervisor, $M the mask, $F a file of its own for each story. */
const TREE = 'set -m; $O run $F & pid=$!; $O check $F bare';
/** Looks, forks and executes without a pause: whatever is done to it comes in the midst of something. */
const RUSH = 'set -m; $O rush $F & pid=$!';
const ATTACH = '$S attach --mask $M --pid $pid --background';
const GONE = 'kill -TERM -- -$pid; ! wait $pid';
const UNTRACED = 'grep -q "^TracerPid:.0$" /proc/$pid/status';
const SUPERVISOR =
  "supervisor=$(sed -n 's/^TracerPid:.//p' /proc/$pid/status); [ $supervisor != 0 ]";
const STOPPED = 'grep -q "^State:.T" /proc/$pid/status';

export const STORIES: readonly Story[] = [
  {
    name: 'a running tree sees the mask from attach on',
    lines: [TREE, ATTACH, '$O check $F masked', GONE],
  },
  {
    name: 'detached, it lives on and sees the CPU',
    lines: [
      ...[TREE, ATTACH, '$O check $F masked', '$S control --pid $pid status'],
      ...['$S control --pid $pid detach', '$O check $F bare', UNTRACED, GONE],
    ],
  },
  {
    name: 'attached and detached over and over',
    lines: [
      TREE,
      'for i in 1 2 3 4 5; do',
      `${ATTACH} || exit 20; $O check $F masked || exit 21`,
      '$S control --pid $pid detach || exit 22; $O check $F bare || exit 23; done',
      GONE,
    ],
  },
  {
    name: 'in a rush: attached and detached over and over',
    lines: [
      RUSH,
      'for i in 1 2 3 4 5 6 7 8 9 10; do',
      `${ATTACH} || exit 20; $O until $F masked || exit 21`,
      '$S control --pid $pid detach || exit 22; $O until $F bare || exit 23; done',
      GONE,
    ],
  },
  {
    name: 'in a rush: released and resumed over and over',
    lines: [
      ...[RUSH, ATTACH, 'for i in 1 2 3 4 5 6 7 8 9 10; do'],
      `$S control --pid $pid release > /dev/null || exit 20; ${STOPPED} || exit 21`,
      '$S control --pid $pid resume || exit 22; $O until $F masked || exit 23; done',
      GONE,
    ],
  },
  {
    name: 'run, in a rush: released and resumed over and over, then detached',
    lines: [
      '$S run --mask $M -- $O rush $F & supervisor=$!',
      '$O until $F masked; pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      'for i in 1 2 3 4 5 6 7 8 9 10; do',
      `$S control --pid $pid release > /dev/null || exit 20; ${STOPPED} || exit 21`,
      '$S control --pid $pid resume || exit 22; $O until $F masked || exit 23; done',
      '$S control --pid $pid detach; $O until $F bare',
      'kill $pid; code=0; wait $supervisor || code=$?; [ $code = 143 ]',
    ],
  },
  {
    name: 'let go by a signal, whose sender ends at once',
    silent: true,
    lines: [
      ...['sleep 300 & pid=$!; sleep 0.2', ATTACH, SUPERVISOR],
      `/bin/kill -TERM $supervisor; for i in 1 2 3 4 5 6 7 8 9; do ${UNTRACED} && break; sleep 0.2; done`,
      ...[UNTRACED, 'kill $pid'],
    ],
  },
  {
    name: 'not let go by the signal of a task, whose sender ends at once',
    silent: true,
    lines: [
      'mkfifo $F.fifo',
      'sh -c \'read number < "$1"; /bin/kill -TERM $number; exec sleep 300\' sh $F.fifo & pid=$!; sleep 0.3',
      ...[ATTACH, SUPERVISOR, 'echo $supervisor > $F.fifo; sleep 1.5'],
      ...[`! ${UNTRACED}`, 'kill -KILL $pid; rm $F.fifo'],
    ],
  },
  {
    name: 'without privileges, a tree of the same user',
    lines: [
      TREE,
      ATTACH,
      '$O check $F masked',
      '$S control --pid $pid detach',
      '$O check $F bare',
      GONE,
    ],
    unprivileged: true,
  },
  {
    name: "without privileges, another user's tree is refused and unharmed",
    lines: [`! ${ATTACH.replace('$pid', '1')}`],
    unprivileged: true,
  },
  {
    name: 'a process that is gone is refused',
    silent: true,
    lines: ['sleep 0 & pid=$!; wait $pid', `! ${ATTACH}`],
  },
  {
    name: 'a second supervisor is refused, and the first goes on',
    lines: [TREE, ATTACH, `! ${ATTACH}`, '$O check $F masked', GONE],
  },
  {
    name: 'a stopped tree stays stopped, and sees the mask when it is continued',
    lines: [
      ...[TREE, 'kill -STOP -- -$pid; sleep 0.2', ATTACH, 'sleep 0.3'],
      'before=$(cat $F | cksum); sleep 0.2',
      'grep -q "^State:.[Tt]" /proc/$pid/status',
      ...['kill -CONT -- -$pid', '$O check $F masked', GONE],
    ],
  },
  {
    name: 'released for another tracer: stopped and untraced; resumed, it sees the mask',
    lines: [
      ...[TREE, ATTACH, '$O check $F masked'],
      '$S control --pid $pid release > $F.released; grep -q "^$pid running" $F.released',
      ...[STOPPED, UNTRACED, '$S control --pid $pid resume', '$O check $F masked', GONE],
    ],
  },
  {
    name: 'released and killed, its supervisor ends',
    lines: [...[TREE, ATTACH, '$S control --pid $pid release', 'kill -KILL -- -$pid; ! wait $pid']],
  },
  {
    name: 'its supervisor killed, it dies',
    lines: [
      ...[TREE, `${ATTACH} --pid-file $F.pid`, '$O check $F masked'],
      ...['kill -KILL $(cat $F.pid)', 'code=0; wait $pid || code=$?; [ $code = 137 ]'],
    ],
  },
  {
    name: 'run: released and resumed',
    lines: [
      '$S run --mask $M --pid-file $F.pid -- $O run $F & supervisor=$!',
      '$O until $F masked; pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      '$S control --pid $pid release',
      ...[STOPPED, UNTRACED, '$S control --pid $pid resume', '$O check $F masked'],
      'kill $pid; code=0; wait $supervisor || code=$?; [ $code = 143 ]',
    ],
  },
  {
    name: 'run: detached, it sees the CPU and its end is passed on',
    lines: [
      '$S run --mask $M -- $O run $F & supervisor=$!',
      '$O until $F masked; pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      ...['$S control --pid $pid detach', '$O check $F bare'],
      'kill $pid; code=0; wait $supervisor || code=$?; [ $code = 143 ]',
    ],
  },
  {
    name: 'a cgroup, with those that come later from elsewhere',
    cgroup: true,
    lines: [
      'G=/sys/fs/cgroup/masked; mkdir $G; echo $$ > $G/cgroup.procs; $O run $F & pid=$!',
      'echo $$ > /sys/fs/cgroup/cgroup.procs; $O check $F bare',
      '$S attach --mask $M --cgroup $G --background; $O check $F masked',
      `sh -c 'echo $$ > '$G/cgroup.procs'; exec '"$O run $F.2" & second=$!`,
      '$O until $F.2 masked; $O check $F masked',
      'mkdir $G/below',
      `sh -c 'echo $$ > '$G/below/cgroup.procs'; exec '"$O run $F.3" & third=$!`,
      '$O until $F.3 masked',
      '$S control --pid $pid detach; $O check $F bare; $O check $F.2 bare',
      'kill $pid $second $third; ! wait $pid; ! wait $second; ! wait $third',
      'while ! rmdir $G/below $G 2>/dev/null; do sleep 0.1; done',
    ],
  },
  {
    name: 'what has come into a cgroup later, and what comes of that, counts as long as it is there',
    cgroup: true,
    lines: [
      'G=/sys/fs/cgroup/later; mkdir $G',
      'claims() { $S control --pid $pid status | grep -x from-start; }',
      `sh -c 'echo $$ > '$G/cgroup.procs'; exec '"$O run $F" & pid=$!`,
      '$O until $F bare',
      '$S attach --mask $M --pid $pid --cgroup $G --from-start --background; $O check $F masked; claims',
      `sh -c 'echo $$ > '$G/cgroup.procs'; exec '"$O run $F.2" & second=$!`,
      '$O until $F.2 masked; ! claims; kill $second; ! wait $second',
      'for i in 1 2 3 4 5 6 7 8 9; do claims && break; sleep 0.1; done; claims',
      // What it has started stays when it has ended itself; a dump that fails changes nothing.
      `sh -c 'echo $$ > '$G/cgroup.procs'; sleep 1; '"$O run $F.3"' & echo $! > '$F.pid`,
      '$O until $F.3 masked; third=$(cat $F.pid); ! claims',
      '$S control --pid $pid release > /dev/null; ! claims; $S control --pid $pid resume; ! claims',
      'kill $third',
      'for i in 1 2 3 4 5 6 7 8 9; do claims && break; sleep 0.1; done; claims',
      '$O check $F masked; kill $pid; ! wait $pid',
      'while ! rmdir $G 2>/dev/null; do sleep 0.1; done',
    ],
  },
  {
    name: 'restartable sequences, attached and detached over and over: none goes on in the middle',
    silent: true,
    lines: [
      '$R 300 & pid=$!; sleep 0.3; for i in 1 2 3 4 5 6 7 8; do',
      `${ATTACH} || exit 20; sleep 0.1`,
      '$S control --pid $pid detach || exit 21; sleep 0.1; done',
      'kill -TERM $pid; wait $pid',
    ],
  },
  {
    name: 'restartable sequences, released and resumed over and over: none goes on in the middle',
    silent: true,
    lines: [
      `$R 300 & pid=$!; sleep 0.3; ${ATTACH}; for i in 1 2 3 4 5 6 7 8; do`,
      '$S control --pid $pid release > /dev/null || exit 20; sleep 0.1',
      '$S control --pid $pid resume || exit 21; sleep 0.1; done',
      'kill -TERM $pid; wait $pid',
    ],
  },
  {
    name: 'released while a child holds it by vfork, also one that was there before',
    silent: true,
    lines: [
      '$V $F & pid=$!; until grep -q ready $F; do sleep 0.02; done',
      ...[ATTACH, 'for i in 1 2 3; do $S control --pid $pid release > /dev/null || exit 20'],
      `${STOPPED} || exit 21; $S control --pid $pid resume || exit 22; done`,
      'kill -TERM $pid; ! wait $pid',
    ],
  },
  {
    name: 'run: released while a child holds it by vfork',
    silent: true,
    lines: [
      '$S run --mask $M -- $V $F & supervisor=$!',
      'until grep -q ready $F; do sleep 0.02; done',
      'pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      'for i in 1 2 3; do $S control --pid $pid release > /dev/null || exit 20',
      `${STOPPED} || exit 21; $S control --pid $pid resume || exit 22; done`,
      'kill $pid; code=0; wait $supervisor || code=$?; [ $code = 143 ]',
    ],
  },
  {
    name: 'run: without its vDSO, released and resumed over and over, it lives',
    silent: true,
    lines: [
      '$S run --mask $M -- $N $F & supervisor=$!',
      'until grep -q ready $F; do sleep 0.02; done',
      'pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      'for i in 1 2 3 4 5 6 7 8; do $S control --pid $pid release > /dev/null || exit 20',
      `${STOPPED} || exit 21; $S control --pid $pid resume || exit 22; sleep 0.07; done`,
      'kill $pid; code=0; wait $supervisor || code=$?; [ $code = 143 ]',
    ],
  },
  {
    name: 'run: released, and woken by its own timer, it sees nothing',
    silent: true,
    lines: [
      '$S run --mask $M -- $W $F & supervisor=$!',
      'until grep -q ready $F; do sleep 0.1; done',
      'pid=$(cat /proc/$supervisor/task/$supervisor/children); set -- $pid; pid=$1',
      'for i in 1 2 3 4 5 6 7 8 9 10; do',
      '$S control --pid $pid release || break; sleep 0.02; $S control --pid $pid resume || break; done',
      'kill -KILL $pid 2>/dev/null || :; kill -TERM $supervisor 2>/dev/null || :; wait $supervisor || :',
      '! grep CPU $F',
    ],
  },
  {
    name: 'not supervised: control says so by its status',
    silent: true,
    lines: ['code=0; $S control --pid $$ status || code=$?; [ $code = 3 ]'],
  },
];
