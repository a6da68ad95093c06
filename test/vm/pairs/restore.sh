#!/bin/sh
# A host that tasks come to. restore.sh SHARE NAME BASELINE SOURCE...: of each source, bare CRIU restores
# the program that ran without a mask, and cpugate the one under the baseline, which then is dumped
# again, to SHARE/NAME/from-SOURCE. Where that is refused, it tries the one without a signal handler. A
# line says what became of each.
set -u
share=$1 name=$2 baseline=$3
shift 3

# Waits for FOLDER/FILE or the program's end, then says what it wrote or how it died.
outcome() {
  waited=0
  until [ -e "$1" ] || ! pgrep -x migrant >/dev/null || [ $waited -gt 300 ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  if [ -e "$1" ]; then
    tr '\n' ';' <"$1"
  elif pgrep -x migrant >/dev/null; then
    echo hangs
  else
    echo "died;$(dmesg | grep -o 'trap .*\|segfault.*\|bad frame.*' | head -1)"
  fi
}

clear_away() {
  pkill -9 -x migrant
  while pgrep -x migrant >/dev/null; do sleep 0.1; done
  rm -rf /var/tmp/moved/* /var/tmp/images
  dmesg -C
}

bare() {
  clear_away
  mkdir -p /var/tmp/moved/bare
  cp -r "$share/$1/bare" /var/tmp/images
  criu restore -d -D /var/tmp/images -o restore.log >/dev/null 2>&1
  status=$?
  if [ $status != 0 ] && ! dmesg | grep -q 'migrant\['; then
    echo "PAIR $1 $name bare refused;$(grep -m1 Error /var/tmp/images/restore.log)"
  else
    touch /var/tmp/moved/bare/go
    echo "PAIR $1 $name bare $(outcome /var/tmp/moved/bare/result)"
  fi
}

# masked IMAGES FOLDER LABEL GO RESULT
masked() {
  images=$1 folder=/var/tmp/moved/$2
  shift 2
  clear_away
  mkdir -p "$folder"
  before=$(cd "$images" && cat * | sha256sum)
  $CPUGATE restore --images "$images" --background --pid-file /var/tmp/supervisor.pid -- \
    --log-file /var/tmp/restore.log >/var/tmp/restore.out 2>&1
  status=$?
  [ "$before" = "$(cd "$images" && cat * | sha256sum)" ] || echo "CHANGED $images"
  if [ $status != 0 ]; then
    echo "PAIR $1 refused;$status $(tr '\n' ' ' </var/tmp/restore.out | tail -c 600) left=$(pgrep -cx migrant)"
    return 1
  fi
  touch "$folder/$2"
  echo "PAIR $1 $(outcome "$folder/$3")"
}

for source; do
  bare "$source"
  [ -e "$share/$source/masked" ] || continue
  if masked "$share/$source/masked" masked "$source $name masked" go result; then
    $CPUGATE dump --images "$share/$name/from-$source" --mask "$baseline" -- \
      --tree "$(pgrep -x migrant | head -1)" --log-file dump.log ||
      echo "DUMP $name from-$source failed $(tail -n 3 "$share/$name/from-$source/dump.log")"
  else
    masked "$share/$source/calm" calm "$source $name calm" go result
  fi
  # Those that came from here, and were dumped again at the source: home again.
  [ -e "$share/$source/from-$name" ] &&
    masked "$share/$source/from-$name" masked "$source $name back" go2 result2
done
clear_away
