# SPDX-License-Identifier: MIT
# In dom0: a guest on a disk of Linux's xen-blkback, recorded from its
# handshake to its end in /root/blkback; and at the same time, with a buffer
# that is much too small, in /root/tiny.  And mistakes.
. "${0%/*}/lib.sh"
rm -rf /root/none /root/blkback /root/tiny

# The recorder $1 at work, into /root/$1, with the options that follow.
recording()
{
	local name=$1
	shift
	ringside record --source blkback -o "/root/$name" "$@" -- bash -c \
		'echo begun; while [ -e /run/recording ]; do sleep 0.2; done' \
		>"/tmp/$name.log" 2>&1 &
	RECORDER[$name]=$!
	wait_for "recording begins" 90 grep -qE 'begun|^ringside record: (the|Linux)' \
		"/tmp/$name.log"
	grep -q begun "/tmp/$name.log" || fail "$(cat "/tmp/$name.log")"
}

recorded()
{
	wait "${RECORDER[$1]}" || fail "ringside record: $(cat "/tmp/$1.log")"
	tail -n 1 "/tmp/$1.log"
	grep -q "$2" "/tmp/$1.log" || fail "it does not say \"$2\""
}

step "no xen-blkback"
rmmod xen-blkback 2>/dev/null
ringside record --source blkback -o /root/none -- true 2>/tmp/said
[ $? -eq 1 ] && grep -q 'xen-blkback is not loaded' /tmp/said ||
	fail "it says: $(cat /tmp/said)"
[ ! -e /root/none ] || fail "it left a directory"
modprobe xen-blkback || fail "there is no xen-blkback"

step "xen-blkback, from the handshake to its end, by two recorders"
declare -A RECORDER=()
image disk.img 128M
loop=$(losetup -f --show $IMAGES/disk.img)
: >/run/recording
recording blkback --level full
recording tiny --subbuf-size 4k --num-subbuf 2
guest_start one /root/guest/few.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
rm /run/recording
grep 'kinds of events' /tmp/blkback.log || fail "it does not say what it sees"
recorded blkback 'none lost'
recorded tiny 'more were LOST'
losetup -d "$loop"
nothing_left
