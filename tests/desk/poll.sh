#!/bin/bash
# SPDX-License-Identifier: MIT
# A queue looks at its ring before it sleeps, where it may, and finds requests
# that way.  How many depends on who is faster: where the frontend always is,
# a queue never waits.  Where it may not look, none is found so.
#
# timeout: 120
. "${0%/*}/../lib.sh"

# How many requests were found by looking.
found()
{
	mapfile -t parts < <(our_trace)
	[ ${#parts[@]} -gt 0 ] || fail "nothing of this script is in the trace"
	babeltrace2 "${parts[@]}" | grep -c 'ringside:queue_poll:.*found = 1'
}

# $1: the bound.  Prints how many notifications the frontend sent.
run()
{
	start_ringsided --poll "$1"
	front --rw randread --bs 4k --depth 1 --ops 5000 >"$T/out" ||
		fail "front, with --poll $1: $(cat "$T/out")"
	sed -nE 's/.* ([0-9]+) notifications sent.*/\1/p' "$T/out"
	stop_ringsided
}

expect_exit 2 "microseconds from 0 to 100000" ringsided --poll 100001
expect_exit 2 "microseconds from 0 to 100000" ringsided --poll -1
expect_exit 2 "microseconds from 0 to 100000" ringsided --poll soon

start_desk
image disk 8M
start_ringsided
attach 1 xvda "$T/disk"
stop_ringsided

step "it may not"
start_record
run 0 >"$T/sent"
stop_record || fail "record: $(cat "$T/record.log")"
[ "$(found)" -eq 0 ] || fail "it looked in spite of --poll 0"
read -r never <"$T/sent"

step "it may, for longer than any request takes"
rm -rf "$T/trace"
start_record
run 100000 >"$T/sent"
stop_record || fail "record: $(cat "$T/record.log")"
read -r looking <"$T/sent"
n=$(found)
echo "   $n requests of 5000 found by looking; notifications sent: $looking, and $never without"
[ "$n" -gt 0 ] || fail "no request was found by looking"
desk_is_clean
