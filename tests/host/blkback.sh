#!/bin/bash
# SPDX-License-Identifier: MIT
# The same guest on Linux's xen-blkback and on ringsided, recorded in dom0:
# both traces are of the same catalogue, pass the same reader, and what the
# kernel lets be seen is no less than what is known today.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 blkback.sh || exit 1
for who in blkback ringsided tiny; do
	host get /root/$who "$T" || fail "the trace of $who did not come out"
done

echo "-- kinds of events, by source"
for who in blkback ringsided; do
	babeltrace2 "$T/$who" >"$T/$who.text" || fail "babeltrace2 cannot read it"
	grep -o 'ringside:[a-z_]*' "$T/$who.text" | sort -u |
		sed 's/.*://' >"$T/$who.kinds"
done
cat >"$T/expected.kinds" <<'END'
device_destroy
disk_done
disk_submit
evtchn_bind
evtchn_notify
evtchn_unbind
evtchn_wakeup
grant_map
grant_reuse
queue_start
request_check
request_list
request_respond
request_take
ring_map
ring_notify
ring_produce
ring_slot
ring_unmap
state_seen
state_switch
store_read
store_write
END
missing=$(comm -13 "$T/blkback.kinds" "$T/expected.kinds")
[ -z "$missing" ] || fail "of xen-blkback these are missing:" $missing
more=$(comm -23 "$T/blkback.kinds" "$T/ringsided.kinds" |
	grep -v -e evtchn_spurious -e grant_unmap)
[ -z "$more" ] || fail "of ringsided these are missing:" $more
printf '   xen-blkback %s, ringsided %s\n' \
	"$(wc -l <"$T/blkback.kinds")" "$(wc -l <"$T/ringsided.kinds")"

echo "-- the same views of both"
for who in blkback ringsided; do
	for view in sequence handshake; do
		ringside show $view "$T/$who" -o "$T/$who-$view.svg" ||
			fail "no $view of $who"
	done
	for view in request latency; do
		ringside show $view "$T/$who" --format text >"$T/$who-$view.txt" ||
			fail "no $view of $who"
	done
	ringside show report "$T/$who" -o "$T/$who.html" || fail "no report"
	cat "$T/$who-latency.txt"
done
# Every request that was taken was answered, and went to the storage.
taken=$(grep -c 'ringside:request_take:' "$T/blkback.text")
answered=$(grep -c 'ringside:request_respond:' "$T/blkback.text")
checked=$(grep -c 'ringside:request_check:' "$T/blkback.text")
done=$(grep -c 'ringside:disk_done:' "$T/blkback.text")
[ "$taken" -gt 100 ] && [ "$taken" -eq "$answered" ] &&
	[ "$checked" -eq "$done" ] ||
	fail "$taken taken, $answered answered; $checked checked, $done done"

echo "-- the rules that a backend has to keep"
"$TOP/tests/host/rules.py" "$T/blkback.text" XB-05 XB-06 XB-19 RG-21 RG-23 RG-24 \
	RG-25 RG-26 RG-27 RG-28 RQ-43 ||
	fail "xen-blkback broke a rule, or none was put to the test"

echo "-- losses are in the trace"
babeltrace2 "$T/tiny" 2>&1 >/dev/null | grep -q 'discarded' ||
	fail "babeltrace2 sees no loss"
ringside show latency "$T/tiny" >/dev/null 2>"$T/said"
grep -qi 'lost' "$T/said" || fail "show does not tell of a loss: $(cat "$T/said")"
