rm -rf /var/tmp/moved; mkdir -p /var/tmp/moved
$CPUGATE restore --images $1 -- --shell-job --log-file /tmp/r.log; echo "restore $?"; touch /var/tmp/moved/go; sleep 4; cat /var/tmp/moved/result; pgrep -l migrant; pgrep -l node
