# SPDX-License-Identifier: MIT
# A task of a guest: load with checks on each of $LOAD (block devices) until
# dom0 writes data/stop; and on /dev/xvdz, as often as it comes, a look and a
# word in data/seen.
id=$(xenstore-read domid)
data=/local/domain/$id/data
seen=0 status=0
n=0
for dev in $LOAD; do
	n=$((n + 1))
	(
		i=0
		while ! xenstore-read $data/stop >/dev/null 2>&1; do
			i=$((i + 1))
			fio --eta=never --name=load --filename=$dev --size=${FIO_SIZE:-2M} \
				--rw=randwrite --bsrange=4k-32k --iodepth=8 --rate_iops=${RATE:-30} \
				--ioengine=libaio --direct=1 --verify=crc32c \
				--verify_fatal=1 --randseed=$i \
				--output=/tmp/fio.$n || exit 1
		done
		echo "$dev: $i rounds of fio"
	) &
	pids="${pids:-} $!"
done
xenstore-write $data/running 1
while ! xenstore-read $data/stop >/dev/null 2>&1; do
	if [ -b /dev/xvdz ]; then
		# The node is there a moment before it can be opened.
		until dd if=/dev/xvdz of=/tmp/look bs=64k count=8 2>/dev/null; do
			sleep 0.1
		done
		md5sum </tmp/look | cut -c1-32 >/tmp/sum
		seen=$((seen + 1))
		xenstore-write $data/seen "$seen $(cat /tmp/sum)"
		while [ -b /dev/xvdz ]; do sleep 0.1; done
	fi
	sleep 0.1
done
for pid in $pids; do
	wait $pid || { status=1; cat /tmp/fio.*; }
done
exit $status
