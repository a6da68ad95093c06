#!/bin/sh
# A host that tasks leave. dump.sh SHARE NAME [BASELINE]: the program of SHARE runs here and is dumped
# to SHARE/NAME/bare; under the baseline, to SHARE/NAME/masked and, with no signal handler running, to
# SHARE/NAME/calm. SHARE/NAME/profile.json is this host.
# What the programs write lies in /var/tmp/moved, on every host: an image names files by their path.
set -u
share=$1 name=$2 baseline=${3-}
home=$share/$name
mkdir -p "$home" /var/tmp/moved
$CPUGATE probe -o "$home/profile.json" 2>"$home/probe.log"

# leave KIND NUMBER PREFIX...: numbers that no other process has on a freshly booted host.
leave() {
  kind=$1 number=$2
  shift 2
  folder=/var/tmp/moved/$kind
  mkdir -p "$folder"
  echo "$number" >/proc/sys/kernel/ns_last_pid
  "$@" setsid "$share/migrant" "$folder" again "$kind" </dev/null >"$home/$kind.log" 2>&1 &
  started=$!
  until [ -e "$folder/ready" ]; do
    kill -0 $started || { echo "DUMP $name $kind not started: $(cat "$home/$kind.log")"; return; }
    sleep 0.1
  done
  task=$(pgrep -x migrant | head -1)
  options="--mask $baseline"
  [ "$kind" = bare ] && options=
  $CPUGATE dump --images "$home/$kind" $options -- --tree "$task" --log-file dump.log
  status=$?
  sleep 0.3
  echo "DUMP $name $kind $status left=$(pgrep -cx migrant) $([ $status = 0 ] || tail -n 3 "$home/$kind/dump.log")"
  pkill -9 -x migrant
}

leave bare 20000
[ -z "$baseline" ] && exit
leave masked 30000 $CPUGATE run --mask "$baseline" --
leave calm 25000 $CPUGATE run --mask "$baseline" --
