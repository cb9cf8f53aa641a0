# SPDX-License-Identifier: MIT
# A task of a guest: load with checks on each of $LOAD (block devices) until
# dom0 writes data/stop; and on /dev/xvdz, as often as it comes, a look and a
# word in data/seen.  It begins few programs: that costs much under emulation.
id=$(xenstore-read domid)
data=/local/domain/$id/data
seen=0 status=0
n=0
for dev in $LOAD; do
	n=$((n + 1))
	(
		i=0
		while [ ! -e /tmp/stop ]; do
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
n=0
until [ $n = 0 ] && xenstore-read $data/stop >/dev/null 2>&1; do
	if [ -b /dev/xvdz ]; then
		# The node is there a moment before it can be opened.
		until dd if=/dev/xvdz of=/tmp/look bs=64k count=8 2>/dev/null; do
			sleep 0.1
		done
		set -- $(md5sum </tmp/look)
		seen=$((seen + 1))
		xenstore-write $data/seen "$seen $1"
		while [ -b /dev/xvdz ]; do sleep 0.2; done
	fi
	sleep 0.2
	n=$(((n + 1) % 5))
done
touch /tmp/stop
for pid in $pids; do
	wait $pid || { status=1; cat /tmp/fio.*; }
done
exit $status
