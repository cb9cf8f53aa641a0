#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside record --probes: what USDT probes tell of a ringsided that runs is
# what LTTng tells of the same load; what is lost is counted to the last
# event; each thing that is missing is one sentence.
#
# timeout: 400
# level: long
# once
# alone
. "${0%/*}/../lib.sh"
emit=$BIN/fixtures/emit
[ -x "$emit" ] || fail "$emit is not built; make units"

ringside record --probes -o "$T/try" --level control -- true 2>"$T/said"
if grep -E 'without clang|the kernel |this kernel ' "$T/said" >"$T/reason"; then
	skip "$(cut -d: -f2- "$T/reason")"
fi

# The parts of the recording $1 that are of these processes.
parts()
{
	local in=$1 pid
	shift
	for pid; do
		compgen -G "$T/$in/us*t/pid/*-$pid-*" ||
			echo "no part of process $pid in $in"
	done
}

# Events as lines, in the parts that follow.
text()
{
	babeltrace2 "$@" 2>"$T/bt.err" || fail "babeltrace2: $(cat "$T/bt.err")"
}

# Their kinds; whether the last two come is a matter of moments.
kinds()
{
	text "$@" | grep -o 'ringside:[a-z_][a-z_]*' | sort -u |
		grep -v -e evtchn_spurious -e queue_poll
}

# Everything that a disk of domain $1 does in its life.
load()
{
	attach "$1" xvda "$T/disk"
	bash -c 'echo $$ >"$1"; exec ringside front "$2" --domid "$3" --rw write \
		--size 1M --verify --quiet' - "$T/front.pid" "$DESK" "$1" ||
		fail "front"
	ringside detach "$DESK" --domid "$1" --vdev xvda >/dev/null ||
		fail "detach"
}

# Each probe takes the kernel a moment, and there are some 50 in each program.
has_begun()
{
	local i
	for ((i = 0; i < 1500; i++)); do
		logged record 'has begun' && return
		running record || break
		sleep 0.1
	done
	fail "it does not begin: $(cat "$T/record.log")"
}

start_desk
image disk 16M
start_ringsided

step "until Ctrl-C, of a ringsided that runs"
background record ringside record --source ringsided --probes --level full \
	-o "$T/usdt"
has_begun
load 1
fronts=$(cat "$T/front.pid")
# The frontend has ended long ago, and what it said is not lost.
sleep 12
kill -INT "${JOB[record]}"
ended record || fail "exit status $?: $(cat "$T/record.log")"
tail -n 1 "$T/record.log"
logged record 'none lost' || fail "$(cat "$T/record.log")"
logged record '/ringsided (process [0-9]*): \([0-9]*\) of \1 kinds' ||
	fail "it does not say what it can see: $(cat "$T/record.log")"
