#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside top: what it tells scripts agrees with what others count, stuck
# rings and daemons are found, and a terminal is left as it was.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"

top()
{
	ringside top "$DESK" "$@"
}

# Is the Python expression $2 true of what top has written to $1 so far?  In
# it are: samples, and disk(SAMPLE, NAME), None where it is not there.
so()
{
	python3 - "$1" "$2" <<-'END'
	import json, sys
	text = open(sys.argv[1]).read()
	samples = [json.loads(line) for line in text.splitlines(True)
	           if line.endswith("\n")]
	def disk(sample, name):
	    return next((d for d in sample["disks"] if d["name"] == name), None)
	def all_of(name):
	    return [d for d in (disk(s, name) for s in samples) if d]
	sys.exit(0 if eval(f"({sys.argv[2]})") else 1)
	END
}

must()
{
	so "$1" "$2" || fail "it is not so that $2: $(tail -n 2 "$1")"
}

terminal()
{
	python3 "$TOP/tests/fixtures/terminal.py" ringside top "$DESK" \
		--interval 0.2 "$@" || fail "in a terminal: top $*"
}

# Samples of NAME as JSON in $JSON.
watch()
{
	JSON=$T/$1.json
	: >"$JSON"
	background top top_into "$JSON" --json --interval 0.2 "${@:2}"
	wait_until "top takes samples" test -s "$JSON"
}

top_into()
{
	exec ringside top "$DESK" "${@:2}" >"$1"
}

step "nobody to look at, and options that are none"
start_desk
expect_exit 2 'no ringsided runs in' ringside top --batch "$T/nowhere"
expect_exit 2 'no ringsided runs in' ringside top --json "$DESK"
expect_exit 2 'no terminal' ringside top "$DESK"
expect_exit 2 'no number of seconds' ringside top --interval 0 "$DESK"
expect_exit 2 'no number of seconds' ringside top --stuck nan "$DESK"
expect_exit 2 'no number from 1' ringside top --count 0 "$DESK"
expect_exit 2 'nothing to sort by' ringside top --sort size "$DESK"

step "a terminal waits for ringsided and for disks"
waiting_terminal()
{
	terminal <<-END
		expect No ringsided runs
		exists $T/started
		expect frontend is connected to a disk yet
		send q
		ended 0
	END
}
background waiting waiting_terminal
wait_until "it waits" logged waiting 'expect No ringsided'
image disk 16M
start_ringsided
touch "$T/started"
ended waiting || fail "the waiting terminal: $(cat "$T/waiting.log")"

step "numbers agree with those of front and of ringside stats"
attach 1 xvda "$T/disk" --inject 'op=read delay=5ms'
# Keeps the connection for a while after the first disk's load is over.
attach 1 xvdb null:16M --limit iops=600
watch load
front --vdev xvda,xvdb --rw randrw --ops 1500 --json >"$T/front.json" ||
	fail "front"
wait_until "both disks are gone" so "$JSON" 'not samples[-1]["disks"]'
stop top || fail "top ended with $?"
python3 - "$T/front.json" "$JSON" <<'END' || fail "numbers differ"
import json, sys
front = {d["disk"]: d for d in json.load(open(sys.argv[1]))}
samples = [json.loads(line) for line in open(sys.argv[2])]
for name, f in front.items():
    seen = [d for s in samples for d in s["disks"] if d["name"] == name]
    # The first disk's numbers are complete: it waited for the second one.
    # Differences add up to the whole, for it came after top did.
    counted = lambda d, op, what: d["counts"][op][what]
    for op in "read", "write":
        asked, total = f[op]["ops"], seen[-1]["total"][op]["requests"]
        summed = sum(counted(d, op, "requests") for d in seen)
        print(f"   {name} {op}: front {asked}, top {total}, summed {summed}")
        assert summed == total <= asked, "differences do not add up"
        if name == "xvda":
            assert total == asked
            assert seen[-1]["total"][op]["bytes"] == f[op]["bytes"]
            assert sum(counted(d, op, "bytes") for d in seen) == f[op]["bytes"]
    ring = f["ring"]
    # The host itself notifies once, when the port is bound.
    assert seen[-1]["total"]["wakeups"] <= ring["notifies_sent"] + 1
    assert all(0 <= d["in_flight"] <= d["ring_entries"] == 32 for d in seen)
    assert all(d["stuck"] is None for d in seen)
    for d in seen:
        n = sum(counted(d, op, "requests") for op in ("read", "write"))
        assert abs(d["iops"] * d["seconds"] - n) < 0.01 + n / 1000
