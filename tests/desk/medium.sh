#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that changes while its disk is connected: images that grow and
# shrink, and drives that are empty and get another medium.
#
# threads
. "${0%/*}/../lib.sh"

# A key of the backend's directory of disk $1.
key()
{
	xenstore-read "/local/domain/0/backend/vbd/1/$1/$2"
}

key_is()
{
	[ "$(key "$1" "$2")" = "$3" ]
}

expect_key()
{
	key_is "$@" || fail "disk $1: $2 is $(key "$1" "$2"), and not $3"
}

ISO=$((51712 + 16)) # xvdb
U="nbd+unix:///?socket=$T/nbd"

# The frontend of xvdb, as what clients of NBD see.
start_export()
{
	rm -f "$T/nbd"
	background nbd front_nbd "$@"
	wait_until "the export is there" logged nbd 'nbd+unix'
}

# All that can be read is image $1.
expect_medium()
{
	rm -f "$T/out"
	nbdcopy "$U" "$T/out" || fail "it cannot be read"
	cmp "$T/out" "$1" || fail "this is not $1"
}

start_desk
eval "$(ringside desk env "$DESK")"
start_record --level control
start_ringsided

step "an image grows and shrinks under a frontend"
image disk 16M
attach 1 xvda "$T/disk"
start_export
expect_key 51712 sectors 32768
truncate -s 24M "$T/disk"
wait_until "the frontend sees it" logged nbd 'has 25165824 bytes now'
expect_key 51712 sectors 49152
expect_key 51712 state 4
head -c 24M /dev/urandom >"$T/data"
nbdcopy "$T/data" "$U" || fail "what has grown cannot be written"
expect_medium "$T/data"
cmp "$T/disk" "$T/data" || fail "the image has something else"
# XB-15: what is less than a physical sector is not told.
truncate -s +512 "$T/disk"
sleep 1.5
expect_key 51712 sectors 49152
truncate -s 8M "$T/disk"
wait_until "the frontend sees it" logged nbd 'has 8388608 bytes now'
expect_medium "$T/disk"
stop nbd
# What happens to a disk that nobody uses is known when somebody comes.
truncate -s 12M "$T/disk"
front --rw read --quiet || fail "front"
expect_key 51712 sectors 24576
ringside detach "$DESK" || fail "detach"

step "what the guest is told of it: removable, read-only, cdrom"
image ro 1M
image removable 1M
head -c 3M /dev/urandom >"$T/a.iso"
head -c 3M /dev/urandom >"$T/b.iso"
head -c 1M /dev/urandom >"$T/small.iso"
expect_exit 2 'always read-only' ringside attach "$DESK" --cdrom --mode w
attach 1 xvda "$T/ro" --mode r
attach 1 xvdc "$T/removable" --removable
attach 1 xvdb "$T/a.iso" --cdrom
front --vdev xvda,xvdb,xvdc --rw read --quiet || fail "front"
expect_key 51712 info 4 # VDISK_READONLY
expect_key $((51712 + 32)) info 2 # VDISK_REMOVABLE
expect_key $ISO info 7 # and VDISK_CDROM
expect_key $ISO sectors 6144
expect_exit 2 'read-only' front --vdev xvdb --rw write

step "another medium, and none"
insert()
{
	ringside insert "$DESK" --vdev xvdb --target "$1" || fail "insert $1"
}
start_export --vdev xvdb
expect_medium "$T/a.iso"
insert "$T/small.iso"
expect_key $ISO sectors 2048
wait_until "the frontend sees it" logged nbd 'has 1048576 bytes now'
expect_medium "$T/small.iso"
ringside eject "$DESK" --vdev xvdb || fail "eject"
expect_key $ISO sectors 0
expect_key $ISO state 4
wait_until "the frontend sees it" logged nbd 'has 0 bytes now'
insert "$T/b.iso"
expect_key $ISO sectors 6144
wait_until "the frontend sees it" logged nbd 'has 3145728 bytes now'
expect_medium "$T/b.iso"
# The same name anew, as a tool that makes images would have it.
cp "$T/a.iso" "$T/new.iso"
mv "$T/new.iso" "$T/b.iso"
insert "$T/b.iso"
expect_medium "$T/a.iso"
# Xen's toolstack writes a format before the name, and not our key.
xenstore-write "/local/domain/0/backend/vbd/1/$ISO/params" "aio:$T/small.iso"
wait_until "it is taken" key_is $ISO ringside-medium "aio:$T/small.iso"
expect_key $ISO sectors 2048
stop nbd

step "under load, and back and forth"
insert "$T/a.iso"
background load ringside front "$DESK" --vdev xvdb --rw randread \
	--runtime 1000 --quiet
wait_until "it is connected" key_is $ISO state 4
for name in b a b a b a; do
	insert "$T/$name.iso"
done
running load || fail "the load has ended: $(cat "$T/load.log")"
kill -INT "${JOB[load]}"
ended load
[ "$(cat "$T/load.log")" = "ringside front: stopped before it was done" ] ||
	fail "the load: $(cat "$T/load.log")"

step "what cannot be put in"
expect_exit 1 'empty now: .*does not exist' \
	ringside insert "$DESK" --vdev xvdb --target "$T/nowhere.iso"
expect_key $ISO ringside-medium ''
front --vdev xvdb --info >"$T/info" || fail "front of an empty drive"
grep -q ' 0 sectors' "$T/info" || fail "not empty: $(cat "$T/info")"
insert "$T/a.iso"
front --vdev xvdb --rw read --quiet || fail "front"
expect_exit 1 'no cdrom' ringside insert "$DESK" --target "$T/a.iso"
expect_exit 1 'has no disk' ringside eject "$DESK" --vdev xvdq
expect_exit 2 'which storage' ringside insert "$DESK" --vdev xvdb

step "a drive that is empty from the start (CVE-2010-4238)"
ringside detach "$DESK" --vdev xvdb || fail "detach"
ringside attach "$DESK" --vdev xvdb --cdrom >/dev/null || fail "attach"
front --vdev xvdb --info >"$T/info" || fail "front of an empty drive"
grep -q ' 0 sectors' "$T/info" || fail "not empty: $(cat "$T/info")"
insert "$T/a.iso"
front --vdev xvdb --rw read --quiet || fail "front"
expect_exit 1 'does not exist' ringside attach "$DESK" --vdev xvdd --cdrom \
	--target "$T/nowhere.iso"
for vdev in xvda xvdb xvdc; do
	ringside detach "$DESK" --vdev $vdev || fail "detach"
done
stop_ringsided
desk_is_clean
ringside attach "$DESK" --vdev xvdb --cdrom --no-wait >/dev/null ||
	fail "attach"
expect_exit 1 'no backend listens in domain 0 .*ringsided --host desk:' \
	ringside insert "$DESK" --vdev xvdb --target "$T/a.iso"
ringside detach "$DESK" --vdev xvdb --force || fail "detach --force"

step "what the trace tells"
stop_record || fail "record: $(cat "$T/record.log")"
mapfile -t parts < <(our_trace)
babeltrace2 "${parts[@]}" >"$T/events"
grep -q 'device_resize:.*before = 16777216, size = 25165824' "$T/events" ||
	fail "no event of the size"
grep -q 'device_medium:.*size = 0 }' "$T/events" ||
	fail "no event of the empty drive"
grep -q 'device_medium:.*b.iso", size = 3145728' "$T/events" ||
	fail "no event of the medium"
