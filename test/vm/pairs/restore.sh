#!/bin/sh
# One host that tasks come to. restore.sh SHARE NAME SOURCE...: bare CRIU restores each source's images,
# and a line says what became of the program.
set -u
share=$1 name=$2
shift 2
for source; do
  rm -rf /var/tmp/moved /var/tmp/images
  mkdir -p /var/tmp/moved
  cp -r "$share/$source/images" /var/tmp/images
  dmesg -C
  criu restore -d -D /var/tmp/images --shell-job -o restore.log >/dev/null 2>&1
  status=$?
  if [ $status != 0 ] && ! dmesg | grep -q 'migrant\['; then
    echo "PAIR $source $name refused $(grep -m1 Error /var/tmp/images/restore.log)"
    continue
  fi
  touch /var/tmp/moved/go
  waited=0
  until [ -e /var/tmp/moved/result ] || ! pgrep -x migrant >/dev/null || [ $waited -gt 300 ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  if [ -e /var/tmp/moved/result ]; then
    echo "PAIR $source $name $(head -1 /var/tmp/moved/result) $(sed 1,4d /var/tmp/moved/result | tr '\n' ';')"
  elif pgrep -x migrant >/dev/null; then
    echo "PAIR $source $name hangs"
  else
    echo "PAIR $source $name died $(dmesg | grep -o 'trap .*\|segfault.*\|bad frame.*' | head -1)"
  fi
  pkill -9 -x migrant
  while pgrep -x migrant >/dev/null; do sleep 0.1; done
done
