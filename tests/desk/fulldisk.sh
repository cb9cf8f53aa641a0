#!/bin/bash
# SPDX-License-Identifier: MIT
# A full disk under the trace: one sentence, what was recorded can be read,
# and the guests' I/O goes on undisturbed.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"
small_file_system 64M ||
	skip "only who may mount can make a file system that is soon full"

# The sentence of a recording that ended for want of room, and its last one.
says_full()
{
	cat "$T/record.log"
	[ "$1" -eq 1 ] || fail "exit status $1 instead of 1"
	grep -qE 'file system of .* only .* left, [0-9]+ are needed for' \
		"$T/record.log" || fail "it does not say what is full"
	grep -q 'ringside front' "$T/record.log" &&
		fail "the guest was disturbed"
	grep -qE 'ringside record: [0-9]+ events ' "$T/record.log" ||
		fail "it does not say what is in the trace"
}

can_be_read()
{
	ringside show latency "$T/small/trace" >"$T/shown" ||
		fail "nothing of the trace can be read"
	rm -rf "$T/small/"*
}

record()
{
	ringside record -o "$T/small/trace" "$@" 2>"$T/record.log"
}

load()
{
	record -- ringside front "$DESK" --rw randrw --verify --quiet "$@"
}

# Not only its files, but events.
backend_is_in_it()
{
	[ -n "$(find "$T/small/trace/ust/pid" -path '*/ringsided-*' \
		-name 'ringside_[0-9]' -size +0 2>/dev/null)" ]
}

# A little at a time: the recorder has room for its last words.
fill_slowly()
{
	wait_until "the backend is in it" backend_is_in_it
	until grep -q 'recording was stopped' "$T/record.log" 2>/dev/null; do
		head -c 512k /dev/zero >>"$T/small/filler" 2>/dev/null
		sleep 0.05
	done
}

fill_at_once()
{
	wait_until "the backend's files are there" compgen -G \
		"$T/small/trace/ust/pid/ringsided-*/ringside_0" >/dev/null
	head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null
}

step "programs that have ended need no room any more"
record --num-subbuf 8 --subbuf-size 512k -- bash -c \
	"for i in {1..16}; do '$BIN/fixtures/emit' 1 1 stop || exit; done" \
	>"$T/emitted" || fail "exit status $?: $(cat "$T/record.log")"
cat "$T/record.log"
[ "$(find "$T/small/trace/ust/pid" -maxdepth 1 -name 'emit-*' | wc -l)" -eq \
	16 ] || fail "not all of them were recorded"
rm -rf "$T/small/"*

start_desk
start_ringsided
image disk 16M
attach 1 xvda "$T/disk"

step "the trace itself fills the file system"
load --ops 100000
says_full $?
can_be_read

step "another process fills it"
: >"$T/record.log"
fill_slowly &
load --runtime 8 --depth 1
says_full $?
wait $!
can_be_read

step "... at once, so that LTTng may find no room for what it has"
fill_at_once &
load --ops 20000 --depth 1
says_full $?
wait $!
if [ ! -e "$T/small/trace" ]; then
	grep -q ' there is no trace in ' "$T/record.log" ||
		fail "it does not say that there is no trace"
elif ! grep -q ' cannot be read to its end' "$T/record.log"; then
	can_be_read
fi
rm -rf "$T/small/"*

step "... and before there was an event: no trace, and it says so"
record -- bash -c "head -c 64M /dev/zero >'$T/small/filler' 2>'$T/head.log'
	sleep 1"
says_full $?
grep -q 'ringside record: 0 events .*there is no trace in .*/small/trace$' \
	"$T/record.log" || fail "it does not say that there is no trace"
[ ! -e "$T/small/trace" ] || fail "it left a directory that is no trace"

desk_is_clean
stop_ringsided
