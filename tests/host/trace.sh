#!/bin/bash
# SPDX-License-Identifier: MIT
# A trace of a real guest is recorded in dom0 and shown here; and Xen answers
# what tests/seam asks.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 trace.sh || exit 1
host get /root/trace "$T" || fail "the trace did not come out"

echo "-- it reads here"
babeltrace2 "$T/trace" >"$T/text" || fail "babeltrace2 cannot read it"
for kind in state_switch state_seen store_read store_write feature_offer \
	feature_accept ring_map evtchn_bind queue_start request_take request_check \
	grant_map grant_batch disk_submit disk_done request_respond ring_consume \
	ring_produce ring_notify evtchn_notify evtchn_wakeup ring_final_check; do
	grep -q "ringside:$kind:" "$T/text" || fail "there is no event $kind"
done
for view in sequence handshake request latency report; do
	case $view in
	report) out=$T/report.html ;;
	sequence | handshake) out=$T/$view.svg ;;
	*) out=$T/$view.txt ;;
	esac
	ringside show $view "$T/trace" -o "$out" || fail "no $view"
	[ -s "$out" ] || fail "an empty $view"
done
echo "-- of the guest is known what the backend saw"
ringside show handshake "$T/trace" >"$T/handshake.txt"
for state in 1 3 4 5 6; do
	grep -q "^frontend was not recorded.* $state " "$T/handshake.txt" ||
		fail "the frontend was not seen in state $state"
done
grep -q 'never taken' "$T/handshake.svg" && grep -q 'seen by its peer' \
	"$T/handshake.svg" || fail "the picture does not tell them apart"
ringside show latency "$T/trace"

echo "-- the rules of the protocol that a real frontend puts to the test"
host get /root/mapped "$T" || fail "the second trace did not come out"
babeltrace2 "$T/mapped" >"$T/mapped.text" || fail "babeltrace2 cannot read it"
both="XB-01 XB-02 XB-05 XB-06 XB-11 XB-14 XB-15 XB-16 XB-17 XB-19 RG-20 RG-21
	RG-22 RG-23 RG-24 RG-25 RG-26 RG-27 RG-28 RG-30 RG-31 RQ-38 RQ-43"
# shellcheck disable=SC2086 # words
"$TOP/tests/host/rules.py" "$T/text" $both GR-47 &&
	"$TOP/tests/host/rules.py" "$T/mapped.text" $both GR-46 GR-49 ||
	fail "ringsided broke a rule, or none was put to the test"

echo "-- Xen answers at the seam as the desk does"
host put "$BIN/seam" /root && dom0 seam.sh && host get /root/seam.out "$T" ||
	fail "the answers did not come out"
diff -u "$TOP/tests/seam/expected" "$T/seam.out" ||
	fail "Xen answers otherwise than the desk"
