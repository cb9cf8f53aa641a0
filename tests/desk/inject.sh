#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that is slow, wrong or failing on purpose, and held to rates: by the
# daemon's options, and by each disk's keys; and the trace tells of it.
#
# threads
. "${0%/*}/../lib.sh"

key()
{
	xenstore-read "/local/domain/0/backend/vbd/1/51712/$1"
}

detach()
{
	ringside detach "$DESK" "$@" || fail "detach"
}

# Milliseconds that the load takes.
took()
{
	local start=${EPOCHREALTIME/[.,]/}
	front --quiet "$@" >&2 || fail "front $*"
	echo $(((${EPOCHREALTIME/[.,]/} - start) / 1000))
}

start_desk
eval "$(ringside desk env "$DESK")"
image disk 4M

step "rules that are none"
expect_exit 2 '"slow" is no word of one' ringsided --inject slow
expect_exit 2 'does nothing' ringsided --inject op=read
expect_exit 2 '"speed=1" is none' ringsided --limit speed=1

step "an error where it is said, for all disks"
start_record
start_ringsided --inject 'op=read sector=2048+8 errno=EIO' --inject \
	'op=write sector=16 short'
attach 1 xvda "$T/disk"
front --rw read --size 1M --quiet || fail "an error where none is"
front --rw read --offset 1028k --quiet || fail "an error where none is"
expect_exit 1 'error' front --rw read --offset 1M --size 4k
front --rw write --offset 1M --size 4k --quiet || fail "the write fails"
expect_exit 1 'error' front --rw write --size 16k --bs 16k
detach

step "a disk's own rules are instead of these"
attach 1 xvda "$T/disk" --inject 'op=write delay=50ms'
front --rw read --quiet || fail "the daemon's rule holds"
ms=$(took --rw write --ops 4 --depth 1)
echo "   4 writes, 50 ms each: $ms ms"
[ "$ms" -ge 200 ] || fail "not delayed"
detach
attach 1 xvda "$T/disk" --inject ''
front --rw randrw --ops 300 --verify --quiet || fail "front without rules"
detach

step "what is corrupted is found, and what changes places is not wrong"
attach 1 xvda "$T/disk" --inject 'op=read corrupt rate=0.05'
expect_exit 1 'differ|mismatch|not what|wrong' \
	front --rw write --verify --ops 200
detach
attach 1 xvda "$T/disk" --inject 'reorder rate=0.5'
front --rw randrw --ops 500 --verify --quiet || fail "front with reorder"
detach

no_disk()
{
	! key state >/dev/null 2>&1
}

in_flight()
{
	ringside stats "$DESK" | grep -q 'in flight [1-9]'
}

step "rates"
attach 1 xvda "$T/disk" --limit 'iops=100' --inject ''
ms=$(took --rw read --ops 40 --depth 8 --bs 512)
echo "   40 reads at 100 a second, 10 of them at once: $ms ms"
[ "$ms" -ge 280 ] || fail "faster than the limit"
detach
attach 1 xvda "$T/disk" --limit 'bps=1M' --inject ''
ms=$(took --rw read --size 512k --bs 32k --depth 8)
echo "   512 KiB at 1 MiB a second, 102 KiB of them at once: $ms ms"
[ "$ms" -ge 380 ] || fail "faster than the limit"
# XB-18 passes through the layer.
truncate -s 8M "$T/disk"
front --quiet --ops 1 || fail "front"
[ "$(key sectors)" = 16384 ] || fail "sectors: $(key sectors)"
detach

rm "$T/disk"
truncate -s 4M "$T/disk"
step "nor has more who goes away and comes again"
for i in 1 2 3; do
	attach 1 xvda "$T/disk" --limit 'iops=2' --inject ''
	background greedy ringside front "$DESK" --rw write --verify --ops 32 \
		--offset $((i * 128))k --timeout 300
	wait_until "requests are held" in_flight
	kill -9 "${PID[greedy]}"
	wait_until "its disk is removed" no_disk
done
blocks=$(python3 - "$T/disk" <<-'END'
	import sys
	data = open(sys.argv[1], "rb").read()
	print(sum(any(data[i:i + 4096]) for i in range(0, len(data), 4096)))
	END
)
echo "   $blocks of 96 blocks were written at 2 a second"
[ "$blocks" -lt 48 ] || fail "faster than the limit, by going away"

step "what is held back does not hold up the end, nor other disks"
image other 4M
attach 1 xvda "$T/disk" --inject 'delay=60s'
background held ringside front "$DESK" --rw randread --ops 64 --timeout 300
wait_until "requests are held" in_flight
ringside detach "$DESK" --vdev xvda --force >"$T/detach" 2>&1 &
attach 1 xvdb "$T/other"
wait $! || fail "detach: $(cat "$T/detach")"
grep -q 'not closed' "$T/detach" && fail "it did not close: $(cat "$T/detach")"
ended held
ringside detach "$DESK" --vdev xvdb || fail "detach"

step "a key that is no rule: the device is closed with the reason"
attach 1 xvda "$T/disk" --no-wait --inject 'errno=EFUN'
wait_until "it is told" xenstore-exists \
	/local/domain/0/backend/vbd/1/51712/hotplug-error
key hotplug-error | grep -q 'errno=EFUN is nothing that can be done' ||
	fail "hotplug-error: $(key hotplug-error)"
expect_exit 1 'Closing|Closed|did not take' front --timeout 5
detach --force
expect_exit 1 'refuses the disk: the limit "iops=x"' \
	ringside attach "$DESK" --target "$T/disk" --limit iops=x
stop_ringsided
desk_is_clean

step "what the trace tells"
stop_record || fail "record: $(cat "$T/record.log")"
mapfile -t parts < <(our_trace)
babeltrace2 "${parts[@]}" | grep ':disk_inject:' >"$T/events"
for what in error short delay corrupt reorder limit; do
	grep -q "what = \"$what\", rules = [0-9]*, held = " "$T/events" ||
		fail "no event of $what"
done
grep -q 'what = "error", rules = 1, held = 0 }' "$T/events" ||
	fail "not the rule: $(head -1 "$T/events")"
awk '/what = "delay"/ { sub(/.*held = /, ""); if ($1 < 50000000) exit 1 }' \
	"$T/events" || fail "a delay of less than 50 ms"
grep 'what = "limit"' "$T/events" | grep -q 'rules = 0,' ||
	fail "a limit is no rule"
