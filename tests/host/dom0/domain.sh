# SPDX-License-Identifier: MIT
# In dom0: a storage driver domain serves a guest; it is killed, and nothing
# else goes down.  Then the kernel's own backend beside ours.
. "${0%/*}/lib.sh"

storage_start()
{
	TASK_ENV="" guest_start storage /root/guest/storage.sh memory=640 \
		driver_domain=1
	wait_for "the driver domain runs" 60 has storage running 1
}

remote()
{
	printf 'backend=storage,format=raw,vdev=%s,access=rw,script=block-ringside,target=%s' \
		"$1" "$2"
}

daemon_start

step "a driver domain serves a guest"
storage_start
TASK_ENV="FIO_SIZE=4M TREE=/usr/share/tree/zoneinfo" \
	guest_start one /root/guest/data.sh \
	"disk=['$(remote xvda /tmp/disk.img)']"
dir=/local/domain/${DOMID[storage]}/backend/vbd
guest_task one 300 || fail "its task failed with status $?"
guest_gone one 40
[ -z "$(xenstore-list "$dir" 2>/dev/null)" ] ||
	[ -z "$(xenstore-ls -f "$dir" | grep -E 'vbd/[0-9]+/')" ] ||
	fail "nodes are left in the driver domain: $(xenstore-ls -f "$dir")"

step "a disk of the driver domain is attached and detached"
image own 32M
TASK_ENV='LOAD=/dev/xvda' guest_start two /root/guest/load.sh \
	"disk=['$(disk xvda own)']"
wait_for "two is under load" 60 has two running 1
xl block-attach two "$(remote xvdz /tmp/disk.img)" || fail "attach failed"
wait_for "the guest reads the disk" 30 key two seen >/dev/null
xl block-detach two xvdz || fail "detach failed"

step "the driver domain is killed: who does not depend on it goes on"
TASK_ENV='LOAD=/dev/xvda' guest_start three /root/guest/load.sh \
	"disk=['$(remote xvda /tmp/disk.img)']"
wait_for "three is under load" 60 has three running 1
xl destroy storage || fail "xl destroy failed"
guest_gone storage 30
sleep 3
guest_stop two
guest_task two 120 || fail "the task of two failed with status $?"
xl destroy three || fail "its guest cannot be destroyed"
guest_gone three 30
guest_gone two 30
all_clean

step "xen-blkback serves one disk of a guest, and we the other"
modprobe xen-blkback || fail "there is no xen-blkback"
image kernels 32M
image ours 32M
loop=$(losetup -f --show $IMAGES/kernels)
TASK_ENV='LOAD="/dev/xvda /dev/xvdb"' guest_start both /root/guest/load.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop','$(disk xvdb ours)']"
wait_for "both are under load" 60 has both running 1
domid=${DOMID[both]}
[ -e "/sys/bus/xen-backend/devices/vbd-$domid-51712/driver" ] ||
	fail "xen-blkback lost its own device"
[ ! -e "/sys/bus/xen-backend/devices/vbd-$domid-51728/driver" ] ||
	fail "xen-blkback drives our device"
logged "domain $domid device 51712" && fail "we touched the kernel's device"
logged "domain $domid device 51728: taken over from xen-blkback" ||
	fail "there is no word about the take-over"
sleep 3
guest_stop both
guest_task both 120 || fail "its task failed with status $?"
guest_gone both 30
losetup -d "$loop"

step "xen-blkback that cannot be made to let go"
unbind=/sys/bus/xen-backend/drivers/vbd/unbind
mount --bind /etc/hostname $unbind && mount -o remount,bind,ro $unbind ||
	fail "unbind cannot be made read-only"
guest_cfg kept "kernel=\"$GUEST/vmlinuz\"" "disk=['$(disk xvda ours)']"
lines=$(wc -l </tmp/ringsided.log)
xl create -q /run/guests/kept.cfg >/tmp/kept.log 2>&1 &&
	fail "xl create went well"
grep -q 'cannot be made to let go' /tmp/kept.log || fail "$(cat /tmp/kept.log)"
lines=$(($(wc -l </tmp/ringsided.log) - lines))
[ $lines -le 5 ] || fail "ringsided wrote $lines lines"
umount $unbind
modprobe -r xen-blkback
all_clean
daemon_stop
