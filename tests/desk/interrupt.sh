#!/bin/bash
# SPDX-License-Identifier: MIT
# Ctrl-C anywhere leaves no process, session or socket (tests/run looks for
# them when this script has ended), and the desk's counters are zero.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"

# What a terminal does: the signal goes to the whole process group.
ctrl_c()
{
	kill -INT "-${JOB[$1]}" || fail "$1 has ended before"
	ended "$1"
}

# In a process group of its own, as a shell starts it.
foreground()
{
	local name=$1
	shift
	set -m # a process group for each job
	background "$name" "$@"
	set +m
}

start_desk
start_ringsided
image disk 32M
attach 1 xvda "$T/disk"

step "ringside front, under load"
foreground front ringside front "$DESK" --rw randrw --runtime 600 --verify
wait_until "it connects" logged ringsided connected
sleep 0.5
ctrl_c front
[ $? -eq 1 ] || fail "exit status $?"
logged front 'stopped before it was done' || fail "it does not say so"
desk_is_clean

step "ringside front --nbd, with a client at work"
foreground nbd front_nbd
exports_or_dead()
{
	logged nbd '^nbd' || ended_not nbd
}
wait_until "it exports" exports_or_dead
background copy nbdcopy "nbd+unix:///?socket=$T/nbd" null:
sleep 0.3
ctrl_c nbd || fail "exit status $?"
[ ! -e "$T/nbd" ] || fail "its socket is left"
ended copy
grep 'without closing disk' "$DESK/desk.log" &&
	fail "the disk was not closed in order"
desk_is_clean

step "ringside record, with a command and without"
foreground record ringside record -o "$T/trace1" -- \
	ringside front "$DESK" --rw randrw --runtime 600 --verify
wait_until "it connects" counter_is ports_bound 2
ctrl_c record
babeltrace2 "$T/trace1" | grep -q request_take || fail "trace1 is empty"
desk_is_clean
foreground record ringside record -o "$T/trace2"
wait_until "the backend is recorded" \
	compgen -G "$T/trace2/ust/pid/ringsided-*" >/dev/null
front --ops 100 --quiet || fail "front"
ctrl_c record || fail "exit status $? ($(cat "$T/record.log"))"
babeltrace2 "$T/trace2" | grep -q request_take || fail "trace2 is empty"

step "ringsided, under load: its guests' disks are closed in order"
foreground front ringside front "$DESK" --rw randrw --runtime 600 --verify
wait_until "it connects" counter_is ports_bound 2
stop_ringsided
ended front
[ $? -eq 1 ] || fail "exit status $? of the frontend"
desk_is_clean

step "ringside attach, while it waits"
foreground attach ringside attach "$DESK" --domid 2 --target "$T/disk"
sleep 0.5
ctrl_c attach
[ $? -ne 0 ] || fail "it says that all is well"
ringside desk stop "$DESK" || fail "desk stop"

step "ringside desk in the foreground"
foreground desk ringside desk start --foreground "$DESK"
wait_until "it is ready" logged desk ': ready'
ctrl_c desk || fail "exit status $?"
[ ! -e "$DESK/desk.sock" ] || fail "its socket is left"
