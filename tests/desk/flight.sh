#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside record --flight: each trigger fires, and the snapshot holds the
# request that caused it; on demand; what was left out and overwritten is
# told; nothing is left, however it ends.
#
# timeout: 300
# alone
. "${0%/*}/../lib.sh"
emit=$BIN/fixtures/emit
[ -x "$emit" ] || fail "$emit is not built; make units"

# Starts the recorder in $T/$1; its words go to $T/flight.log.
fly()
{
	local out=$T/$1
	shift
	background flight ringside record -o "$out" --flight "$@"
	wait_until "the recorder flies" logged flight 'takes a snapshot'
}

land()
{
	local status
	kill -INT "${JOB[flight]}"
	ended flight
	status=$?
	grep '^ringside record\|^  ' "$T/flight.log" | cut -c1-150
	return $status
}

# Snapshots are numbered, and a line with their name ends each.
taken()
{
	wait_until "there is a snapshot $1" logged flight "/$1: .* events"
}

events()
{
	babeltrace2 "$T/$1" 2>"$T/bt.err" || fail "babeltrace2: $(cat "$T/bt.err")"
}

nothing_left()
{
	lttng --no-sessiond list 2>/dev/null | grep ringside- &&
		fail "$1 left a session"
	lttng --no-sessiond list-triggers 2>/dev/null | grep ringside- &&
		fail "$1 left a trigger"
	return 0
}

daemon_gone()
{
	! lttng --no-sessiond list >/dev/null 2>&1
}

start_desk
image disk 16M

step "an error response, a slow request, on demand, a death"
start_ringsided --inject 'op=read sector=2048+8 errno=EIO; op=read sector=4096+8 delay=300ms'
attach 1 xvda "$T/disk"
fly four --trigger=error,slow=200,death
front --rw read --size 1M --quiet || fail "front"
[ -z "$(ls "$T/four")" ] || fail "it wrote before a trigger fired"
expect_exit 1 'error' front --rw read --offset 1M --size 4k
taken 1-error
front --rw read --offset 2M --size 4k --quiet || fail "front"
taken 2-slow
kill -USR1 "${JOB[flight]}"
taken 3-asked
killed ringsided
taken 4-death
land || fail "exit status $?"
nothing_left "a flight"
wait_until "the session daemon has ended" daemon_gone
[ "$(ls "$T/four" | tr '\n' ' ')" = "1-error 2-slow 3-asked 4-death " ] ||
	fail "there are $(ls "$T/four")"
for name in 1-error 2-slow 3-asked 4-death; do
	grep -q "^taken for: ${name#*-}\$" "$T/four/$name/snapshot" ||
		fail "$name does not say what it was taken for"
	ringside show report "$T/four/$name" -o "$T/$name.html" 2>"$T/said" ||
		fail "report of $name: $(cat "$T/said")"
done
# The number that the recorder names is that of the request in the trace.
seq=$(sed -nE 's/^what: .*request #([0-9]+) was answered with an error.*/\1/p' \
	"$T/four/1-error/snapshot")
events four/1-error | grep 'ringside:request_respond' |
	grep -q "seq = ${seq:-none},.*status = ( \"error\"" ||
	fail "the request #$seq of the error is not in its snapshot"
events four/1-error | grep -q 'ringside:request_take.*seq = '"$seq"',' ||
	fail "where #$seq was taken is not in it"
seq=$(sed -nE 's/^what: .*request #([0-9]+) took .*/\1/p' \
	"$T/four/2-slow/snapshot")
took=$(events four/2-slow | grep 'ringside:request_respond' |
	sed -nE "s/.* seq = ${seq:-none},.* took = ([0-9]+) .*/\1/p" | tail -n 1)
[ "${took:-0}" -gt 200000000 ] ||
	fail "request #$seq in the snapshot took ${took:-no time at all}"
grep -q "what: ringsided (process ${PID[ringsided]}) ended" \
	"$T/four/4-death/snapshot" || fail "it names another process"
events four/4-death | grep -q 'ringside:request_respond' ||
	fail "the dead ringsided's last moments are missing"
ringside desk stop "$DESK"

step "a refused request, and a command"
ringside record -o "$T/refused" --flight --trigger=refused --snapshots 1 -- \
	"$BIN/conformance" --ringsided "$BIN/ringsided" RQ-33 RQ-34 RQ-35 \
	>"$T/cases" 2>"$T/flight.log" || fail "$(cat "$T/cases" "$T/flight.log")"
cat "$T/flight.log"
[ "$(ls "$T/refused")" = 1-refused ] || fail "there are $(ls "$T/refused")"
rule=$(sed -nE 's/^what: .*was refused, ([A-Z]+-[0-9]+): .*/\1/p' \
	"$T/refused/1-refused/snapshot")
events refused/1-refused | grep 'ringside:request_refuse' |
	grep -q "rule = \"${rule:-none}\"" || fail "no event names $rule"
nothing_left "a command"

