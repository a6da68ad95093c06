#!/bin/sh
# Containers of Podman that are checkpointed on one host and restored on another, with cpugate's hooks.
# podman-move.sh SHARE BASELINE RUNTIME CRIU leave: they start here, and are exported to SHARE.
# podman-move.sh SHARE BASELINE RUNTIME CRIU arrive: they are imported here.
# A line "MOVE NAME …" says what became of each step.
set -u
share=$1 baseline=$2 runtime=$3
work=/var/tmp/work
# Engines look for CRIU on the PATH.
cp "$4" /usr/sbin/criu
mkdir -p /var/lib/containers $work
mount -t tmpfs none /var/lib/containers
$CPUGATE install podman --mask "$baseline" --name cluster >/var/tmp/install.log 2>&1
echo "MOVE install $? $(criu --version | head -1)"

podman_here() {
  podman --cgroup-manager cgroupfs --storage-driver vfs --runtime "$runtime" "$@"
}

# await TENTHS FILE
await() {
  for i in $(seq "$1"); do
    [ -e "$2" ] && return
    sleep 0.1
  done
}

# To a file: what an engine leaves behind would hold a pipe open.
exec_in_it() {
  podman_here exec masked /migrant --cpuid >/var/tmp/exec.log 2>&1
  echo "MOVE exec $(tr '\n' ' ' </var/tmp/exec.log)"
}

# tracers: the names of those that hold what runs of the program.
tracers() {
  for task in $(pgrep -x migrant); do
    tracer=$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")
    [ "$tracer" = 0 ] && echo none || cat "/proc/$tracer/comm"
  done | sort | uniq -c | tr -s ' \n' ' '
}

if [ "$5" = leave ]; then
  rootfs=/var/tmp/rootfs
  mkdir -p $rootfs/tmp $rootfs/proc $rootfs/dev $rootfs/sys $rootfs/etc
  cp "$share/migrant-static" $rootfs/migrant
  tar -C $rootfs -c . | podman_here import -c 'CMD ["/migrant"]' - localhost/migrant >/var/tmp/import.log 2>&1
  podman_here save -o "$share/image.tar" localhost/migrant >>/var/tmp/import.log 2>&1
  echo "MOVE image $? $(tail -n 1 /var/tmp/import.log)"

  # start NAME OPTIONS...: its folder outside is $work/NAME.
  start() {
    name=$1
    shift
    mkdir -p "$work/$name"
    podman_here run -d --network host --name "$name" -v "$work/$name:/moved" "$@" localhost/migrant /migrant /moved again calm \
      >/var/tmp/run.log 2>&1
    echo "MOVE start-$name $? $(tr '\n' ' ' </var/tmp/run.log)"
    await 200 "$work/$name/ready"
  }

  # export_to NAME FILE OPTIONS...
  export_to() {
    name=$1 file=$2
    shift 2
    podman_here container checkpoint --export "$share/$file" "$@" "$name" >/var/tmp/checkpoint.log 2>&1
    echo "MOVE export-$file $? $(tr '\n' ' ' </var/tmp/checkpoint.log)"
  }

  start bare
  export_to bare bare.tar.gz --compress gzip
  start masked --annotation dev.cpugate/mask=cluster
  exec_in_it
  export_to masked running.tar --compress none --leave-running
  echo "MOVE left-running $(tracers)"
  export_to masked masked.tar.zst
  echo "MOVE left $(pgrep -cx migrant)"
  exit
fi

podman_here load -i "$share/image.tar" >/var/tmp/load.log 2>&1
echo "MOVE image $? $(tail -n 1 /var/tmp/load.log)"

# import_from FILE OPTIONS...
import_from() {
  file=$1
  shift
  podman_here container restore --import "$share/$file" "$@" >/var/tmp/restore.log 2>&1
  echo "MOVE import-$file $? $(tr '\n' ' ' </var/tmp/restore.log)"
}

mkdir -p $work/bare $work/masked
for file in bare.tar.gz running.tar masked.tar.zst; do
  $CPUGATE check "$share/$file" localhost >/var/tmp/check.log 2>&1
  echo "MOVE check-$file $? $(head -n 1 /var/tmp/check.log)"
done
import_from bare.tar.gz
echo "MOVE left $(pgrep -cx migrant)"
echo "MOVE why $($CPUGATE why 2>&1 | tr '\n' ' ')"
import_from masked.tar.zst
echo "MOVE tracers $(tracers)"
exec_in_it
touch $work/masked/go
await 200 $work/masked/result
echo "MOVE result $(tr '\n' ';' <$work/masked/result)"

# Once more, as it is on this host now.
podman_here container checkpoint --export "$share/again.tar.zst" masked >/var/tmp/checkpoint.log 2>&1
echo "MOVE export-again.tar.zst $? $(tr '\n' ' ' </var/tmp/checkpoint.log)"
import_from again.tar.zst --name second
echo "MOVE second-tracers $(tracers)"
touch $work/masked/go2
await 200 $work/masked/result2
echo "MOVE second-result $(tr '\n' ';' <$work/masked/result2)"
