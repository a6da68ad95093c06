#!/bin/sh
# Restores by bare CRIU that calls cpugate's hook, as engines have it, of what dump.sh left behind.
# hooks.sh SHARE SOURCE: a line says what became of the program without a mask, and of the masked one.
set -u
share=$1 source=$2
printf '#!/bin/sh\nexec %s hook criu\n' "$CPUGATE" >/var/tmp/criu-hook
chmod +x /var/tmp/criu-hook

for kind in bare masked; do
  folder=/var/tmp/moved/$kind
  mkdir -p $folder
  cp -r "$share/$source/$kind" "/var/tmp/images-$kind"
  setsid -w criu restore -d -D "/var/tmp/images-$kind" -o restore.log --action-script /var/tmp/criu-hook \
    >/var/tmp/out 2>&1
  status=$?
  touch $folder/go
  for i in $(seq 300); do
    [ -e $folder/result ] || ! pgrep -x migrant >/dev/null && break
    sleep 0.1
  done
  task=$(pgrep -x migrant | head -1)
  tracer=$([ -n "$task" ] && cat "/proc/$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")/comm")
  echo "HOOK $kind status=$status tracer=$tracer $(tr '\n' ';' <$folder/result) $(tr '\n' ' ' </var/tmp/out)"
  pkill -9 -x migrant
done