step "a thousand triggers: a few snapshots, and the others are counted"
start_desk
start_ringsided --inject 'op=read delay=5ms'
attach 1 xvda "$T/disk"
fly many --trigger=slow=1 --snapshots 2 --subbuf-size 4k --num-subbuf 4
front --rw randread --ops 2000 --quiet || fail "front"
front --rw randread --ops 2000 --quiet || fail "front"
kill -USR1 "${JOB[flight]}"
wait_until "it is asked" logged flight '-asked: '
land || fail "exit status $?"
snapshots=$(ls "$T/many" | wc -l)
[ "$snapshots" -le 3 ] || fail "there are $(ls "$T/many")"
left=$(sed -nE 's/.*left out: ([0-9]+) more of slow.*/\1/p' "$T/flight.log")
[ $((${left:-0} + snapshots - 1)) -eq 4000 ] ||
	fail "$left left out and $snapshots snapshots are not 4000"

step "what was overwritten is told, and is no fault"
logged flight '-asked: .*whole for the last .* sub-buffers were overwritten' ||
	fail "it does not tell"
asked=$(cd "$T" && echo many/*-asked)
ringside show request "$T/$asked" --format text >"$T/said" 2>&1
grep -q 'packets of one processor.*overwritten' "$T/said" ||
	fail "show does not tell: $(head -5 "$T/said")"
# The load was at work when this one was taken.
ringside show report "$T/many/1-slow" -o "$T/report.html" 2>/dev/null ||
	fail "no report"
sed 's/<[^>]*>/ /g' "$T/report.html" | grep -A1 -B1 'never answered' |
	grep -qE '^ *0 +never answered' ||
	fail "a request that began or ended outside of it is called a fault"
stop_ringsided
ringside desk stop "$DESK"

step "a process killed in the middle of an event: recording goes on"
fly killed
for _ in 1 2 3; do
	"$emit" 4 100 kill >/dev/null 2>&1
done
wait_until "it begins anew" logged flight 'begins anew'
sleep 1
"$emit" 2 1000 stop >"$T/n" || fail "emit"
kill -USR1 "${JOB[flight]}"
taken 1-asked
land || fail "exit status $?"
n=$(events killed/1-asked | grep -c 'ringside:request_check')
[ "$n" -eq 2000 ] || fail "$n events of the 2000 that came afterwards"

step "no trigger came: nothing is written"
fly none --trigger=refused
land || fail "exit status $?"
logged flight 'no snapshot: nothing was written' || fail "it does not say so"
[ ! -e "$T/none" ] || fail "it left $T/none"
nothing_left "it"

step "an older flight is replaced with --force alone"
expect_exit 2 'already holds a trace' ringside record -o "$T/four" --flight
ringside record -o "$T/four" --flight --force -- "$emit" 1 1 stop \
	>"$T/n" 2>"$T/said" || fail "$(cat "$T/said")"
[ ! -e "$T/four/1-error" ] || fail "--force left the old snapshots"

step "a recorder that was killed: the next one removes its triggers"
lttng-sessiond --daemonize --no-kernel >"$T/sessiond.log" 2>&1 </dev/null
fly dead --trigger=error
killed flight
lttng --no-sessiond list-triggers | grep -q ringside- ||
	fail "the test is wrong: it left no trigger"
ringside record -o "$T/after" -- "$emit" 1 1 stop >"$T/n" 2>"$T/said" ||
	fail "$(cat "$T/said")"
nothing_left "the next one"
kill "$(cat /run/lttng/lttng-sessiond.pid "$HOME/.lttng/lttng-sessiond.pid" \
	2>/dev/null)"
wait_until "the session daemon has ended" daemon_gone

step "a terminal is told what goes on"
python3 "$TOP/tests/fixtures/terminal.py" ringside record -o "$T/terminal" \
	--flight <<-'END' || fail "see above"
	expect recording a flight, 0 s
	signal INT
	expect no snapshot
	ended 0
END

step "mistakes"
rec="ringside record -o $T/x"
expect_exit 2 'trigger "loud" is unknown' $rec --flight --trigger=loud
expect_exit 2 'slow=abc: slow needs' $rec --flight --trigger=slow=abc
expect_exit 2 'slow=: slow needs' $rec --flight --trigger=slow
expect_exit 2 '"error" takes no value' $rec --flight --trigger=error=5
expect_exit 2 'trigger is for --flight' $rec --trigger=error
expect_exit 2 'snapshots is for --flight' $rec --snapshots 3
expect_exit 2 '"0" is not a number' $rec --flight --snapshots 0
expect_exit 1 'the buffers need' $rec --flight --subbuf-size 256M \
	--num-subbuf 1024
[ ! -e "$T/x" ] || fail "a mistake left $T/x"
mkdir -p "$T/mine/1-mine"
expect_exit 2 'not just an older' ringside record -o "$T/mine" --flight --force

if small_file_system 20m; then
	step "no room for a snapshot"
	expect_exit 1 'has only .* left' ringside record -o "$T/small/x" --flight
fi
nothing_left "a mistake"