mapfile -t usdt < <(parts usdt "${PID[ringsided]}" "$fronts")
[ ${#usdt[@]} -eq 2 ] || fail "its parts are ${usdt[*]}"

step "the same by LTTng"
start_record --level full
load 2
stop_record || fail "exit status $?"
mv "$T/trace" "$T/ust"
mapfile -t ust < <(parts ust "${PID[ringsided]}" "$(cat "$T/front.pid")")
kinds "${usdt[@]}" >"$T/usdt.kinds"
kinds "${ust[@]}" >"$T/ust.kinds"
diff "$T/ust.kinds" "$T/usdt.kinds" || fail "other kinds of events"
[ "$(wc -l <"$T/ust.kinds")" -gt 30 ] || fail "too few kinds to compare"
# A request is one to the last field, but for its times.
for way in usdt ust; do
	declare -n of=$way
	text "${of[@]}" | grep -E 'ringside:(request_(push|take)|ring_map|store_write)' |
		sed -E 's/^.* (ringside:[a-z_]*): \{[^}]*\}/\1/
			s/vbd\/[12]|domain\/[12]|domid = [12]//g
			s/(gref|id|value|\[0\]) = [^,]*//g' | sort >"$T/$way.fields"
done
diff "$T/ust.fields" "$T/usdt.fields" >"$T/diff" ||
	fail "other fields: $(head "$T/diff")"

step "pictures and tables"
mkdir "$T/ours" # others of this machine may have been recorded, too
cp -R "${usdt[@]}" "$T/ours/"
for view in sequence request latency report; do
	ringside show $view "$T/ours" >"$T/$view.out" 2>"$T/said" ||
		fail "$view: $(cat "$T/said")"
done
ringside show latency "$T/ours" --format text >"$T/latency" 2>"$T/said" ||
	fail "latency: $(cat "$T/said")"
grep -q 'device 1/51712 (xvda), write' "$T/latency" || fail "$(cat "$T/latency")"
grep -Eq ' total +256 ' "$T/latency" || fail "requests are missing: $(cat "$T/latency")"
grep -qi 'lost\|snapshot\|damage' "$T/said" && fail "$(cat "$T/said")"
ringside show sequence "$T/ours" --format text 2>&1 |
	grep -q 'state 2 InitWait → 4 Connected' || fail "no handshake in the sequence"

step "a buffer that is much too small: every event that was lost is told"
mkdir "$T/bin"
cp "$emit" "$T/bin/ringsided" # by this name it is looked for
background hangs "$T/bin/ringsided" 1 1 hang
ringside record --probes -o "$T/tiny" --subbuf-size 4k --num-subbuf 2 -- \
	bash -c 'echo $$ >"$1"; exec "$2" 4 20000 stop' - "$T/emit.pid" \
	"$T/bin/ringsided" >"$T/n" 2>"$T/said" ||
	fail "exit status $?: $(cat "$T/said")"
tail -n 1 "$T/said"
killed hangs
n=$(cat "$T/n")
mapfile -t tiny < <(parts tiny "$(cat "$T/emit.pid")")
there=$(text "${tiny[@]}" | grep -c ringside:)
lost=$(sed -nE 's/.*discarded ([0-9]+) events? between.*/\1/p' "$T/bt.err" |
	awk '{ n += $1 } END { print n + 0 }')
[ "$lost" -gt 0 ] || fail "nothing was lost; is the test too small?"
[ $((there + lost)) -eq "$n" ] || fail "$there + $lost is not $n"
grep -qE 'more were LOST .* 2 of 4 KiB' "$T/said" || fail "$(cat "$T/said")"

step "one process alone"
expect_exit 1 'is no ringsided and no frontend' ringside record --probes \
	--pid $$ -o "$T/none" -- true
background record ringside record --probes --pid "${PID[ringsided]}" -o "$T/one"
has_begun
load 3
kill -INT "${JOB[record]}"
ended record || fail "exit status $?: $(cat "$T/record.log")"
text "$T/one" | grep -q 'ringside:request_respond' ||
	fail "nothing of ringsided: $(cat "$T/record.log")"
[ "$(ls "$T/one/usdt/pid" | wc -l)" -eq 1 ] ||
	fail "others are in it: $(ls "$T/one/usdt/pid")"

step "the command's exit code"
ringside record --probes -o "$T/code" --level control -- \
	bash -c "ringside front '$DESK' --domid 9 2>/dev/null; exit 7" 2>"$T/said"
[ $? -eq 7 ] || fail "not the command's: $(cat "$T/said")"

step "mistakes"
rec="ringside record --probes"
expect_exit 2 'DIR is missing' $rec
expect_exit 2 'source "guest" is unknown' $rec --source guest -o "$T/x"
expect_exit 2 'flight is done by LTTng' $rec --flight -o "$T/x"
expect_exit 2 'contexts is for LTTng' $rec --contexts vtid -o "$T/x"
expect_exit 2 '1 GiB at most' $rec --subbuf-size 256M -o "$T/x"
expect_exit 2 'already holds a trace' $rec -o "$T/usdt" -- true
if command -v setpriv >/dev/null; then
	open=$(mktemp -d -p /tmp) # nobody may look into $T
	chmod 777 "$open"
	expect_exit 1 'run it as root' setpriv --reuid 65534 --clear-groups \
		"$BIN/ringside" record --probes -o "$open"
	rmdir "$open"
fi
# A /proc where nothing runs, or only a program without probes.
alone=(unshare --pid --fork --mount-proc)
if "${alone[@]}" true 2>/dev/null; then
	expect_exit 1 'no ringsided and no frontend runs' "${alone[@]}" $rec -o "$T/x"
	mkdir "$T/bare"
	cp /bin/sleep "$T/bare/ringsided"
	expect_exit 1 'bare/ringsided .* has no probes' "${alone[@]}" bash -c \
		'"$1" 60 & "$2" record --probes -o "$3"' - "$T/bare/ringsided" \
		"$BIN/ringside" "$T/x"
fi
if small_file_system 20M; then
	expect_exit 1 'has only .* MiB left' $rec -o "$T/small/x" -- true
fi
[ ! -e "$T/x" ] || fail "a mistake left $T/x"
