#!/bin/bash
# SPDX-License-Identifier: MIT
# A trace of a real guest is recorded in dom0 and shown here, on ringsided and on
# Linux's xen-blkback; and by the guest, too, of its xen-blkfront; ringside top
# looks into ringsided meanwhile; and Xen answers what tests/seam asks.
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
# All views of the trace $1, as $T/$2VIEW.*.
show_all()
{
	local view out
	for view in sequence handshake request latency report; do
		case $view in
		report) out=$T/$2report.html ;;
		sequence | handshake) out=$T/$2$view.svg ;;
		*) out=$T/$2$view.txt ;;
		esac
		ringside show $view "$T/$1" -o "$out" || fail "no $view of $1"
		[ -s "$out" ] || fail "an empty $view of $1"
	done
}
show_all trace ""
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

echo "-- ringside top saw the stages of its requests, and the calls on Xen's devices"
host get /root/top.json "$T" || fail "the samples did not come out"
python3 - "$T/top.json" <<'END' || fail "something was not seen"
import json, sys
samples = [json.loads(line) for line in open(sys.argv[1])]
stages = [d["stages"] for s in samples for d in s["disks"]]
kernel = [s["kernel"] for s in samples]
for stage in "check", "start", "storage", "answer", "tell", "all":
    n = sum(s[stage]["requests"] for s in stages)
    print(f"   {stage}: {n} requests")
    assert n > 0
assert not any(k["unseen"] for k in kernel), kernel[0]["unseen"]
for name in kernel[0]["calls"]:
    n, ns = (sum(k["calls"][name][what] for k in kernel)
             for what in ("calls", "ns"))
    if n:
        print(f"   {name}: {n} calls of {ns / n / 1000:.1f} us")
    assert n or name not in ("gntdev_map", "gntdev_mmap", "gntdev_unmap",
                             "munmap", "evtchn_notify", "evtchn_unmask",
                             "evtchn_take")
END

echo "-- Xen answers at the seam as the desk does"
host put "$BIN/seam" /root && dom0 seam.sh && host get /root/seam.out "$T" ||
	fail "the answers did not come out"
diff -u "$TOP/tests/seam/expected" "$T/seam.out" ||
	fail "Xen answers otherwise than the desk"

dom0 blkback.sh || exit 1
for who in blkback tiny; do
	host get /root/$who "$T" || fail "the trace of $who did not come out"
done
echo "-- Linux's own backend, in the same catalogue"
babeltrace2 "$T/blkback" >"$T/blkback.text" || fail "babeltrace2 cannot read it"
for of in text blkback.text; do
	grep -o 'ringside:[a-z_]*' "$T/$of" | sort -u | sed 's/.*://' >"$T/$of.kinds"
done
# What a 6.1 kernel lets be seen; with it a newer one is compared.
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
missing=$(comm -13 "$T/blkback.text.kinds" "$T/expected.kinds")
[ -z "$missing" ] || fail "of xen-blkback these are missing:" $missing
# ring_slot is of the level full.
more=$(comm -23 "$T/blkback.text.kinds" "$T/text.kinds" |
	grep -v -e evtchn_spurious -e grant_unmap -e ring_slot)
[ -z "$more" ] || fail "of ringsided these are missing:" $more
printf '   kinds of events: xen-blkback %s, ringsided %s\n' \
	"$(wc -l <"$T/blkback.text.kinds")" "$(wc -l <"$T/text.kinds")"
show_all blkback blkback-
cat "$T/blkback-latency.txt"
# Every request that was taken was answered, and went to the storage.
counts()
{
	grep -c "ringside:$1:" "$T/blkback.text"
}
taken=$(counts request_take) answered=$(counts request_respond)
checked=$(counts request_check) done=$(counts disk_done)
[ "$taken" -gt 100 ] && [ "$taken" -eq "$answered" ] &&
	[ "$checked" -eq "$done" ] ||
	fail "$taken taken, $answered answered; $checked checked, $done done"
"$TOP/tests/host/rules.py" "$T/blkback.text" XB-05 XB-06 XB-19 RG-21 RG-23 RG-24 \
	RG-25 RG-26 RG-27 RG-28 RQ-43 ||
	fail "xen-blkback broke a rule, or none was put to the test"
babeltrace2 "$T/tiny" 2>"$T/said" >"$T/tiny.text"
grep -q 'discarded' "$T/said" || fail "babeltrace2 sees no loss"
echo "-- what a recorder that lost some still tells of a request is true"
"$TOP/tests/host/agree.py" "$T/blkback.text" "$T/tiny.text" ||
	fail "it tells what was not"
ringside show latency "$T/tiny" >/dev/null 2>"$T/said"
grep -qi 'lost' "$T/said" || fail "show does not tell of a loss: $(cat "$T/said")"

dom0 blkfront.sh || exit 1
for who in host front; do
	host get /root/$who "$T" || fail "the trace of $who did not come out"
done
echo "-- the guest's own side, in the same catalogue"
babeltrace2 "$T/front" >"$T/front.text" || fail "babeltrace2 cannot read it"
for kind in state_switch state_seen store_read store_write grant_access grant_end \
	evtchn_alloc evtchn_unbind evtchn_notify evtchn_wakeup ring_map ring_unmap \
	ring_produce ring_notify ring_consume request_push request_complete; do
	grep -q "ringside:$kind:.*\"frontend\"" "$T/front.text" ||
		fail "of xen-blkfront $kind is missing"
done
# Of one disk the guest saw all, from its attaching to its end.
of_disk()
{
	grep "devid = 51712," "$T/$1" | grep -c "ringside:$2:"
}
pushed=$(of_disk front.text request_push)
completed=$(of_disk front.text request_complete)
babeltrace2 "$T/host" >"$T/host.text" || fail "babeltrace2 cannot read it"
taken=$(of_disk host.text request_take)
[ "$pushed" -gt 100 ] && [ "$pushed" -eq "$taken" ] && [ "$pushed" -eq "$completed" ] ||
	fail "$pushed pushed, $taken taken, $completed completed"
echo "-- and both sides in one picture"
for view in sequence request latency; do
	ringside show $view --guest "$T/front" "$T/host" -o "$T/both-$view.txt" \
		2>"$T/said" || fail "no $view of both: $(cat "$T/said")"
done
cat "$T/said"
grep -q 'known to ±' "$T/said" || fail "it does not say how well the clock is known"
grep -q 'ring wait' "$T/both-latency.txt" && grep -q 'completion' "$T/both-latency.txt" ||
	fail "what takes both sides to see is not there"
