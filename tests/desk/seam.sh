#!/bin/bash
# SPDX-License-Identifier: MIT
# The desk answers what tests/seam asks as Xen does: one file for both.
. "${0%/*}/../lib.sh"

for tool in write chmod; do
	command -v "xenstore-$tool" >/dev/null ||
		skip "xenstore-$tool is missing (package xenstore-utils)"
done
[ -x "$BIN/seam" ] || fail "there is no $BIN/seam: make units"

start_desk
ringside attach "$DESK" --target null:1M --no-wait >/dev/null || fail attach
eval "$(ringside desk env "$DESK")"
# What is there on every Xen host.
xenstore-write /local/domain/0/name Domain-0 /local/domain/1/data "" &&
	xenstore-chmod /local/domain/1/data n1 || fail "the nodes of a host"

step "the same answers as Xen's"
"$BIN/seam" "desk:$DESK" store watches transactions ports grants guest \
	>"$T/seam.out" 2>"$T/seam.err" || fail "seam: $(cat "$T/seam.err")"
diff -u "$TOP/tests/seam/expected" "$T/seam.out" ||
	fail "the desk answers otherwise than Xen"
echo "   $(grep -vc '^--' "$T/seam.out") answers"
ringside detach "$DESK" --force >/dev/null 2>&1 || :
desk_is_clean
