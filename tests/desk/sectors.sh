#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks with sectors of 4096 bytes, counted in both ways that there are, and
# frontends that count in the other.
. "${0%/*}/../lib.sh"

key()
{
	xenstore-read "/local/domain/0/backend/vbd/1/51712/$1"
}

expect_key()
{
	[ "$(key "$1")" = "$2" ] || fail "$1 is $(key "$1"), and not $2"
}

start_desk
eval "$(ringside desk env "$DESK")"
image disk 1M

step "words that are none"
expect_exit 2 'takes 512 or 4096, not "1024"' ringsided --sector-size 1024
expect_exit 2 'takes 512 or sector-size, not "4k"' ringsided --sector-units 4k
expect_exit 2 'is 512 or 4096, not 2048' \
	ringside attach "$DESK" --target "$T/disk" --sector-size 2048
expect_exit 2 'is 512 or sector-size, not "x"' front --sector-units x

step "512 unless something else is said"
start_ringsided
attach 1 xvda "$T/disk"
front --rw randrw --bs 512 --ops 100 --verify --quiet || fail "front"
expect_key sector-size 512
expect_key physical-sector-size 4096
expect_key sectors 2048
ringside detach "$DESK" || fail "detach"

step "4096, counted in units of 512"
attach 1 xvda "$T/disk" --sector-size 4096
front --rw randrw --ops 300 --verify --quiet || fail "front"
front --rw randrw --bs 16k --offset 4k --ops 100 --verify --quiet ||
	fail "front"
expect_key sector-size 4096
expect_key physical-sector-size 4096
expect_key sectors 2048
expect_exit 2 'multiples of the sector size' front --bs 512
expect_exit 2 'multiples of the sector size' front --offset 512
# One that counts in sectors breaks RQ-39 at its second one.
expect_exit 1 'error' front --sector-units sector-size --ops 2 --depth 1
wait_until "it is named" logged ringsided 'refused by rule RQ-39'
truncate -s 1028K "$T/disk"
front --rw read --quiet || fail "front"
expect_key sectors 2056
truncate -s 1M "$T/disk"
ringside detach "$DESK" || fail "detach"

step "4096, counted in units of 4096"
ringside attach "$DESK" --domid 2 --target "$T/disk" --sector-size 4096 \
	--sector-units sector-size >/dev/null || fail "attach"
# One that counts in 512 says more of a page than there is.
expect_exit 1 'error' front --domid 2 --ops 1
wait_until "it is named" logged ringsided 'refused by rule RQ-37'
wait_until "it is warned of" logged ringsided 'does not say that it does'
ringside detach "$DESK" --domid 2 || fail "detach"
attach 1 xvda "$T/disk" --sector-size 4096 --sector-units sector-size
front --sector-units sector-size --rw randrw --ops 300 --verify --quiet ||
	fail "front"
expect_key sectors 256
[ "$(grep -c 'does not say that it does' "$T/ringsided.log")" -eq 1 ] ||
	fail "warned for nothing"
# All of the disk, and each sector where it belongs.
front --sector-units sector-size --rw write --quiet || fail "front"
[ "$(tr -d '\0' <"$T/disk" | wc -c)" -gt 900000 ] || fail "not all was written"
ringside detach "$DESK" || fail "detach"
stop_ringsided

step "as the default, and what does not fit"
start_ringsided --sector-size 4096
attach 1 xvda mem:1M
front --rw randrw --ops 300 --verify --quiet || fail "front"
expect_key sector-size 4096
ringside detach "$DESK" || fail "detach"
attach 1 xvda mem:1M --sector-size 512
front --bs 512 --quiet || fail "front"
ringside detach "$DESK" || fail "detach"
truncate -s 1536 "$T/odd"
expect_exit 1 'not a multiple of its sector size, 4096' \
	ringside attach "$DESK" --target "$T/odd"
expect_exit 1 'multiple of 4096' ringside attach "$DESK" --target mem:1k
stop_ringsided

step "a key that nobody should have written"
attach 1 xvda "$T/disk"
xenstore-write /local/domain/0/backend/vbd/1/51712/ringside-sector-size 768
start_ringsided
wait_until "it is told" xenstore-exists \
	/local/domain/0/backend/vbd/1/51712/hotplug-error
key hotplug-error | grep -q '"768"; it is 512 or 4096' ||
	fail "hotplug-error: $(key hotplug-error)"
ringside detach "$DESK" --force || fail "detach"
