#!/bin/bash
# SPDX-License-Identifier: MIT
# The frontend and the backend with all that the protocol has for them: rings
# of each order, several queues, indirect requests, persistent grants,
# barriers, discards and each layout of requests, in combination, with the
# data compared; and the trace shows that it was really so.
#
# timeout: 400
# threads
. "${0%/*}/../lib.sh"

# What front --json printed: the sum of the numbers at KEY, of all or of those
# in the object NAME.
number()
{
	if [ $# -gt 1 ]; then
		sed -n "/\"$2\":/,/}/p" "$T/json"
	else
		cat "$T/json"
	fi | sed -nE "s/.*\"$1\": *([0-9]+),?$/\1/p" |
		awk '{ n += $1 } END { print n + 0 }'
}

# A run with --verify that has to go well in every respect.
good()
{
	front "$@" --json >"$T/json" || fail "front $*: exit status $?"
	for what in error eopnotsupp lost mismatches; do
		[ "$(number $what)" = 0 ] || fail "front $*: $what"
	done
}

step "options that no backend could fulfil"
start_desk
expect_exit 2 "from 0 to 5" front --ring-order 6
expect_exit 2 "from 1 to 16" front --queues 0
expect_exit 2 "from 1 to 16" front --queues 17
expect_exit 2 "0 or a number from 12 on" front --indirect 11
expect_exit 2 "from 0 to 4096" front --indirect 4097
expect_exit 2 "one of x86_64, x86_32 and native" front --abi vax
expect_exit 2 "does none" front --rw read --barrier-every 5
expect_exit 2 "does none" front --rw trim --flush-every 5
expect_exit 2 "needs the --seed" front --rw trim --verify
expect_exit 2 "one queue, not 2" front --nbd "$T/s" --queues 2
expect_exit 2 "not be more than" front --queues 16 --depth 1024 --bs 128k

step "more than this backend offers"
image disk 16M
attach 1 xvda "$T/disk"
be=/local/domain/0/backend/vbd/1/51712
eval "$(ringside desk env "$DESK")"
command -v xenstore-write >/dev/null || skip "xenstore-write is not installed"
xenstore-write $be/discard-enable 0
start_ringsided --queues 2 --ring-order 1 --indirect 0 --grants map
expect_exit 1 "up to order 1.*order 2 is wanted" front --ring-order 2
expect_exit 1 "up to 2 queues.*3 are wanted" front --queues 3
expect_exit 1 "up to 0 segments.*12 are wanted" front --indirect 12
expect_exit 1 "no persistent grants" front --persistent
expect_exit 1 "no discard .feature-discard." front --rw trim
xenstore-rm $be/discard-enable
desk_is_clean
good --rw randrw --bs 128k --ops 100 --verify --ring-order 1 --queues 2
[ "$(number indirects)" = 0 ] || fail "indirect requests, and none offered"
stop_ringsided

step "rings, queues and layouts in combination"
start_ringsided --queues 4
orders='0 2 4' ops=200
[ "$LEVEL" = all ] && orders='0 1 2 3 4' ops=1000
n=0
for order in $orders; do
	for queues in 1 2 4; do
		for abi in x86_64 x86_32 native; do
			sizes=(4k 128k 20k 512 100k)
			bs=${sizes[n % 5]}
			set -- --ring-order "$order" --queues $queues \
				--abi $abi --bs "$bs" --rw randrw --verify \
				--ops $ops --depth 24 --flush-every 40 \
				--barrier-every $((5 + n % 7))
			[ $((n % 2)) = 1 ] && set -- "$@" --persistent
			[ $((n % 4)) = 2 ] && set -- "$@" --indirect 200
			[ $((n % 9)) = 4 ] && set -- "$@" --indirect 0
			good "$@"
			indirect=yes
			case "$bs $*" in *"indirect 0"* | 4k* | 20k* | 512*)
				indirect= ;;
			esac
			[ -n "$indirect" ] && [ "$(number indirects)" = 0 ] &&
				fail "front $*: no indirect request"
			[ -z "$indirect" ] && [ "$(number indirects)" != 0 ] &&
				fail "front $*: indirect requests"
			[ "$(number ops barrier)" != 0 ] ||
				fail "front $*: no barrier"
			n=$((n + 1))
		done
	done
done
desk_is_clean
echo "$n combinations"

step "a thread for each queue"
# The threads of a frontend with $1 queues, LTTng's own among them, once it
# works.
threads_of()
{
	background one ringside front "$DESK" --rw randread --runtime 60 \
		--queues "$1"
	wait_until "the backend connects $1 queues" logged ringsided \
		"connected, $1 queues\\? of 1 page,"
	sleep 1
	count=$(ls "/proc/${JOB[one]}/task" | wc -l)
	kill -INT "${JOB[one]}"
	ended one
}
stop_ringsided
start_ringsided --queues 4
threads_of 1
alone=$count
threads_of 4
[ "$count" -eq $((alone + 3)) ] ||
	fail "$alone threads with one queue, $count with four"

