#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend whose keys break a rule has its device closed, with the reason in
# the log and in the store's error node; another guest's disk never notices,
# and the same frontend may come again and behave.
#
# threads
. "${0%/*}/../lib.sh"

command -v xenstore-write >/dev/null || skip "xenstore-write is not installed"

start_desk
start_ringsided
image good.img
image bad.img
attach 1 xvda "$T/good.img"
attach 2 xvda "$T/bad.img"
eval "$(ringside desk env "$DESK")"

fe=/local/domain/2/device/vbd/51712
be=/local/domain/0/backend/vbd/2/51712
error=/local/domain/0/error/backend/vbd/2/51712/error

backend_state_is()
{
	[ "$(xenstore-read $be/state 2>/dev/null)" = "$1" ]
}

# The frontend is written by hand: nobody else lives in domain 2.
# broken RULE WORDS KEY VALUE...: ends at state 5 with the rule in the log.
broken()
{
	local rule=$1 words=$2 key
	shift 2
	for key in ring-ref event-channel protocol ring-page-order \
		multi-queue-num-queues; do
		xenstore-rm $fe/$key 2>/dev/null
	done
	xenstore-write $fe/state 1
	wait_until "the backend offers again" backend_state_is 2
	while [ $# -gt 0 ]; do
		xenstore-write "$fe/$1" "$2"
		shift 2
	done
	xenstore-write $fe/state 3
	wait_until "the backend closes for rule $rule" backend_state_is 5
	xenstore-read $error | grep -q "^$rule: .*$words" ||
		fail "$error says: $(xenstore-read $error)"
	echo "   $(xenstore-read $error)"
	xenstore-write $fe/state 6
	wait_until "the backend is closed" backend_state_is 6
}

step "a good guest works all the time"
background good ringside front "$DESK" --domid 1 --rw randrw --verify \
	--runtime 4

step "keys that break the rules"
begin=$SECONDS
broken XB-03 "without writing ring-ref" protocol x86_64-abi
broken XB-03 "without writing event-channel" ring-ref 8 protocol x86_64-abi
broken XB-08 "not a number" ring-ref banana event-channel 1
broken XB-13 "neither x86_64-abi nor" ring-ref 8 event-channel 1 \
	protocol vax-abi
broken XB-09 "not a number from 0 to" ring-ref 8 event-channel 1 \
	protocol x86_64-abi ring-page-order 7
broken XB-12 "not a number from 1 to" ring-ref 8 event-channel 1 \
	protocol x86_64-abi multi-queue-num-queues 0
broken XB-03 "grant 8 of domain 2 was refused" ring-ref 8 event-channel 1 \
	protocol x86_64-abi

# Five in ten seconds (base/log.h); where all took longer, a few more.
n=$(grep -c 'device 51712: closed by rule' "$T/ringsided.log")
[ "$n" -eq 5 ] || [ $((SECONDS - begin)) -ge 9 ] && [ "$n" -ge 5 ] ||
	fail "the log should say five of them and hold back the rest, not $n"

ended good || fail "the good guest was disturbed"

step "and then the guest behaves"
xenstore-write $fe/state 1
front --domid 2 --rw randwrite --ops 200 --verify --quiet ||
	fail "the disk does not work any more"
desk_is_clean
stop_ringsided
