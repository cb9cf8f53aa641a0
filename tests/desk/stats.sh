#!/bin/bash
# SPDX-License-Identifier: MIT
# What ringsided counts is what was done, and its files come and go with the disks.
. "${0%/*}/../lib.sh"
stats()
{
	ringside stats "$DESK" "$@"
}

# The number of KEY in the object of operation $1.
count()
{
	stats --json | sed -n "/\"$1\":/,/}/s/.*\"$2\": *\([0-9]*\).*/\1/p"
}

count_is()
{
	[ "$(count "$1" "$2")" = "$3" ]
}

start_desk
expect_exit 2 'no ringsided has run' ringside stats "$T/nowhere"
expect_exit 2 'at most' ringsided --host "desk:$DESK" --stats ''
image disk 16M
start_ringsided
attach 1 xvda "$T/disk"

step "a connected disk is counted"
background nbd front_nbd
wait_until "it exports" test -S "$T/nbd"
qemu-img info "nbd+unix:///?socket=$T/nbd" >/dev/null || fail "no read"
before=$(count read requests)
nbdcopy "nbd+unix:///?socket=$T/nbd" null: || fail "nbdcopy"
[ "$(count read requests)" -gt "$before" ] || fail "reads are not counted"
[ "$(count read bytes)" -ge $((16 << 20)) ] || fail "their data is not counted"
count_is write requests 0 || fail "nothing was written"
stats | grep -q 'read  .* requests' || fail "no table"

step "its file goes with the connection"
[ -f "$DESK/stats/vbd-1-51712" ] || fail "no file"
stop nbd
[ ! -e "$DESK/stats/vbd-1-51712" ] || fail "the file is left"
stats | grep -q 'no disk is connected' || fail "$(stats)"

step "what is no statistics is told"
echo nonsense >"$DESK/stats/vbd-1-1"
expect_exit 2 'vbd-1-1 in .* is no file of statistics' ringside stats "$DESK"
rm "$DESK/stats/vbd-1-1"

step "what a killed daemon left is nobody's"
background load ringside front "$DESK" --rw randread --runtime 60 --timeout 2
wait_until "the file is there" test -f "$DESK/stats/vbd-1-51712"
killed ringsided
stats | grep -q 'no disk is connected' || fail "a dead daemon's: $(stats)"
kill -INT "${JOB[load]}"
ended load
start_ringsided
[ ! -e "$DESK/stats/vbd-1-51712" ] || fail "the next one did not sweep"
ringside detach "$DESK" || fail "detach"
desk_is_clean
