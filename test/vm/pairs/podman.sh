#!/bin/sh
# Containers of Podman that ask for a mask by its name. podman.sh SHARE BASELINE RUNTIME
set -u
share=$1 baseline=$2 runtime=$3
root=/var/tmp/rootfs
mkdir -p /var/lib/containers $root/tmp $root/proc $root/dev $root/sys $root/etc
mount -t tmpfs none /var/lib/containers
cp "$share/migrant-static" $root/migrant
$CPUGATE install podman --mask "$baseline" --name cluster >/var/tmp/install.log 2>&1
echo "PODMAN install $? $(tr '\n' ' ' </var/tmp/install.log)"

# To a file: what an engine leaves behind would hold a pipe open.
podman_run() {
  timeout -k 5 100 podman --cgroup-manager cgroupfs --storage-driver vfs --runtime "$runtime" \
    run --network none "$@" >/var/tmp/run.log 2>&1
  status=$?
  [ $status != 124 ] || say_who_waits "$*"
  cat /var/tmp/run.log
}

# say_who_waits WHAT: what a container that doesn't end waits for, and the end of this script.
say_who_waits() {
  echo "PODMAN hangs: $1" >&2
  ps -eo pid,ppid,stat,wchan:32,args >&2
  for process in $(pgrep 'podman|conmon|runc|crun|migrant|cpugate'); do
    echo "$process $(cat "/proc/$process/comm")" >&2
    cat "/proc/$process/stack" >&2
  done
  kill $$
}

echo "PODMAN bare $("$share/migrant-static" --cpuid)"
echo "PODMAN plain $(podman_run --rm --rootfs $root /migrant --cpuid)"
echo "PODMAN annotation $(podman_run --rm --annotation dev.cpugate/mask=cluster --rootfs $root /migrant --cpuid)"
echo "PODMAN device $(podman_run --rm --device cpugate.dev/mask=cluster --rootfs $root /migrant --cpuid)"
# A mask's name is its own, not the beginning of another.
echo "PODMAN other $(podman_run --rm --annotation dev.cpugate/mask=cluster2 --rootfs $root /migrant --cpuid)"

mkdir $root/late
podman_run -d --name one --annotation dev.cpugate/mask=cluster --rootfs $root /migrant /tmp again
for i in $(seq 200); do
  [ -e $root/tmp/ready ] && break
  sleep 0.1
done
# Where this host is itself a chroot, "exec" sees the root that lies above it.
inside=
nsenter -m -t "$(pgrep -x migrant | head -1)" test -e /root/migrant && inside=/root
podman --cgroup-manager cgroupfs --storage-driver vfs --runtime "$runtime" exec -d one \
  $inside/migrant $inside/late again calm >/var/tmp/exec.log 2>&1
for i in $(seq 200); do
  [ -e $root/late/ready ] && break
  sleep 0.1
done
sleep 1
for task in $(pgrep -x migrant); do
  cat "/proc/$(sed -n 's/^TracerPid:\t//p' "/proc/$task/status")/comm"
done | sort | uniq -c | sed 's/^/PODMAN tracers /'
echo "PODMAN exec $(tr '\n' ' ' </var/tmp/exec.log)"

# What a container is told that can't have its mask.
echo '{}' >/etc/cpugate/cluster.json
echo "PODMAN refused $(podman_run --rm --annotation dev.cpugate/mask=cluster --rootfs $root /migrant --cpuid | tr '\n' ' ')"
echo "PODMAN why $($CPUGATE why | tr '\n' ' ')"
$CPUGATE install podman --remove --name cluster >/var/tmp/install.log 2>&1
echo "PODMAN removed $? $(find /etc/cpugate /etc/cdi /etc/containers -name '*cpugate*' | tr '\n' ' ')"
echo "PODMAN after $(podman_run --rm --rootfs $root /migrant --cpuid)"
