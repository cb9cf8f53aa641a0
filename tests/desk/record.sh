#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside record by itself, with a program that only emits: what it counts is
# what was emitted, losses are told, and it leaves nothing, however it ends.
# A full disk and Ctrl-C under load have scripts of their own.
#
# timeout: 180
# alone
. "${0%/*}/../lib.sh"
emit=$BIN/fixtures/emit
[ -x "$emit" ] || fail "$emit is not built; make units"

# Runs the recorder with the trace in $T/$1; its words go to $T/said.
record()
{
	local out=$T/$1
	shift
	ringside record -o "$out" "$@" 2>"$T/said" </dev/null
}

# The number before the words $1 in what it said, 0 if they are not there.
said()
{
	local n
	n=$(sed -nE "s/.*[^0-9]([0-9]+) $1.*/\1/p" "$T/said" | head -n 1)
	echo "${n:-0}"
}

says()
{
	grep -qE -- "$1" "$T/said" ||
		fail "it does not say \"$1\" but: $(cat "$T/said")"
}

# Events of emit in the trace $T/$1.
emitted()
{
	babeltrace2 "$T/$1"/ust/pid/emit-* 2>/dev/null | grep -c ringside:
}

# The session daemons here: not those of others, who have places of their
# own (tests/run), and no zombies.
daemons()
{
	local pid here
	here=$(readlink /proc/self/ns/mnt)
	for pid in $(pgrep -r D,R,S -x lttng-sessiond); do
		[ "$(readlink "/proc/$pid/ns/mnt")" = "$here" ] && echo "$pid"
	done
}

# The one that a recorder started.
own_daemon()
{
	local pid
	for pid in $(daemons); do
		tr '\0' '\n' <"/proc/$pid/environ" |
			grep -qx RINGSIDE_SESSIOND=1 && echo "$pid" && return 0
	done 2>/dev/null
	return 1
}

nothing_left()
{
	lttng --no-sessiond list 2>/dev/null | grep ringside- &&
		fail "$1 left a session"
	! own_daemon >/dev/null || fail "$1 left its session daemon"
}

! own_daemon >/dev/null || fail "a recorder is at work already"

step "many threads that end at once: every event is there"
n=$(record all -- "$emit" 32 2000 stop) || fail "exit status $?"
cat "$T/said"
[ "$n" -eq 64002 ] || fail "emit counted $n"
[ $(($(emitted all) + $(said 'more were LOST'))) -eq "$n" ] ||
	fail "$(emitted all) of $n events are in the trace"
[ "$(said 'events of')" -eq "$(babeltrace2 "$T/all" 2>/dev/null | wc -l)" ] ||
	fail "it counted $(said 'events of') events"
n=$(record exit -- "$emit" 8 2000 exit) || fail "exit status $?"
[ $(($(emitted exit) + $(said 'more were LOST'))) -eq "$n" ] ||
	fail "$(emitted exit) of $n events are in the trace of _exit"
says 'emit \(process [0-9]+\) ended without saying so'
nothing_left "a recording"

step "tiny buffers lose events, and every one is told"
ends=stop moments=0.9
[ "$LEVEL" = all ] && ends="stop exit" moments="0.4 0.8 1.2 1.6"
for end in $ends; do
	n=$(record "tiny-$end" --subbuf-size 4k --num-subbuf 2 -- \
		"$emit" 16 20000 "$end") || fail "exit status $?"
	head -n 1 "$T/said"
	lost=$(said 'more were LOST')
	[ "$lost" -gt 0 ] || fail "nothing was lost; is the test too small?"
	[ $((lost + $(emitted "tiny-$end"))) -eq "$n" ] ||
		fail "$(emitted "tiny-$end") + $lost is not $n"
	says '2 of 4 KiB with --subbuf-size'
done

step "the command's exit code, and its streams"
record code -- bash -c "$emit 1 1 stop; exit 7" >"$T/n"
[ $? -eq 7 ] || fail "not the command's exit code"
echo in | ringside record -o "$T/io" -- \
	bash -c 'read x; '"$emit"' 1 1 stop >&2; echo "$x"' >"$T/io.out" 2>/dev/null
[ "$(cat "$T/io.out")" = in ] || fail "it does not pass stdin and stdout on"

step "a signal at any moment"
for after in $moments; do
	ringside record -o "$T/signal$after" -- \
		bash -c "sleep 616$$ & sleep 617$$" 2>"$T/said" &
	pid=$!
	sleep "$after"
	kill -TERM $pid
	wait $pid
	status=$?
	[ $status -eq 143 ] || fail "exit status $status: $(cat "$T/said")"
	pgrep -f "^sleep 61[67]$$\$" && fail "it left what the command started"
	[ ! -e "$T/signal$after" ] || [ -e "$T/signal$after/ust" ] ||
		fail "it left an empty directory"
	nothing_left "a signal after $after s"
done

step "a terminal that goes: SIGHUP, twice, and with nohup never"
ringside record -o "$T/hangup" -- bash -c \
	"trap 'sleep 1; touch \"$T/hangup.end\"; exit' HUP
	touch '$T/hangup.begin'; while :; do sleep 0.1; done" 2>"$T/said" &
