#!/bin/bash
# SPDX-License-Identifier: MIT
# A full disk under the trace: one sentence, what was recorded can be read,
# and the guests' I/O goes on undisturbed.
#
# level: long
. "${0%/*}/../lib.sh"
small_file_system 64M ||
	skip "only who may mount can make a file system that is soon full"

# The sentence of a recording that ended for want of room.
says_full()
{
	cat "$T/record.log"
	[ "$1" -eq 1 ] || fail "exit status $1 instead of 1"
	grep -q 'ringside record: .*file system of .* \(full\|only .* left\)' \
		"$T/record.log" || fail "it does not say what is full"
	grep -q 'ringside front' "$T/record.log" &&
		fail "the guest was disturbed"
	# If it is full from the start, not even the metadata find room.
	grep -q 'ringside record: 0 events ' "$T/record.log" ||
		ringside show latency "$T/small/trace" >/dev/null ||
		fail "nothing of the trace can be read"
	rm -rf "$T/small/"*
}

load()
{
	ringside record -o "$T/small/trace" -- ringside front "$DESK" \
		--rw randrw --verify --quiet "$@" 2>"$T/record.log"
}

start_desk
start_ringsided
image disk 16M
attach 1 xvda "$T/disk"

step "the trace itself fills the file system"
load --ops 100000
says_full $?

step "another process fills it at once"
(
	wait_until "the trace grows" \
		compgen -G "$T/small/trace/ust/pid/*/ringside_0" >/dev/null
	sleep 0.5
	head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null
) &
load --ops 10000 --depth 1
says_full $?
wait $!
desk_is_clean
stop_ringsided
