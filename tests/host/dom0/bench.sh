# SPDX-License-Identifier: MIT
# In dom0: the same fio jobs in one guest, on disks that xen-blkback, QEMU's
# qdisk and ringsided serve, in turn, ROUNDS times; on ringsided's also without
# what it offers beyond the plain protocol.  A line for each job:
# "BACKEND RW BS DEPTH IOPS CPU_US" with dom0's processor time per request.
. "${0%/*}/lib.sh"
. "${0%/*}/bench_lib.sh"
ROUNDS=${1:-5} SECONDS_EACH=${2:-4}
SIZE=64M
JOBS=${JOBS:-randread 4k 1
randread 4k 32
randwrite 4k 1
randwrite 4k 32
read 128k 8}

# All images in memory: what is compared is the way to them.
mount -t tmpfs -o size=512M images $IMAGES
for name in blkback qdisk ringside plain bare; do
	dd if=/dev/urandom of=$IMAGES/$name bs=1M count=${SIZE%M} 2>/dev/null
done
modprobe xen-blkback
plain_offered()
{
	local dir=/local/domain/0/backend/vbd/${DOMID[bench]}/51760
	[ "$(xenstore-read $dir/feature-persistent)" = 0 ] &&
		! xenstore-read $dir/feature-max-indirect-segments 2>/dev/null &&
		[ "$(xenstore-read $dir/max-ring-page-order)" = 0 ]
}

bare_offered()
{
	grep -q offered /tmp/bare.log
}

# The toolstack wants a script for a device that is not the kernel's.
cat >/etc/xen/scripts/block-bare <<'END'
#!/bin/sh
xenstore-write "$XENBUS_PATH/hotplug-status" connected
END
chmod +x /etc/xen/scripts/block-bare
loop=$(losetup -f --show $IMAGES/blkback)
daemon_start "${@:3}"
CREATE=-p TASK_ENV="" guest_start bench /root/guest/bench.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop','format=raw,vdev=xvdb,access=rw,backendtype=qdisk,target=$IMAGES/qdisk','$(disk xvdc ringside)','$(disk xvdd plain)','format=raw,vdev=xvde,access=rw,script=block-bare,target=$IMAGES/bare']"
# 51760 is xvdd.
for feature in persistent indirect ring-order; do
	xenstore-write /local/domain/0/backend/vbd/${DOMID[bench]}/51760/ringside/$feature no
done
wait_for "the plain offer is made" 10 plain_offered
# 51776 is xvde.
setsid /root/bare_backend ${DOMID[bench]} 51776 $IMAGES/bare >/tmp/bare.log 2>&1 </dev/null &
BARE=$!
wait_for "the bare offer is made" 10 bare_offered
xl unpause bench
wait_for "the guest runs" 90 has bench running 1
bench_pin

declare -A DEVICE=([blkback]=/dev/xvda [qdisk]=/dev/xvdb [ringside]=/dev/xvdc
	[plain]=/dev/xvdd [bare]=/dev/xvde)
for ((round = 1; round <= ROUNDS; round++)); do
	while read -r rw bs depth; do
		for name in ${BACKENDS:-blkback qdisk bare ringside plain traced}; do
			if [ $name = traced ]; then
				recorded -- traced ${DEVICE[ringside]} $rw $bs $depth
			else
				job $name ${DEVICE[$name]} $rw $bs $depth
			fi
		done
	done <<<"$JOBS"
done
guest_stop bench
guest_task bench 60 >/dev/null || fail "the task of the guest failed"
kill $BARE
xenstore-write /local/domain/0/backend/vbd/${DOMID[bench]}/51776/state 6
guest_gone bench 60
losetup -d "$loop"
daemon_stop