pid=$!
wait_until "the command runs" [ -e "$T/hangup.begin" ]
kill -HUP $pid
sleep 0.3
kill -HUP $pid
wait $pid
[ -e "$T/hangup.end" ] || fail "the second one killed the command"
nohup ringside record -o "$T/nohup" -- bash -c \
	"kill -HUP \$\$; touch '$T/nohup.begin'; sleep 4; $emit 1 1 stop" \
	>"$T/n" 2>"$T/said" &
pid=$!
wait_until "the command runs" [ -e "$T/nohup.begin" ]
kill -HUP $pid
wait $pid || fail "exit status $?: $(cat "$T/said")"
[ "$(emitted nohup)" -eq 3 ] || fail "nohup does not keep it alive"
nothing_left "a terminal that went"

step "mistakes"
rec="ringside record"
expect_exit 2 'DIR is missing' $rec
expect_exit 2 'level "loud" is unknown' $rec -o "$T/x" --level loud
expect_exit 2 '"5000" is not a power of two' $rec -o "$T/x" --subbuf-size 5000
expect_exit 2 '"1" is not a power of two' $rec -o "$T/x" --num-subbuf 1
expect_exit 2 'context "pid" is unknown' $rec -o "$T/x" --contexts pid
expect_exit 2 'unrecognized option' $rec -o "$T/x" --bogus
expect_exit 2 'directory above it' $rec -o "$T/no/such" -- true
expect_exit 2 'is no directory' $rec -o "$T/said" -- true
expect_exit 2 'already holds a trace' $rec -o "$T/all" -- true
expect_exit 2 'not just an older trace' $rec -o "$T" --force -- true
expect_exit 127 'nonesuch cannot be run' $rec -o "$T/x" -- nonesuch
expect_exit 126 'cannot be run: Permission' $rec -o "$T/x" -- "$T/said"
expect_exit 1 'install LTTng' env PATH="$T/no" \
	"$BIN/ringside" record -o "$T/x" -- /bin/true
[ ! -e "$T/x" ] || fail "a mistake left $T/x"
# What --force would replace stays where nothing new begins.
before=$(find "$T/all" | sort) had=$(emitted all)
expect_exit 127 'nonesuch cannot be run' $rec -o "$T/all" --force -- nonesuch
expect_exit 1 'install LTTng' env PATH="$T/no" \
	"$BIN/ringside" record -o "$T/all" --force -- /bin/true
[ "$(find "$T/all" | sort)" = "$before" ] || fail "a mistake with --force" \
	"changed the old trace: $(find "$T/all")"
# And where a recorder was killed before its own began.
mkdir "$T/all/.ringside-replaced"
mv "$T/all/ust" "$T/all/.ringside-replaced/"
mkdir -p "$T/all/ust/pid"
expect_exit 2 'already holds a trace' $rec -o "$T/all" -- true
expect_exit 127 'nonesuch cannot be run' $rec -o "$T/all" --force -- nonesuch
[ "$(find "$T/all" | sort)" = "$before" ] && [ "$(emitted all)" -eq "$had" ] ||
	fail "what a killed recorder had set aside is lost: $(find "$T/all")"
record all --force -- "$emit" 1 1 stop >"$T/n" || fail "--force does not work"
[ "$(emitted all)" -eq 3 ] && [ "$(ls -A "$T/all")" = ust ] ||
	fail "--force left the old trace"

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	step "without permission"
	mkdir -m 755 "$T/closed"
	expect_exit 1 'closed cannot be .*: Permission denied' setpriv --reuid 65534 \
		--clear-groups "$BIN/ringside" record -o "$T/closed" -- true
fi
nothing_left "a mistake"

step "one process alone"
background first "$emit" 1 10 stop 3000
background second "$emit" 1 10 stop 3000
record one --pid "${JOB[second]}" -- bash -c \
	"sleep 5; exec $emit 1 1 stop" >"$T/n" || fail "$(cat "$T/said")"
[ "$(emitted one)" -eq 12 ] || fail "$(emitted one) events of 12"
(cd "$T/one/ust/pid" && echo emit-*) | grep -qx "emit-${JOB[second]}-[0-9-]*" ||
	fail "it recorded $(ls "$T/one/ust/pid")"
says '12 events of 1 process '
background idle "$emit" 1 1 hang
idle_threads()
{
	[ "$(echo /proc/"${JOB[idle]}"/task/* | wc -w)" -gt 2 ]
}
wait_until "its threads run" idle_threads
thread=$(ls "/proc/${JOB[idle]}/task" | tail -n 1)
expect_exit 2 "thread of process ${JOB[idle]}" $rec -o "$T/x" --pid "$thread"
sleep 0.5
expect_exit 1 "process ${JOB[idle]} emitted no event of this level" \
	$rec -o "$T/x" --pid "${JOB[idle]}" -- true
