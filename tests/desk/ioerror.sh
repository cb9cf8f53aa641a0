#!/bin/bash
# SPDX-License-Identifier: MIT
# An error of the storage reaches the guest as an error response, and is in
# the trace with its errno; the disk lives on.  Three errors: an image that
# is cut short under a load, a limit on file sizes, a full file system.
# With io_uring and with threads.
#
# level: long
# threads

. "${0%/*}/../lib.sh"
full=
small_file_system 2M && full=xvdc

start_desk
start_record

# $1: xvda, xvdb, xvdc; the errnos that the engine gave for that disk.
errors_of()
{
	local devid=$((51712 + 16 * ($(printf %d "'${1#xvd}") - 97)))
	babeltrace2 "${parts[@]}" | grep -F "devid = $devid," >"$T/events"
	sed -nE 's/.*ringside:disk_done:.* error = (-?[0-9]+) .*/\1/p' \
		"$T/events" | sort -n | uniq -c | tr -s ' \n' ' '
}

# How many requests of that disk had the status "error", in event $1.
error_statuses()
{
	grep -c "ringside:$1:.*\"error\" : container = -1" "$T/events"
}

# Disk $1 must have seen errno $2, each one answered to the guest.
expect_errors()
{
	local all count
	all=$(errors_of "$1")
	echo "   $1: $all"
	[[ $all =~ ^\ ([0-9]+)\ $2\ ([0-9]+)\ 0\ $ ]] ||
		fail "$1: not only errno $2 and 0 in the trace"
	# What came later than the size was known is refused.
	count=$((BASH_REMATCH[1] + $(grep -c ':request_refuse:' "$T/events")))
	for event in request_respond request_complete; do
		[ "$(error_statuses $event)" -eq "$count" ] ||
			fail "$1: $count storage errors, but" \
				"$(error_statuses $event) in $event"
	done
}

run()
{
	image short 8M
	image limited 8M
	# Slow enough for every event to be recorded.
	attach 1 xvda "$T/short" --limit 'iops=300'
	attach 1 xvdb "$T/limited"
	if [ -n "$full" ]; then
		image small/sparse 4M
		attach 1 xvdc "$T/small/sparse"
	fi
	ulimit -S -f 4096 # KiB
	start_ringsided "$@"
	ulimit -S -f unlimited

	step "an image cut short: what is gone cannot be read, the rest can"
	wait_until "the disk is served" logged ringsided "serving $T/short"
	background load ringside front "$DESK" --vdev xvda --rw randread \
		--bs 32k --depth 2 --runtime 2
	wait_until "it is connected" logged ringsided '51712: connected'
	truncate -s 4M "$T/short"
	ended load && fail "what is gone can be read"
	grep -q 'error' "$T/load.log" || fail "no error: $(cat "$T/load.log")"
	front --vdev xvda --rw read --bs 32k --quiet ||
		fail "the disk died of it"

	step "a limit on file sizes"
	expect_exit 1 'error' front --vdev xvdb --rw write --bs 32k
	front --vdev xvdb --rw read --bs 32k --quiet ||
		fail "the disk died of it"

	if [ -n "$full" ]; then
		step "a full file system"
		expect_exit 1 'error' front --vdev xvdc --rw write --bs 32k
		front --vdev xvdc --rw read --bs 32k --quiet ||
			fail "the disk died of it"
	fi
	stop_ringsided
	for vdev in xvda xvdb $full; do
		ringside detach "$DESK" --force --vdev $vdev || fail "detach"
	done
}

run
run --no-uring
stop_record || fail "record: $(cat "$T/record.log")"

step "what the trace tells"
mapfile -t parts < <(compgen -G "$T/trace/ust/pid/*")
expect_errors xvda -5  # EIO
expect_errors xvdb -27 # EFBIG
[ -z "$full" ] || expect_errors xvdc -28 # ENOSPC
exit 0
