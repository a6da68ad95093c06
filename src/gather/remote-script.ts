/**
 * What a host is told to do, the same for every host: nothing of a name is in it. The probe comes on
 * standard input, is put where programs may run, prints the record behind a line that says so (a
 * shell's start files may print, too), and is removed whatever happens.
 */

/** Its line on standard error, with what the machine is, where no probe of ours runs. */
export const FOREIGN = 'cpugate-foreign';
/** The line before the record. */
export const RECORD_FOLLOWS = 'cpugate-record';
/** Nowhere may a file be written that may be executed. */
export const NO_ROOM = 'cpugate-no-room';

const STEPS = [
  `case "$(uname -s) $(uname -m)" in "Linux x86_64") ;; *) echo "${FOREIGN} $(uname -s) $(uname -m)" >&2; exit 69;; esac`,
  'umask 077',
  'p=',
  'trap "rm -rf \\"\\$p\\"" EXIT',
  'trap "exit 129" HUP INT TERM',
  // /tmp may be mounted noexec.
  'for d in /tmp /var/tmp /dev/shm "$HOME"; do ' +
    'n=$(mktemp -d "$d/cpugate.XXXXXXXX" 2>/dev/null) || continue; ' +
    'if [ -z "$p" ]; then cat >"$n/cpugate-probe"; else cp "$p/cpugate-probe" "$n/"; rm -rf "$p"; fi; ' +
    'p=$n; ' +
    'chmod 700 "$p/cpugate-probe"; ' +
    '"$p/cpugate-probe" --version >/dev/null 2>&1 && break; ' +
    'done',
  `"$p/cpugate-probe" --version >/dev/null 2>&1 || { echo ${NO_ROOM} >&2; exit 73; }`,
  `echo ${RECORD_FOLLOWS}`,
  '"$p/cpugate-probe"',
];

/** One word for ssh, which the login shell at the other end, whichever it is, takes apart again. */
export const REMOTE_COMMAND = `exec sh -c '${STEPS.join('; ')}'`;
