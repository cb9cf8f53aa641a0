#!/bin/bash
# SPDX-License-Identifier: MIT
# Eight disks at once, four frontends, each 100,000 verified operations (with
# --quick 4,000), all recorded: no error, every event there or reported lost,
# nothing granted, mapped or bound afterwards.
#
# timeout: 900
# threads
. "${0%/*}/../lib.sh"

ops=2000 # a disk
[ "$LEVEL" = all ] && ops=50000

step "a desk with eight disks for four guests"
start_desk
for domid in 1 2 3 4; do
	for vdev in xvda xvdb; do
		image "disk$domid$vdev" 32M
		attach $domid $vdev "$T/disk$domid$vdev"
	done
done

step "$ops operations on each, recorded"
start_record
start_ringsided
for domid in 1 2 3 4; do
	background front$domid ringside front "$DESK" --domid $domid \
		--vdev xvda,xvdb --rw randrw --depth 16 --ops $ops \
		--flush-every 100 --verify --json
done
for domid in 1 2 3 4; do
	ended front$domid || fail "frontend $domid: exit status $?"
done
desk_is_clean
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"

# The values of key $1 in the frontends' JSON, one a line.
values()
{
	sed -nE "s/.*\"$1\": *([0-9]+),?$/\1/p" "$T"/front?.log
}

sum()
{
	awk '{ n += $1 } END { print n + 0 }'
}

step "what the frontends counted"
for what in error eopnotsupp lost mismatches; do
	[ "$(values $what | wc -l)" -ge 8 ] || fail "no \"$what\" in the JSON"
	[ "$(values $what | sum)" -eq 0 ] || fail "$what: $(values $what | sum)"
done
done_ops=$(values ops | sum)
# Flushes come on top.
[ "$done_ops" -ge $((8 * ops)) ] || fail "$done_ops operations were done"
requests=$(values requests | sum)
echo "$done_ops operations, $requests requests," \
	"$(values checked | sum) blocks compared"

step "what the trace holds"
tail -n 1 "$T/record.log"
# Where LTTng lost events, babeltrace2 says so while it reads.
mapfile -t parts < <(our_trace)
[ ${#parts[@]} -eq 5 ] || fail "the trace has ${#parts[@]} of 5 processes"
babeltrace2 "${parts[@]}" 2>"$T/babeltrace.err" | awk '
	match($0, /ringside:[a-z_]+:/) {
		count[substr($0, RSTART + 9, RLENGTH - 10)]++
	}
	END { for (kind in count) print kind, count[kind] }' >"$T/kinds"
in_trace()
{
	awk -v kind="$1" '$1 == kind { print $2 }' "$T/kinds"
}
if grep -q ' none lost$' "$T/record.log"; then
	grep -i 'discarded\|lost' "$T/babeltrace.err" &&
		fail "record kept quiet about lost events"
	for kind in push take check respond complete; do
		[ "$(in_trace request_$kind)" = "$requests" ] ||
			fail "$(in_trace request_$kind) events request_$kind" \
				"for $requests requests, and none lost?"
	done
	for kind in submit done; do
		[ "$(in_trace disk_$kind)" = "$requests" ] ||
			fail "$(in_trace disk_$kind) events disk_$kind"
	done
else
	grep -q ' more were LOST ' "$T/record.log" ||
		fail "record says nothing about losses"
	grep -qi 'discarded' "$T/babeltrace.err" ||
		fail "record calls events lost that the trace does not"
fi
sort "$T/kinds" | awk '{ n += $2; printf "%s %d, ", $1, $2 }
	END { print "in all", n }' | fold -s -w 76
exit 0
