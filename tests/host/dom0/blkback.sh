# SPDX-License-Identifier: MIT
# In dom0: the same guest on a disk of Linux's xen-blkback and on one of
# ringsided's, each recorded from its handshake to its end: /root/blkback and
# /root/ringsided.  And mistakes.
. "${0%/*}/lib.sh"

# Until the file /run/recording is gone; the options that follow.
recording()
{
	local out=$1
	shift
	rm -rf "$out"
	: >/run/recording
	ringside record -o "$out" "$@" -- bash -c \
		'echo begun; while [ -e /run/recording ]; do sleep 0.2; done' \
		>/tmp/record.log 2>&1 &
	RECORD=$!
	wait_for "recording begins" 90 grep -qE 'begun|^ringside record: (the|Linux)' \
		/tmp/record.log
	grep -q begun /tmp/record.log || fail "$(cat /tmp/record.log)"
}

step "no xen-blkback"
rm -rf /root/none
rmmod xen-blkback 2>/dev/null
ringside record --source blkback -o /root/none -- true 2>/tmp/said
[ $? -eq 1 ] && grep -q 'xen-blkback is not loaded' /tmp/said ||
	fail "it says: $(cat /tmp/said)"
[ ! -e /root/none ] || fail "it left a directory"
modprobe xen-blkback || fail "there is no xen-blkback"

step "xen-blkback, from the handshake to its end"
image disk.img 128M
loop=$(losetup -f --show $IMAGES/disk.img)
recording /root/blkback --source blkback --level full
guest_start one /root/guest/few.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
record_stop
grep -E 'kinds of events' /tmp/record.log || fail "it does not say what it sees"
losetup -d "$loop"
nothing_left

step "the same on ringsided"
daemon_start
image disk.img 128M
recording /root/ringsided --level full
guest_start one /root/guest/few.sh "disk=['$(disk xvda disk.img)']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
all_clean
daemon_stop
record_stop

step "a buffer that is much too small: what is lost is told"
image disk.img 128M # mkfs asks before it writes over a file system
loop=$(losetup -f --show $IMAGES/disk.img)
recording /root/tiny --source blkback --subbuf-size 4k --num-subbuf 2
guest_start one /root/guest/few.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
rm /run/recording
wait "$RECORD" || fail "ringside record failed: $(cat /tmp/record.log)"
tail -n 1 /tmp/record.log
grep -q 'more were LOST' /tmp/record.log || fail "it lost nothing, it says"
losetup -d "$loop"
