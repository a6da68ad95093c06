#!/bin/sh
# CRIU inside a container that has neither Node nor a compiler: the supervisor and a compiled mask are mounted.
# inside.sh SHARE CLASSES STEPS...: each STEP is a file in SHARE/steps, executed in one container, where
# docs/restoring.md's lines find /cpugate, /srv/images and a "server". CLASSES holds the server's Java class.
set -u
share=$1 classes=$2
shift 2
rootfs=/var/tmp/rootfs
mkdir -p /var/lib/containers $rootfs/usr/bin $rootfs/usr/sbin $rootfs/usr/lib/x86_64-linux-gnu $rootfs/usr/lib/jvm \
  $rootfs/etc $rootfs/tmp $rootfs/run $rootfs/proc $rootfs/dev $rootfs/sys $rootfs/srv "$share/images" "$share/work"
mount -t tmpfs none /var/lib/containers
for link in bin sbin lib lib64; do ln -s usr/$link $rootfs/$link; done
cp -r /usr/lib64 $rootfs/usr/
cp /usr/sbin/criu $rootfs/usr/sbin/
for tool in dash cat sleep setsid touch ls; do cp /usr/bin/$tool $rootfs/usr/bin/; done
mv $rootfs/usr/bin/dash $rootfs/usr/bin/sh
cp "$share/migrant-static" $rootfs/usr/bin/migrant
printf '#!/bin/sh\nexec /usr/lib/jvm/java-17-openjdk-amd64/bin/java -XX:-UsePerfData -cp /classes Keeps /moved\n' \
  >$rootfs/usr/bin/server
chmod +x $rootfs/usr/bin/server
for step; do
  podman --cgroup-manager cgroupfs --storage-driver vfs --runtime runc run --rm --privileged --network host \
    -v "$share/natives:/cpugate:ro" -v "$share/images:/srv/images" -v "$share/work:/moved" -v "$share/steps:/steps:ro" \
    -v "$classes:/classes:ro" -v /usr/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:ro \
    -v /usr/lib/jvm:/usr/lib/jvm:ro -v /etc/java-17-openjdk:/etc/java-17-openjdk:ro \
    --rootfs $rootfs sh "/steps/$step" 2>&1
  echo "INSIDE $step $?"
done
