#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside record --to: two hosts with a cable between them, lttng-relayd on
# one, what is recorded on the other.  All of it arrives, losses are counted,
# it can be read live, and whatever breaks is told and keeps nobody waiting.
#
# timeout: 240
# level: long
# once
. "${0%/*}/../lib.sh"
emit=$BIN/fixtures/emit
[ -x "$emit" ] || fail "$emit is not built; make units"
NEAR=10.77.0.1 FAR=10.77.0.2 FAR6=fd77::2

# The near host is this script, in a network of its own.
if [ -z "${RELAY_APART:-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip "networks of their own are for root"
	command -v ip >/dev/null || skip "there is no ip (package iproute2)"
	unshare --net true || skip "a network of its own is not allowed here"
	RELAY_APART=yes exec unshare --net bash "$0"
fi
ip link set lo up
ip link add near type veth peer name far ||
	skip "this kernel has no pairs of network devices (veth)"
background far unshare --net sleep infinity
in_another_network()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
wait_until "the far host is there" in_another_network "${JOB[far]}"
ip link set far netns "${JOB[far]}"
ip addr add $NEAR/24 dev near
ip -6 addr add fd77::1/64 dev near nodad
ip link set near up

# COMMAND on the far host.  In a subshell or the background it becomes it.
far()
{
	exec nsenter -t "${JOB[far]}" -n "$@"
}
(far ip link set lo up)
(far ip addr add $FAR/24 dev far)
(far ip -6 addr add $FAR6/64 dev far nodad)
(far ip link set far up)

relayd()
{
	mkdir -p "$T/there"
	HOME=$T/there background relayd far lttng-relayd "$@"
	wait_until "lttng-relayd listens" listens 534[234] 3
}

# The far host listens at $2 ports that look like $1.
listens()
{
	[ "$(far_ports | grep -cE ":$1\$")" -eq "$2" ]
}

far_ports()
{
	(far ss -Htln) | awk '{ print $4 }'
}

# The words of a recorder, which go to $T/said.
says()
{
	grep -qE -- "$1" "$T/said" ||
		fail "it does not say \"$1\" but: $(cat "$T/said")"
}

# Where it said that the trace is, seen from here.
place()
{
	local path
	path=$(sed -nE 's/.*(~\/lttng-traces\/[^ ]*\/ringside-[^ ]*).*/\1/p' \
		"$T/said" | head -n 1)
	[ -n "$path" ] || fail "it does not say where: $(cat "$T/said")"
	echo "$T/there/${path#\~/}"
}

# How often each kind of event is in the trace $1 that follows from the
# number of requests alone.
kinds()
{
	babeltrace2 "$1" 2>/dev/null |
		grep -oE 'ringside:(request|disk|grant|handshake)_[a-z_]*' |
		grep -v grant_batch | sort | uniq -c # these: as requests meet
}

nothing_left()
{
	lttng --no-sessiond list 2>/dev/null | grep ringside- &&
		fail "$1 left a session"
	! pgrep -r D,R,S -x lttng-sessiond --ns $$ --nslist mnt ||
		fail "$1 left its session daemon"
}

step "mistakes"
rec="ringside record"
expect_exit 2 'not to both' $rec --to $FAR -o "$T/x"
expect_exit 2 'use -o DIR, not --to' $rec --to $FAR --flight
expect_exit 2 'force is for -o' $rec --to $FAR --force
expect_exit 2 'address stands in brackets' $rec --to $FAR6
expect_exit 2 'not HOST or HOST:CONTROL:DATA' $rec --to $FAR:5342
expect_exit 2 'not HOST or HOST:CONTROL:DATA' $rec --to $FAR:5342:65536
expect_exit 2 'is for a live session' ringside show latency --follow "$T"

step "nobody listens, or nobody is there"
expect_exit 1 'port 5342 of 10.77.0.2 .*start lttng-relayd there' \
	$rec --to $FAR -- touch "$T/x"
expect_exit 1 '10.99.0.1 .*start lttng-relayd there' $rec --to 10.99.0.1 -- true
[ ! -e "$T/x" ] || fail "the command was run"
relayd
expect_exit 1 'at port 5999' $rec --to $FAR:5342:5999 -- true
expect_exit 2 'Connection refused.*cannot be read|cannot be read live .*refused' \
	ringside show latency "net://$FAR/host/x/y"
nothing_left "a mistake"

step "what is recorded here arrives there, as in a local recording"
image disk
start_desk
start_ringsided
attach 1 51712 "$T/disk"
load=(ringside front "$DESK" --ops 300 --rw randwrite)
ringside record -o "$T/local" -- "${load[@]}" >"$T/front.log" 2>"$T/said" ||
	fail "$(cat "$T/said")"
says 'none lost'
ringside record --to $FAR -- "${load[@]}" >"$T/front.log" 2>"$T/said" ||
	fail "$(cat "$T/said")"
cat "$T/said"
says 'went to 10.77.0.2, none lost'
trace=$(place)
[ -d "$trace" ] || fail "there is no $trace"
kinds "$T/local" >"$T/kinds.local"
kinds "$trace" >"$T/kinds.away"
grep -q '^ *300 ringside:request_respond$' "$T/kinds.away" ||
	fail "not the 300 answers: $(cat "$T/kinds.away")"
diff "$T/kinds.local" "$T/kinds.away" || fail "they differ (local <, away >)"
ringside show latency "$trace" >"$T/latency" || fail "it cannot be shown"
grep -qE '^ *total +300 ' "$T/latency" || fail "$(cat "$T/latency")"
babeltrace2 "$trace" 2>&1 >/dev/null | grep . && fail "babeltrace2 complains"
find "$T" -path "$T/there" -prune -o -path "$T/local" -prune -o \
	-name metadata -print | grep . && fail "a trace was written here"
nothing_left "a recording"

step "events that are lost are counted"
n=$(ringside record --to $FAR --subbuf-size 4k --num-subbuf 2 -- \
	"$emit" 16 20000 stop 2>"$T/said") || fail "$(cat "$T/said")"
lost=$(sed -nE 's/.*; ([0-9]+) events were LOST.*/\1/p' "$T/said")
[ "${lost:-0}" -gt 0 ] || fail "none was: $(cat "$T/said")"
there=$(babeltrace2 "$(place)"/ust/pid/emit-* 2>/dev/null | wc -l)
[ $((there + lost)) -eq "$n" ] || fail "$there + $lost is not $n"

step "read live"
: >"$T/go.on"
background record ringside record --to $FAR -- bash -c \
	'while [ -e "$T/go.on" ]; do sleep 0.1; done'
wait_until "it records" logged record 'recording to'
url=$(grep -oE 'net://localhost/host/[^"]*' "$T/record.log")
live()
{
	(far babeltrace2 -i lttng-live net://localhost) | grep -qE "$1"
}
wait_until "ringsided can be seen" live ', [1-9][0-9]* stream'
background follow far ringside show latency --follow "$url"
wait_until "the reader is there" live '\b1 client'
"${load[@]}" >"$T/front.log" || fail "front: $(cat "$T/front.log")"
wait_until "it follows" logged follow '^ *total  *300 '
rm "$T/go.on"
ended record || fail "record: $(cat "$T/record.log")"
ended follow || fail "show: $(cat "$T/follow.log")"
grep -q 'This was read live' "$T/follow.log" || fail "it does not say so"
expect_exit 2 'no such session is being recorded' \
	nsenter -t "${JOB[far]}" -n ringside show latency "$url"

# The recorder in the background, until it is at work.
record_away()
{
	background record ringside record --to $FAR "$@"
	wait_until "it records" logged record 'recording to'
}

# It ended with status 1 and the one sentence that matches $1.
record_failed()
{
	local status
	ended record
	status=$?
	cp "$T/record.log" "$T/said"
	cat "$T/said"
	[ $status -eq 1 ] || fail "exit status $status"
	says "$1"
	[ "$(grep -c '^ringside record:' "$T/said")" -eq 2 ] ||
		fail "it says more than that"
	nothing_left "it"
}

step "lttng-relayd is killed: it is told, and the command ends as it would"
record_away -- bash -c "$emit 1 1 stop; sleep 1.5; echo the end"
sleep 0.7
killed relayd
record_failed '10.77.0.2 has gone; what it received'
says 'the end'
[ -d "$(place)" ] || fail "there is no $(place)"
relayd

step "the same without a command, and under load"
record_away
"$emit" 4 100000 stop 100 >"$T/n" &
sleep 0.1
killed relayd
record_failed '10.77.0.2 has gone'
wait $! || fail "the program suffered from it"
relayd

step "LTTng's connection alone breaks"
record_away -- bash -c "sleep 1.5; $emit 1 1000 stop"
if (far ss -HK sport = 5343) 2>/dev/null | grep -q .; then
	record_failed 'connection to 10.77.0.2 broke'
else
	echo "   (not tried: this kernel does not end connections)"
	ended record || fail "$(cat "$T/record.log")"
fi

step "the cable is cut"
record_away
ip link set near down
record_failed '10.77.0.2 has gone'
ip link set near up
ip -6 addr add fd77::1/64 dev near nodad
stop relayd

step "an IPv6 address, and other ports"
HOME=$T/there background relayd far lttng-relayd -C 'tcp6://[::]:7342' \
	-D 'tcp6://[::]:7343' -L tcp://localhost:7344
wait_until "lttng-relayd listens" listens 734[234] 3
ringside record --to "[$FAR6]:7342:7343" -- "$emit" 1 10 stop >"$T/n" \
	2>"$T/said" || fail "$(cat "$T/said")"
there=$(babeltrace2 "$(place)" | wc -l)
[ "$there" -eq 12 ] || fail "$there events of 12: $(cat "$T/said")"
stop relayd
stop_ringsided
nothing_left "it"
