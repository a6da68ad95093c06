#!/bin/sh
# Servers under a mask that move twice. servers.sh SHARE BASELINE STEP NAME...: STEP is "start", "move" or "end".
# SHARE/servers/NAME/start is how each begins, SHARE/servers/NAME/ask asks it for its next number.
# A line "SERVER NAME STEP …" says what became of each.
set -u
share=$1 baseline=$2 step=$3
shift 3
home=/var/tmp/moved
mkdir -p $home

# answer NAME: what it says, once it does.
answer() {
  for i in $(seq 150); do
    said=$(sh "$share/servers/$1/ask" 2>/dev/null) && [ -n "$said" ] && break
    sleep 0.2
  done
  echo "$said"
}

# holders ROOT: the names of those that hold the tree's processes.
holders() {
  for task in $1 $(pgrep -P "$1"); do
    tracer=$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")
    [ "$tracer" = 0 ] && echo none || cat "/proc/$tracer/comm"
  done | sort -u | tr '\n' ' '
}

# leave NAME ROOT: to SHARE/servers/NAME/images, with the files that it has open.
leave() {
  rm -rf "$share/servers/$1/images" "$share/servers/$1/files"
  $CPUGATE dump --images "$share/servers/$1/images" -- --tree "$2" --log-file dump.log >$home/said 2>&1
  echo "SERVER $1 dump $? $(tr '\n' ' ' <$home/said) $(grep -m 3 Error "$share/servers/$1/images/dump.log" | tr '\n' ' ')"
  cp -a $home/"$1" "$share/servers/$1/files"
}

# arrive NAME: in the background; where its supervisor's number is.
arrive() {
  $CPUGATE restore --images "$share/servers/$1/images" --background --pid-file $home/"$1.pid" -- \
    --log-file /var/tmp/restore.log >$home/said 2>&1
}

number=20000
for name; do
  number=$((number + 1000))
  if [ "$step" = start ]; then
    mkdir -p $home/"$name"
    echo $number >/proc/sys/kernel/ns_last_pid
    (cd $home/"$name" && exec $CPUGATE run --mask "$baseline" --pid-file $home/"$name.pid" -- \
      setsid sh "$share/servers/$name/start" </dev/null >/dev/null 2>$home/said) &
    said=$(answer "$name")
    root=$(pgrep -P "$(cat $home/"$name.pid")")
    echo "SERVER $name start said=$said held=$(holders "$root") $(tr '\n' ' ' <$home/said)"
    echo "$root" >"$share/servers/$name/root"
    leave "$name" "$root"
    continue
  fi
  root=$(cat "$share/servers/$name/root")
  cp -a "$share/servers/$name/files" $home/"$name"
  if [ "$step" = move ]; then
    # Killed at some moment of its restore, which differs from server to server; nothing may be left unmasked.
    tenths=$(((number - 20000) * 8 / 1000))
    arrive "$name" &
    sleep $((tenths / 10)).$((tenths % 10))
    pkill -9 -f "cpugate.cjs restore"
    wait
    for i in $(seq 100); do
      kill -0 "$root" 2>/dev/null || break
      [ -e $home/"$name.pid" ] && break
      sleep 0.1
    done
    left=nothing
    kill -0 "$root" 2>/dev/null && left="$(holders "$root")"
    echo "SERVER $name killed after=$((tenths / 10)).$((tenths % 10)) left=$left"
    pkill -9 -x cpugate-supervi
    sleep 0.5
    rm -rf $home/"$name" $home/"$name.pid"
    cp -a "$share/servers/$name/files" $home/"$name"
  fi
  arrive "$name"
  echo "SERVER $name $step-restore $? $(tr '\n' ' ' <$home/said)"
  said=$(answer "$name")
  echo "SERVER $name $step said=$said held=$(holders "$root")"
  [ "$step" = end ] || leave "$name" "$root"
done
