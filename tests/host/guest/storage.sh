# SPDX-License-Identifier: MIT
# A task of a guest that is a storage driver domain: ringsided serves others
# from a file here, until dom0 writes data/stop.
data=/local/domain/$(xenstore-read domid)/data
truncate -s ${SIZE:-160M} /tmp/disk.img
ringsided --lock /tmp/lock >/dev/console 2>&1 &
daemon=$!
xenstore-write $data/running 1
while ! xenstore-read $data/stop >/dev/null 2>&1; do
	kill -0 $daemon || exit 1
	sleep 0.2
done
kill $daemon
wait $daemon
