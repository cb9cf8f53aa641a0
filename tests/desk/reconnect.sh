#!/bin/bash
# SPDX-License-Identifier: MIT
# One frontend right behind the other on the same disk, on two disks at once:
# each must connect, whatever the backend was doing when it came.
#
# threads
. "${0%/*}/../lib.sh"

rounds=15
[ "$LEVEL" = all ] && rounds=150
start_desk
start_ringsided
for domid in 1 2; do
	image disk$domid 8M
	attach $domid xvda "$T/disk$domid"
done

again_and_again()
{
	local i
	for ((i = 1; i <= rounds; i++)); do
		ringside front "$DESK" --domid "$1" --rw randrw --ops 64 \
			--verify --quiet --timeout 10 && continue
		echo "FAILED: round $i of guest $1"
		eval "$(ringside desk env "$DESK")"
		xenstore-ls -f | grep -E '/(state|online|ring-ref|event-channel) '
		return 1
	done
}
background guest1 again_and_again 1
background guest2 again_and_again 2
for domid in 1 2; do
	for ((i = 0; i < 200; i++)); do running guest$domid || break; sleep 1; done
	ended guest$domid || fail "guest $domid: $(cat "$T/guest$domid.log")"
done
desk_is_clean
