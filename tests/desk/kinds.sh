#!/bin/bash
# SPDX-License-Identifier: MIT
# Every kind of event that a run takes is in its trace: the kinds seen against
# the catalogue.  What a run of well-behaved guests does not take is listed
# here, each with its reason; a kind that is neither seen nor listed fails,
# and so does a listed one that was seen.
#
# level: long
# threads
. "${0%/*}/../lib.sh"

# KIND  why such a run does not take it
absent='
device_fault    no frontend here breaks a rule of the connection
disk_inject     no storage here is told to misbehave
device_resize   no disk here changes its size
device_medium   no drive here gets another medium
request_refuse  no frontend here sends a bad request
'
# These depend on who is faster, and may be there or not.
either='
queue_poll      a queue looks at its ring only where requests lately came soon
evtchn_spurious a wake-up may find its work done already
'

catalogue=$(sed -nE 's/^event ([a-z_]+) .*/\1/p' "$TOP/trace/events.def" | sort)
[ "$(wc -l <<<"$catalogue")" -gt 20 ] || fail "no catalogue in events.def"

start_desk
image disk 16M
start_record --level full
start_ringsided --queues 2
attach 1 xvda "$T/disk"
front --rw randrw --ops 300 --flush-every 20 --verify --quiet || fail "front"
front --rw read --bs 128k --depth 1 --queues 2 --persistent --quiet ||
	fail "a second connection"
# In units of the storage no discard of 512 bytes fits.
front --rw trim --bs 512 --ops 10 --quiet || fail "discards"
stop_ringsided
start_ringsided --grants copy
front --rw randrw --ops 100 --quiet || fail "front, with grant copy"
ringside detach "$DESK" || fail "detach"
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"
tail -n 1 "$T/record.log"

seen=$(babeltrace2 "$T/trace" |
	sed -nE 's/.* ringside:([a-z_]+): .*/\1/p' | sort -u)
names()
{
	awk 'NF { print $1 }' <<<"$1" | sort
}
unknown=$(comm -23 <(echo "$seen") <(echo "$catalogue"))
[ -z "$unknown" ] || fail "not in the catalogue:" $unknown
missing=$(comm -13 <(echo "$seen") <(echo "$catalogue") |
	comm -23 - <(names "$absent$either"))
[ -z "$missing" ] || fail "the run takes it, but it is not in the trace:" $missing
surprise=$(comm -12 <(echo "$seen") <(names "$absent"))
[ -z "$surprise" ] || fail "listed as absent, but seen:" $surprise
stale=$(comm -23 <(names "$absent$either") <(echo "$catalogue"))
[ -z "$stale" ] || fail "listed here, but no event:" $stale
echo "$(wc -l <<<"$seen") of $(wc -l <<<"$catalogue") kinds seen; not:" \
	"$(names "$absent" | paste -sd' ')"

# Each side speaks for itself.
for actor in backend frontend; do
	babeltrace2 "$T/trace" | grep -q "actor = ( \"$actor\"" ||
		fail "the $actor said nothing"
done
