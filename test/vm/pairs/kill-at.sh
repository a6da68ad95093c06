#!/bin/sh
# An action script of CRIU: at the stage KILL_STAGE it kills KILL_WHAT.
[ "$CRTOOLS_SCRIPT_ACTION" = "$KILL_STAGE" ] || exit 0
cpugate=$(sed 's/.*) . //; s/ .*//' "/proc/$PPID/stat")
case $KILL_WHAT in
criu) kill -9 $PPID ;;
cpugate) kill -9 "$cpugate" ;;
supervisor) pkill -9 -x cpugate-supervi ;;
refuse) exit 1 ;;
esac
exit 0
