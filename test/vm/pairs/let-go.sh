#!/bin/sh
# Tasks that were under a mask and are let go. let-go.sh SHARE BASELINE: a line says what a dump makes of them.
set -u
share=$1 baseline=$2
images=/var/tmp/images
mkdir -p /var/tmp/moved

# start KIND: $task is the program's.
start() {
  folder=/var/tmp/moved/$1
  rm -rf "$folder" $images
  mkdir -p "$folder"
  setsid $CPUGATE run --mask "$baseline" -- setsid "$share/migrant" "$folder" again "$1" </dev/null >/dev/null 2>&1 &
  until [ -e "$folder/ready" ]; do sleep 0.1; done
  task=$(pgrep -x migrant | head -1)
}

# dump NAME OPTION...: its status, and what the record says.
dump() {
  name=$1
  shift
  $CPUGATE dump --images $images "$@" -- --tree "$task" --log-file dump.log >/var/tmp/out 2>&1
  status=$?
  record=$(sed -n 's/.*"enforcement": "\([a-z-]*\)".*/\1/p' $images/cpugate-record.json 2>/dev/null)
  late=$(sed -n 's/.*"cameUnder": "\(.*\)".*/\1/p' $images/cpugate-record.json 2>/dev/null)
  echo "LET-GO $name status=$status record=${record:-none-there} late=${late:-no} said=$(tr '\n' ' ' </var/tmp/out)"
}

start masked
dump masked --mask "$baseline"

# A supervisor's number stands for its tree, and it knows what its mask is made of.
start masked-silent
task=$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")
dump masked-silent

start detached
$CPUGATE detach --pid "$task"
dump detached-claimed --mask "$baseline"
dump detached
$CPUGATE restore --images $images --background --force >/var/tmp/out 2>&1 || cat /var/tmp/out
sleep 1
echo "LET-GO restored state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$(pgrep -x migrant | head -1)/status")"
pkill -9 -x migrant

# attached NAME OPTION...: a dump of what came under the mask while it ran.
attached() {
  rm -rf $images
  setsid sleep 1000 </dev/null >/dev/null 2>&1 &
  task=$!
  sleep 0.2
  $CPUGATE attach --mask "$baseline" --pid "$task" >/var/tmp/out
  echo "LET-GO attach-said $(tr '\n' ' ' </var/tmp/out)"
  dump "$@"
}
attached attached --mask "$baseline"
attached attached-silent
$CPUGATE check --from $images --to localhost >/var/tmp/out
echo "LET-GO late-checked status=$? $(tr -s '\n ' ' ' </var/tmp/out)"
