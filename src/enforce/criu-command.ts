/**
 * What a CRIU process is about, by its /proc/PID/cmdline. Engines start "criu swrk FD" and ask over a socket;
 * once it knows what for, it names itself "criu: restore --rpc" or "criu: dump --rpc -t PID", where it was built
 * with libbsd. Pure.
 * Source: CRIU 4.2, criu/cr-service.c and criu/setproctitle.c.
 */

const ENGINE = /\0swrk(?:\0|$)/;

/** Whether it may be restoring tasks. */
export function mayRestore(cmdline: string): boolean {
  return ENGINE.test(cmdline) || /\0restore(?:\0|$)|^criu: restore --rpc(?:\0|$)/.test(cmdline);
}

/** Whether its dump freezes the tasks' cgroup: engines ask for it over the socket. */
export function freezesCgroup(cmdline: string): boolean {
  return (
    ENGINE.test(cmdline) ||
    /\0--freeze-cgroup(?:=|\0)|^criu: (?:pre-)?dump --rpc(?:[ \0]|$)/.test(cmdline)
  );
}
