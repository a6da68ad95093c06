#!/bin/sh
# Dumps and restores in which somebody is killed. kills.sh SHARE BASELINE: a line says what each left.
set -u
share=$1 baseline=$2
script=$share/scripts/kill-at.sh
folder=/var/tmp/moved/masked
images=/var/tmp/images

# What is there a moment later: tasks, their tracer's name, their states, CRIUs, a record.
left() {
  sleep 1
  while pgrep -x criu >/dev/null || [ "$(pgrep -fc 'hook guard')" != 0 ]; do
    sleep 0.2
    waited=$((${waited-0} + 1))
    [ $waited -lt 150 ] || break
  done
  waited=0
  sleep 1
  tasks=$(pgrep -cx migrant)
  for task in $(pgrep -x migrant); do
    tracer=$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")
    [ "$tracer" = 0 ] || tracer=$(cat "/proc/$tracer/comm")
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$task/status")
    tasks="$tasks $tracer $state"
  done
  record=$([ -e $images/cpugate-record.json ] && echo record || echo none)
  echo "tasks=$tasks criu=$(pgrep -cx criu) guard=$(pgrep -fc 'hook guard') record=$record"
}

start() {
  pkill -9 -x migrant
  pkill -9 -x cpugate-supervi
  sleep 0.5
  rm -rf $folder $images
  mkdir -p $folder
  echo 30000 >/proc/sys/kernel/ns_last_pid
  setsid $CPUGATE run --mask "$baseline" -- setsid "$share/migrant" $folder again </dev/null >/dev/null 2>&1 &
  until [ -e $folder/ready ]; do sleep 0.1; done
}

dump() {
  timeout 60 $CPUGATE dump --images $images --mask "$baseline" -- --tree "$(pgrep -x migrant | head -1)" \
    --log-file dump.log "$@" >/var/tmp/out 2>&1
}

# Tasks that were not dumped go on: the program comes to its end.
goes_on() {
  touch $folder/go
  for i in $(seq 100); do
    [ -e $folder/result ] && break
    sleep 0.1
  done
  head -1 $folder/result 2>/dev/null || echo stuck
}

for case in pre-dump:cpugate post-dump:refuse post-dump:criu post-dump:supervisor; do
  start
  export KILL_STAGE="${case%:*}" KILL_WHAT="${case#*:}"
  dump --action-script "$script"
  echo "KILL dump $KILL_STAGE $KILL_WHAT status=$? $(left) second=$(pgrep -x migrant >/dev/null && goes_on)"
done

start
dump || cat /var/tmp/out
for case in post-restore:refuse post-restore:criu post-restore:cpugate pre-resume:criu pre-resume:cpugate post-resume:cpugate; do
  export KILL_STAGE="${case%:*}" KILL_WHAT="${case#*:}"
  before=$(cat $images/* | sha256sum)
  timeout 60 setsid -w $CPUGATE restore --images $images --background -- --action-script "$script" \
    >/var/tmp/out 2>&1
  echo "KILL restore $KILL_STAGE $KILL_WHAT status=$? $(left) said=$(tr '\n' ' ' </var/tmp/out)"
  [ "$before" = "$(cat $images/* | sha256sum)" ] || echo "CHANGED $case"
done

# The supervisor as soon as it is there, and once it is at work.
(until pkill -9 -x cpugate-supervi; do :; done) &
timeout 60 setsid -w $CPUGATE restore --images $images --background >/var/tmp/out 2>&1
echo "KILL restore start supervisor status=$? $(left) said=$(tr '\n' ' ' </var/tmp/out)"
wait
setsid -w $CPUGATE restore --images $images --background --pid-file /var/tmp/pid >/var/tmp/out 2>&1
echo "KILL restore none nobody status=$? $(left)"
kill -9 "$(cat /var/tmp/pid)"
echo "KILL restore work supervisor status=- $(left)"
setsid -w $CPUGATE restore --images $images --background >/var/tmp/out 2>&1
echo "KILL second try status=$? $(goes_on)"