step "discards, and what lies beside them"
good --rw write --verify --seed 7 --queues 4
before=$(du -k "$T/disk" | cut -f1)
good --rw randtrim --bs 64k --ops 60 --verify --seed 7 --queues 2 --depth 4
cat "$T/json" | grep -E 'trimmed|zeroed'
[ "$(number trimmed)" -gt 30 ] || fail "$(number trimmed) blocks discarded"
[ "$(number zeroed)" = "$(number trimmed)" ] ||
	fail "a file that was punched does not read as zeroes"
[ $(($(number trimmed) + $(number checked))) = 256 ] ||
	fail "not all blocks were looked at"
after=$(du -k "$T/disk" | cut -f1)
[ "$after" -lt $((before - 1000)) ] ||
	fail "the image has $after KiB of $before: nothing was discarded"
expect_exit 1 "holds nothing that --verify" front --rw read --verify --seed 7
# A discard that takes too much is found by what it leaves.
good --rw write --verify --seed 8
dd if=/dev/zero of="$T/disk" bs=512 seek=3000 count=1 conv=notrunc status=none
expect_exit 1 "sector 3000 holds nothing" \
	front --rw trim --size 1M --ops 3 --verify --seed 8 --offset 1M
image fixed 4M
attach 1 xvdb "$T/fixed" --mode r
expect_exit 2 "read-only" front --vdev xvdb --rw trim
desk_is_clean

connected()
{
	[ "$(xenstore-read /local/domain/1/device/vbd/51712/state)" = 4 ]
}

step "a disk that is resized while it is used"
background load ringside front "$DESK" --rw randread --runtime 60
wait_until "the frontend is connected" connected
# As XB-18 has it: the size, and then the state once more.
xenstore-write $be/sectors 16384 $be/state 4
wait_until "the frontend follows" logged load \
	"has 8388608 bytes now"
ended load
[ $? = 1 ] || fail "a load beyond the end ended well"
logged load "smaller now" || fail "no word of why it ended"
desk_is_clean

step "all of it at once, recorded"
stop_ringsided
start_record
start_ringsided --queues 4
front --queues 4 --ring-order 2 --persistent --bs 128k --rw randrw \
	--ops 800 --barrier-every 10 --verify --json >"$T/json" || fail "front"
front --rw randtrim --bs 512 --ops 20 --abi x86_32 --quiet || fail "trim"
desk_is_clean
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"
tail -n 1 "$T/record.log"
babeltrace2 "$T/trace" >"$T/events" 2>/dev/null || fail "babeltrace2"
events()
{
	grep "ringside:$1: " "$T/events" | grep -cE -- "${2-.}"
}
lost=
grep -q ' none lost$' "$T/record.log" || lost=yes
for queue in 0 1 2 3; do
	for actor in frontend backend; do
		case $actor in
		frontend) kind=request_push ;;
		backend) kind=request_take ;;
		esac
		k=$(events $kind "\"$actor\".*[^_]queue = $queue,")
		[ "$k" -gt 20 ] ||
			fail "$k events $kind of the $actor's queue $queue"
	done
done
[ "$(events ring_map 'order = 2, entries = 128')" = 8 ] ||
	fail "there were not four rings of four pages, on both sides"
for what in 'request_push "indirect"' 'request_list segments.=.32' \
	'request_push "barrier"' 'request_push "discard"' \
	'request_tolerate RQ-40' 'grant_reuse .' 'store_remove queue-0' \
	'store_write queue-3/ring-ref3' 'disk_submit "discard"'; do
	[ "$(events $what)" -gt 0 ] || fail "no $what in the trace"
done
if [ -z "$lost" ]; then
	[ "$(events request_push)" = "$(events request_complete)" ] ||
		fail "not every request was answered"
	# Each page was granted once, whatever carried data then.
	granted=$(events grant_access 'writable = 1')
	used=$(events request_push '"indirect"')
	[ "$granted" -lt $((used * 32 / 2)) ] ||
		fail "$granted pages granted for $used requests of 32"
	[ "$(events grant_access)" = "$(events grant_end 'busy = 0')" ] ||
		fail "grants were not taken back"
fi
ringside show latency "$T/trace" >"$T/latency" || fail "show latency"
for what in 'indirect read' 'indirect write' barrier discard; do
	grep -q ", $what" "$T/latency" ||
		fail "latencies of no $what: $(cat "$T/latency")"
done
exit 0
