#!/bin/sh
# Containers under a mask from their start, and what enters them later. oci.sh SHARE BASELINE RUNTIME
set -u
share=$1 baseline=$2 runtime=$3
bundle=/var/tmp/bundle

# await TENTHS FILE: until it is there, so many tenths of a second at most.
await() {
  for i in $(seq "$1"); do
    [ -e "$2" ] && break
    sleep 0.1
  done
}

# tracer_of PID: its name.
tracer_of() {
  cat "/proc/$(sed -n 's/^TracerPid:\t//p' "/proc/$1/status")/comm"
}

mkdir -p $bundle/rootfs/tmp $bundle/rootfs/proc $bundle/rootfs/dev
cp "$share/migrant-static" $bundle/rootfs/migrant
printf '#!/bin/sh\nexec %s hook oci --mask %s 2>/var/tmp/hook.log\n' "$CPUGATE" "$baseline" >/var/tmp/oci-hook
chmod +x /var/tmp/oci-hook
cd $bundle || exit 1
"$runtime" spec
node -e '
  const fs = require("node:fs");
  const config = JSON.parse(fs.readFileSync("config.json"));
  config.process.terminal = false;
  config.process.args = ["/migrant", ...process.argv.slice(1)];
  config.root.readonly = false;
  config.hooks = { createRuntime: [{ path: "/var/tmp/oci-hook" }] };
  fs.writeFileSync("config.json", JSON.stringify(config));' /tmp again

echo "OCI bare $("$share/migrant-static" --cpuid)"
"$runtime" run -d one </dev/null >/var/tmp/run.log 2>&1
echo "OCI run $? $(tr '\n' ' ' </var/tmp/run.log) $(cat /var/tmp/hook.log)"
await 100 rootfs/tmp/ready
task=$(pgrep -x migrant)
echo "OCI tracer $(tracer_of "$task")"

# What comes in later. Where this host is itself a chroot, "exec" sees the root that lies above it.
inside=
nsenter -m -t "$task" test -e /root/migrant && inside=/root
mkdir rootfs/late
"$runtime" exec -d one $inside/migrant $inside/late again calm </dev/null >/var/tmp/exec.log 2>&1
echo "OCI exec $? $(tr '\n' ' ' </var/tmp/exec.log)"
await 100 rootfs/late/ready
sleep 1
late=$(pgrep -x migrant | grep -vx "$task")
echo "OCI late-tracer $(tracer_of "$late")"
touch rootfs/late/go
await 200 rootfs/late/result
echo "OCI late $(tr '\n' ';' <rootfs/late/result)"

touch rootfs/tmp/go
await 200 rootfs/tmp/result
echo "OCI result $(tr '\n' ';' <rootfs/tmp/result)"
"$runtime" kill one KILL
sleep 2
"$runtime" delete -f one
echo "OCI left $(pgrep -cx cpugate-supervi)"
