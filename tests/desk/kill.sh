#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 of a frontend, of the backend and of the desk, each under load: the
# others go on or end as docs/architecture.md says, and nothing is left.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"

# One guest's load until it is stopped.
load()
{
	local domid=$1
	shift
	background "front$domid" ringside front "$DESK" --domid "$domid" \
		--rw randrw --depth 32 --runtime 600 --verify "$@"
}

# A backend writes into the image of guest $1, now.
under_load()
{
	local before
	before=$(stat -c %y "$T/disk$1")
	sleep 0.2
	[ "$(stat -c %y "$T/disk$1")" != "$before" ]
}

begin()
{
	rm -rf "$DESK"
	start_desk
	start_ringsided
	for domid in 1 2; do
		image disk$domid 32M
		attach $domid xvda "$T/disk$domid"
		load $domid "$@"
	done
	for domid in 1 2; do
		wait_until "guest $domid is under load" under_load $domid
	done
}

store()
{
	(eval "$(ringside desk env "$DESK")" && "xenstore-$@" 2>/dev/null)
}

disk_is_removed()
{
	! store exists "/local/domain/0/backend/vbd/$1"
}

state_is()
{
	[ "$(store read "/local/domain/0/backend/vbd/$1/51712/state")" = "$2" ]
}

# The front of guest $1 must go on to its orderly end.
ends_well()
{
	kill -INT "${JOB[front$1]}"
	ended "front$1"
	logged "front$1" ' 0 wrong' || fail "guest $1: $(cat "$T/front$1.log")"
}

step "a frontend is killed: its disks are removed, the other guest goes on"
begin
killed front1
wait_until "the dead guest's disk is removed" disk_is_removed 1
running ringsided || fail "the backend ended with its frontend"
wait_until "the other guest goes on" under_load 2
ends_well 2
logged ringsided 'domain 1 device 51712: disconnected' ||
	fail "the backend did not close the dead guest's disk"
desk_is_clean
# Its image is free: the guest starts again.
attach 1 xvda "$T/disk1"
front --domid 1 --rw randrw --ops 500 --verify --quiet ||
	fail "the guest cannot start again"
stop_ringsided
ringside desk stop "$DESK" || fail "desk stop"

step "the backend is killed: frontends wait, and give up as they were told"
begin --timeout 1
killed ringsided
for domid in 1 2; do
	ended front$domid
	[ $? -eq 1 ] || fail "guest $domid ended with another status than 1"
	grep -q '^ringside front: .*xvda.* 1 s' "$T/front$domid.log" ||
		fail "guest $domid: $(cat "$T/front$domid.log")"
done
counter_is ports_bound 0 || fail "ports are bound with nobody alive"
counter_is mappings 0 || fail "pages are mapped by a dead process"

step "... and a new backend serves them again"
start_ringsided
for domid in 1 2; do
	# The toolstack removed the disks of guests that ended in disorder.
	disk_is_removed $domid && attach $domid xvda "$T/disk$domid"
	front --domid $domid --rw randrw --ops 500 --verify --quiet ||
		fail "guest $domid is not served by the new backend"
done
desk_is_clean
stop_ringsided
ringside desk stop "$DESK" || fail "desk stop"

if [ "$LEVEL" = all ]; then
	step "... also those who still wait: they are asked to close"
	begin --timeout 60
	killed ringsided
	start_ringsided
	for domid in 1 2; do
		ended front$domid
		[ $? -eq 1 ] || fail "guest $domid: $(cat "$T/front$domid.log")"
		grep -q '^ringside front: .* gave no answer for .* in flight' \
			"$T/front$domid.log" ||
			fail "guest $domid: $(cat "$T/front$domid.log")"
	done
	desk_is_clean
	stop_ringsided
	ringside desk stop "$DESK" || fail "desk stop"
fi

step "the desk is killed: everybody ends, with one sentence and status 1"
begin
desk_pid=$(cat "$DESK/desk.pid")
kill -KILL "$desk_pid"
for name in ringsided front1 front2; do
	ended $name
	[ $? -eq 1 ] || fail "$name ended with another status than 1"
done
[ "$(grep -c 'error: ' "$T/ringsided.log")" -eq 1 ] ||
	fail "ringsided: $(cat "$T/ringsided.log")"
for domid in 1 2; do
	[ "$(grep -c '^ringside front: ' "$T/front$domid.log")" -eq 1 ] ||
		fail "not one sentence: $(cat "$T/front$domid.log")"
done

step "... and a new desk starts where it was"
start_desk
start_ringsided
attach 1 xvda "$T/disk1"
front --domid 1 --rw randrw --ops 500 --verify --quiet ||
	fail "the new desk does not work"
desk_is_clean
stop_ringsided
