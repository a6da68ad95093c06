#!/bin/sh
# Dumps and restores in which somebody is killed. kills.sh SHARE BASELINE: a line says what each left.
set -u
share=$1 baseline=$2
script=$share/scripts/kill-at.sh
folder=/var/tmp/moved/masked
images=/var/tmp/images

# What is there a moment later: tasks, their tracer's name, their states, CRIUs, a record.
left() {
  sleep "${1-3}"
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

for stage in pre-dump post-dump; do
  for what in refuse criu cpugate supervisor; do
    start
    KILL_STAGE=$stage KILL_WHAT=$what dump --action-script "$script"
    status=$?
    found=$(left)
    second=-
    case $found in *migrant*) ;; "tasks=0 "*) second=dumped ;; *) dump && second=dumped-again || second=$(goes_on) ;; esac
    echo "KILL dump $stage $what status=$status $found second=$second"
  done
done

start
dump || cat /var/tmp/out
cp -r $images /var/tmp/kept
for stage in pre-restore post-restore pre-resume post-resume; do
  for what in refuse criu cpugate; do
    before=$(cat $images/* | sha256sum)
    KILL_STAGE=$stage KILL_WHAT=$what timeout 60 setsid -w $CPUGATE restore --images $images --background -- \
      --action-script "$script" >/var/tmp/out 2>&1
    status=$?
    found=$(left)
    [ "$before" = "$(cat $images/* | sha256sum)" ] || echo "CHANGED $stage $what"
    echo "KILL restore $stage $what status=$status $found said=$(tr '\n' ' ' </var/tmp/out)"
    pkill -9 -x migrant
    pkill -9 -x cpugate-supervi
  done
done

# The supervisor as soon as it is there, and once it is at work.
(until pkill -9 -x cpugate-supervi; do :; done) &
timeout 60 setsid -w $CPUGATE restore --images $images --background >/var/tmp/out 2>&1
echo "KILL restore start supervisor status=$? $(left) said=$(tr '\n' ' ' </var/tmp/out)"
wait
setsid -w $CPUGATE restore --images $images --background --pid-file /var/tmp/pid >/var/tmp/out 2>&1
echo "KILL restore none nobody status=$? $(left 1)"
kill -9 "$(cat /var/tmp/pid)"
echo "KILL restore work supervisor status=- $(left 1)"
setsid -w $CPUGATE restore --images $images --background >/var/tmp/out 2>&1
echo "KILL second try status=$? $(goes_on)"
