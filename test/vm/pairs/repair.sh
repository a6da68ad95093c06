#!/bin/sh
# Programs that were never masked, and bind a function after their move.
# repair.sh SHARE dump: they start here and are dumped, binds-later and binds-in-thread, to SHARE/KIND.
# repair.sh SHARE restore: bare CRIU restores them, then cpugate without, with --repair, and with the risks
# that are left. A line says what became of each.
set -u
share=$1
kinds='main thread'
home=/var/tmp/moved
mkdir -p $home
cd $home

if [ "$2" = dump ]; then
  number=20000
  for kind in $kinds; do
    number=$((number + 1000))
    echo $number >/proc/sys/kernel/ns_last_pid
    setsid "$share/binds-later" $home/go $kind </dev/null >$home/$kind.out 2>&1 &
    until grep -q waiting $home/$kind.out; do sleep 0.1; done
    sleep 0.5
    $CPUGATE dump --images "$share/$kind" -- --tree $! --shell-job --log-file dump.log >$home/said 2>&1
    echo "REPAIR dump $kind status=$? $(tr '\n' ' ' <$home/said)"
    cp $home/$kind.out "$share/$kind.out"
  done
  $CPUGATE probe -o "$share/host.json"
  exit
fi

# try KIND NAME COMMAND...: restores a fresh copy, lets the program bind, and says its last word.
try() {
  kind=$1 name=$2
  shift 2
  rm -rf $home/go $home/images $home/said
  cp "$share/$kind.out" $home/$kind.out
  cp -r "$share/$kind" $home/images
  before=$(cat $home/images/*.img | sha256sum)
  "$@" >$home/said 2>&1
  status=$?
  [ "$before" = "$(cat $home/images/*.img | sha256sum)" ] || echo "CHANGED $kind"
  left=$(pgrep -cx binds-later)
  touch $home/go
  turn=0
  while pgrep -x binds-later >/dev/null && [ $turn -lt 100 ]; do sleep 0.1; turn=$((turn + 1)); done
  pkill -9 -x binds-later
  echo "REPAIR $name $kind status=$status left=$left word=$(tail -n 1 $home/$kind.out) said=$(tr '\n' ' ' <$home/said)"
}

cpugate_restore() {
  $CPUGATE restore --images $home/images "$@" -- --shell-job --log-file $home/restore.log
}

for kind in $kinds; do
  try $kind bare criu restore -d -D $home/images --shell-job --cpu-cap=none -o $home/restore.log
  try $kind unrepaired cpugate_restore
  try $kind repair-alone cpugate_restore --repair
  try $kind repaired cpugate_restore --repair --fail-on unknown
done
$CPUGATE check --from "$share/main" --to localhost >$home/said
echo "REPAIR check main status=$? said=$(tr '\n' ' ' <$home/said)"
$CPUGATE check --from "$share/main" --to localhost --json >"$share/check.json"
echo "REPAIR log $(grep -o '"repaired":.*,"root"' /run/cpugate/restores.jsonl | tr '\n' ' ')"
