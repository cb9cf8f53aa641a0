#!/bin/bash
# SPDX-License-Identifier: MIT
# A full disk under the trace: one sentence, what was recorded can be read,
# and the guests' I/O goes on undisturbed.
if [ -z "${MOUNTED:-}" ]; then
	unshare --mount true 2>/dev/null || {
		echo "only who may mount can make a file system that is soon full"
		exit 77
	}
	MOUNTED=yes exec unshare --mount --propagation private bash "$0"
fi
. "${0%/*}/../lib.sh"

mkdir "$T/small"
mount -t tmpfs -o size=40M small "$T/small" || fail "mount"
start_desk
start_ringsided
image disk 16M
attach 1 xvda "$T/disk"

step "record into 40 MiB while a guest does much more"
ringside record -o "$T/small/trace" -- ringside front "$DESK" \
	--rw randrw --ops 60000 --verify --quiet 2>"$T/record.log"
status=$?
cat "$T/record.log"
[ $status -eq 1 ] || fail "exit status $status instead of 1"
grep -q "ringside record: .*\(full\|only .* left\)" "$T/record.log" ||
	fail "it does not say that the file system is full"
grep -q 'wrong\|failed: ' "$T/record.log" && fail "the guest was disturbed"
babeltrace2 "$T/small/trace" 2>/dev/null | grep -q ringside:request_take ||
	fail "nothing of the trace can be read"
desk_is_clean
stop_ringsided