# A read takes 5 ms at least, in a slot of the histogram from 4.2 ms on.
delayed = [d for s in samples for d in s["disks"]
           if d["name"] == "xvda" and d["counts"]["read"]["requests"]]
for d in delayed:
    reads = d["counts"]["read"]
    assert reads["waited_ns"] >= 5e6 * reads["requests"]
    assert d["latency_us"]["p99"] >= 4190, d["latency_us"]
assert delayed and samples[0]["disks"] == []
END

step "at rest it says what ringside stats says, in lines of text, too"
ringside detach "$DESK" --vdev xvda || fail "detach"
ringside detach "$DESK" --vdev xvdb || fail "detach"
attach 1 xvda "$T/disk"
background nbd front_nbd
wait_until "it exports" test -S "$T/nbd"
nbdcopy "nbd+unix:///?socket=$T/nbd" null: || fail "nbdcopy"
top --json --count 1 --interval 0.1 >"$T/rest.json" || fail "top"
ringside stats "$DESK" --json >"$T/stats.json" || fail "stats"
python3 - "$T/rest.json" "$T/stats.json" <<'END' || fail "numbers differ"
import json, sys
top, stats = (json.load(open(name)) for name in sys.argv[1:])
total, queue = top["disks"][0]["total"], stats[0]["queues"][0]
for op in "read", "write", "flush", "discard", "barrier":
    assert total[op] == queue[op], op
for what in "refused", "tolerated", "notifies", "wakeups", "spurious", "indirect":
    assert total[what] == queue[what], what
assert total["suppressed"] == queue["pushes"] - queue["notifies"]
assert total["read"]["bytes"] >= 16 << 20
assert sum(queue["latency"]) == sum(queue[op]["requests"] for op in
                                    ("read", "write", "flush", "discard"))
assert queue["pending"] == queue["in_flight"] == queue["still_ns"] == 0
END
top --batch --count 2 --interval 0.1 >"$T/text" || fail "top --batch"
sed 's/^/   /' "$T/text"
grep -qE '^TIME +DISK +RING +IOPS .*STUCK$' "$T/text" || fail "no titles"
grep -cE '^[0-9:]+ 1/xvda +0/32 +0 +0 +- .* -$' "$T/text" | grep -qx 2 ||
	fail "no two lines"
top --json --count 1 --interval 0.1 >/dev/full && fail "nobody read it"
grep -q . "$T/text" || fail "nothing in it"

step "a terminal: the disk, sizes, help, sorting, and back by q"
terminal <<-END
	expect 1/xvda
	resize 60 10
	expect 1/xvda
	resize 20 3
	expect too small
	resize 100 30
	expect P50
	send ?
	expect time from taken to answered
	send ?
	expect 1/xvda
	send iR\x0c
	expect sorted by iops, reversed
	file $T/screen
	send q
	ended 0
END
grep -q "ringsided ${JOB[ringsided]}" "$T/screen" || fail "no daemon named"

step "and back by signals, or gone with the terminal"
for signal in INT TERM; do
	printf '%s\n' 'expect 1/xvda' "signal $signal" 'ended 0' | terminal
done
printf '%s\n' 'expect 1/xvda' hangup 'ended 0' | terminal
script -qec "TERM=nonsense ringside top $DESK" /dev/null </dev/null >"$T/text"
[ $? -eq 2 ] || fail "a terminal of an unknown kind: $(cat "$T/text")"
grep -q 'kind "nonsense" is not known' "$T/text" || fail "$(cat "$T/text")"
terminal --count 2 <<<'ended 0'

