#!/bin/sh
# One host that tasks leave. dump.sh SHARE NAME: the program runs here and is dumped to SHARE/NAME.
# Beside the images: profile.json (this host). The program's folder is /var/tmp/moved on every host.
set -u
share=$1 name=$2 home=$1/$2
mkdir -p "$home/images" /var/tmp/moved
$CPUGATE probe -o "$home/profile.json" 2>"$home/probe.log"
# Numbers that no other process has on a freshly booted host.
echo 20000 >/proc/sys/kernel/ns_last_pid
setsid "$share/migrant" /var/tmp/moved again </dev/null >/dev/null 2>&1 &
task=$!
until [ -e /var/tmp/moved/ready ]; do sleep 0.1; kill -0 $task || exit 1; done
$CPUGATE dump --images "$home/images" -- --tree $task --shell-job --log-file dump.log
echo "dumped $?"
