#!/bin/sh
# Lines of README, typed on a terminal. day.sh SHARE FILE: "cpugate" and "server" are on the PATH.
share=$1 file=$2
bin=/usr/local/bin
printf '#!/bin/sh\nexec node %s/cpugate/dist/cpugate.cjs "$@"\n' "$share" >$bin/cpugate
cp /bin/sleep $bin/sleeper
printf '#!/bin/sh\nexec %s/sleeper 1000\n' $bin >$bin/server
chmod +x $bin/cpugate $bin/server
mkdir -p "$share/web"
ln -s "$share/web" /srv/web
cd "$share" || exit 1
script -qec "sh $file" /dev/null </dev/null