killed idle
sleep 99 &
expect_exit 2 'emits no events to LTTng' $rec -o "$T/x" --pid $!
kill $!
wait $! 2>/dev/null
expect_exit 2 "pid $!: no such process" $rec -o "$T/x" --pid $!
expect_exit 2 'pid -1: no such process' $rec -o "$T/x" --pid -1
expect_exit 2 'pid is not for --flight' $rec -o "$T/x" --pid $$ --flight
expect_exit 2 'pid is for programs' $rec -o "$T/x" --pid $$ --source blkback

[ "$LEVEL" = all ] || exit 0

step "a process killed in the middle of an event"
record killed -- "$emit" 4 50 kill
[ $? -eq 137 ] || fail "the exit code is not the command's"
says 'emit \(process [0-9]+\) ended without saying so'
[ "$(emitted killed)" -gt 0 ] || fail "nothing of it is in the trace"
nothing_left "it"

step "a long trace: its reader tells how far it is, and Ctrl-C ends the counting"
python3 "$TOP/tests/fixtures/terminal.py" ringside record -o "$T/long" -- \
	"$emit" 8 300000 stop <<-'END' || fail "see above"
	expect reading the trace, 1 million events so far
	signal INT
	expect its events were not counted
	ended 0
END

step "a process that ran before the daemon is recorded from the start"
"$emit" 1 10 stop 3000 >"$T/n" &
record before -- sleep 5
wait $!
[ "$(emitted before)" -eq 12 ] || fail "$(emitted before) events of 12"

# A /dev/shm and a /run/lttng that nobody else sees, as in a container.
if unshare --mount --propagation private \
	mount -t tmpfs shm /dev/shm 2>/dev/null; then
	step "a process that cannot join is not waited for"
	unshare --mount --propagation private bash -c 'mount -t tmpfs shm /dev/shm
		mount -t tmpfs lttng /run/lttng; touch "$1"; exec "$2" 1 1 stop 60000' \
		- "$T/apart" "$emit" >"$T/n" &
	wait_until "it runs" [ -e "$T/apart" ]
	sleep 0.5
	record alone -- "$emit" 1 1 stop >"$T/n2" || fail "exit status $?"
	cat "$T/said"
	grep -q 'did not answer' "$T/said" && fail "it waited for it"
	kill $! || fail "the test is wrong: it ended too early"
	wait $! 2>/dev/null
fi

step "levels and contexts"
record control --level control -- "$emit" 1 10 stop >"$T/n"
[ "$(emitted control)" -eq 2 ] || fail "$(emitted control) events of 2"
record context --contexts vtid,procname -- "$emit" 1 10 stop >"$T/n"
babeltrace2 "$T"/context/ust/pid/emit-* |
	grep -q 'vtid = [0-9]*, procname = "emit"' || fail "no contexts"

step "two at once: the last one ends the daemon"
ringside record -o "$T/one" -- sleep 2 2>"$T/one.said" &
one=$!
ringside record -o "$T/two" -- bash -c \
	"while [ ! -e '$T/go' ]; do sleep 0.1; done; $emit 1 1 stop" \
	>"$T/n" 2>"$T/said" &
two=$!
wait $one
own_daemon >/dev/null || fail "the first one took the daemon away"
touch "$T/go"
wait $two || fail "the second one: $(cat "$T/said")"
[ "$(emitted two)" -eq 3 ] || fail "the second one lost its events"
nothing_left "the last one"

step "somebody else's daemon and session stay"
if [ -z "$(daemons)" ]; then
	lttng-sessiond --daemonize --no-kernel >"$T/sessiond.log" 2>&1 </dev/null
	daemon=$(daemons | head -n 1)
	record theirs -- "$emit" 1 1 stop >"$T/n" || fail "exit status $?"
	kill -0 "$daemon" || fail "the daemon was ended"
	kill "$daemon"
	wait_until "it ends" eval '[ -z "$(daemons)" ]'
fi

step "a recorder that was killed: the next one cleans up"
ringside record -o "$T/dead" -- sleep 30 2>"$T/said" &
pid=$!
wait_until "it records" pgrep -P $pid -x sleep >/dev/null
pkill -KILL -P $pid -x sleep
kill -STOP $pid 2>/dev/null
kill -KILL $pid
wait $pid 2>/dev/null
own_daemon >/dev/null || fail "the test is wrong: it left no daemon"
record after -- "$emit" 1 1 stop >"$T/n" || fail "$(cat "$T/said")"
nothing_left "the next one"

step "the daemon dies: it is told, and the command ends as it would"
if [ -z "$(daemons)" ]; then
	ringside record -o "$T/gone" -- bash -c \
		"$emit 1 1 stop; touch '$T/kill'; sleep 3; echo end" \
		>"$T/n" 2>"$T/said" &
	pid=$!
	wait_until "it records" [ -e "$T/kill" ]
	kill -KILL "$(own_daemon)"
	wait $pid
	[ $? -eq 1 ] || fail "exit status is not 1"
	grep -q end "$T/n" || fail "the command did not end as it would"
	says 'session daemon has gone'
fi