step "a stopped daemon is told of"
watch stopped
kill -STOP "${JOB[ringsided]}"
wait_until "it is told" so "$JSON" 'samples[-1]["stopped"]'
must "$JSON" 'disk(samples[-1], "xvda")["stuck"] == "stopped"'
top --batch --count 1 --interval 0.1 | grep -q 'ringsided is stopped$' ||
	fail "not in the text"
kill -CONT "${JOB[ringsided]}"
wait_until "it goes on" so "$JSON" \
	'disk(samples[-1], "xvda")["stuck"] is None and not samples[-1]["stopped"]'

step "a daemon that ends, and another one"
killed ringsided
wait_until "it is missed" so "$JSON" \
	'samples[-1]["daemon_pid"] is None and not samples[-1]["disks"]'
old=${PID[ringsided]}
start_ringsided
wait_until "the new one is found" so "$JSON" \
	"samples[-1]['daemon_pid'] not in (None, $old)"
ended nbd
ringside detach "$DESK" || fail "detach"
attach 1 xvda "$T/disk"
background load ringside front "$DESK" --rw read --runtime 60
wait_until "its disk is seen" so "$JSON" 'disk(samples[-1], "xvda") and
	disk(samples[-1], "xvda")["counts"]["read"]["requests"]'
kill -INT "${JOB[load]}"
ended load
wait_until "the disk is gone" so "$JSON" 'not samples[-1]["disks"]'
stop top || fail "top ended with $?"
# What the old one had counted is not taken off the new one's numbers.
must "$JSON" "sum(disk(s, 'xvda')['counts']['read']['requests'] for s in samples
	if s['daemon_pid'] == ${PID[ringsided]} and s['disks']) == [
	d for d in all_of('xvda')][-1]['total']['read']['requests']"
ringside detach "$DESK" || fail "detach"

step "a ring that nothing comes out of"
attach 1 xvda "$T/disk" --inject 'op=read delay=60s'
watch stuck --stuck 1
background load ringside front "$DESK" --rw read --ops 4 --depth 4 --quiet
wait_until "it is flagged" so "$JSON" \
	'any(d["stuck"] == "unanswered" for d in all_of("xvda"))'
must "$JSON" 'all_of("xvda")[-1]["in_flight"] == 4'
must "$JSON" 'all(d["unanswered_s"] >= 1 for d in all_of("xvda") if d["stuck"])'
must "$JSON" 'all(d["unanswered_s"] < 1 for d in all_of("xvda") if not d["stuck"])'
top --batch --stuck 0.5 --count 1 | tee "$T/text" |
	grep -qE ' 4/32 .*4 requests in flight, none answered for [1-9]' ||
	fail "not in the text: $(cat "$T/text")"
terminal --stuck 0.5 <<-END
	expect STUCK: 4 requests in flight
	send q
	ended 0
END
kill -INT "${JOB[load]}"
ended load
stop top
ringside detach "$DESK" || fail "detach"

step "queues"
attach 1 xvda "$T/disk"
watch queues
background load ringside front "$DESK" --rw randread --runtime 60 --queues 2
wait_until "both work" so "$JSON" 'any(len(d["queues"]) == 2 and
	all(q["iops"] for q in d["queues"]) for d in all_of("xvda"))'
kill -INT "${JOB[load]}"
ended load
must "$JSON" 'all(d["ring_entries"] == 64 and
	all(q["ring_entries"] == 32 for q in d["queues"]) for d in all_of("xvda"))'
must "$JSON" 'all(d["total"]["read"]["requests"] == sum(
	q["total"]["read"]["requests"] for q in d["queues"])
	for d in all_of("xvda"))'
stop top
ringside detach "$DESK" || fail "detach"
stop_ringsided
[ ! -e "$DESK/stats/daemon" ] || fail "an ended daemon is said to run"
desk_is_clean
