#!/bin/bash
# SPDX-License-Identifier: MIT
#
# timeout: 300
#
# ringside show --guest: the frontend's part of a recording gets another clock,
# as if it had been taken in a guest.  Shown with the backend's part, each
# request must stand as in the recording, within the error that is told.
. "$TOP/tests/lib.sh"

show()
{
	ringside show "$@"
}

has()
{
	grep -qF -- "$2" "$1" || fail "$1 does not say \"$2\": $(head -30 "$1")"
}

# Parts of the recording by the programs in the background named so: to $1.
part()
{
	local to=$1/ust/pid name
	shift
	mkdir -p "$to"
	for name in "$@"; do
		cp -r "$T"/trace/ust/pid/*-"${PID[$name]}"-* "$to" ||
			fail "$name has no part in the trace"
	done
}

# With the guest's trace $1 and the host's, all is as in the whole.
same_as_whole()
{
	local guest=$1 host=${2:-$T/host}
	show request --guest "$guest" "$host" --slowest 50 -f json \
		-o "$T/aligned.json" 2>"$T/said" ||
		fail "$guest: $(cat "$T/said")"
	cut -c1-300 "$T/said"
	python3 - "$T/whole.json" "$T/aligned.json" "$T/said" <<-'END' ||
		import json, re, sys

		def requests(path):
		    for r in json.load(open(path))["requests"]:
		        yield (r["queue"], r["seq"], r["idx"], r["id"]), r

		said = open(sys.argv[3]).read()
		n, unit = re.search(r"known to ±([\d.]+) (ns|µs|ms|s)",
		                    said).groups()
		error = float(n) * {"ns": 1, "µs": 1e3, "ms": 1e6,
		                    "s": 1e9}[unit]
		error = error * 1.01 + 5 # rounded as it is told
		# Two connections look the same; 1 ms is less than between them.
		before = {}
		for key, r in requests(sys.argv[1]):
		    before.setdefault(key, []).append(r)
		n = 0
		for key, r in requests(sys.argv[2]):
		    like = [b for b in before.get(key, [])
		            if abs(b["start_ns"] - r["start_ns"]) < 1000000]
		    if len(like) != 1:
		        continue
		    now, was = r["stages_ns"], like[0]["stages_ns"]
		    for stage in "pushed", "completed":
		        a = now[stage] - now["taken"]
		        b = was[stage] - was["taken"]
		        assert abs(a - b) <= error, (key, stage, a, b, error)
		        n += 1
		assert n >= 20, n
		print(f"   {n} moments within {error / 1000:.1f} µs")
	END
		fail "requests do not stand as they did"
}

# The same by the note: moved by $1 ns, within the error that it tells.
moved_by()
{
	python3 - "$1" "$T/said" <<-'END' || fail "moved wrongly"
		import re, sys
		from decimal import Decimal

		said = open(sys.argv[2]).read()
		sign, s = re.search(r"moved by ([+-])([\d.]+) s", said).groups()
		by = int(Decimal(sign + s) * 10**9)
		n, unit = re.search(r"known to ±([\d.]+) (ns|µs|ms|s)",
		                    said).groups()
		error = float(n) * {"ns": 1, "µs": 1e3, "ms": 1e6,
		                    "s": 1e9}[unit] * 1.01 + 5
		assert abs(by - int(sys.argv[1])) <= error, (by, error)
	END
}

step "a disk that three frontends used one after the other"
start_desk
start_ringsided
image disk 16M
start_record
attach 1 xvda "$T/disk"
background first ringside front "$DESK" --rw randrw --bs 4k --depth 4 \
	--queues 2 --ops 400 --seed 5 --quiet
ended first || fail "the first frontend"
# These two look the same to the last id.
for name in second third; do
	background $name ringside front "$DESK" --rw randrw --bs 4k --depth 1 \
		--ops 40 --seed 7 --quiet
	ended $name || fail "the $name frontend"
done
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"
part "$T/whole" ringsided first second third
part "$T/host" ringsided
part "$T/guest" first second third
show request "$T/whole" --slowest 50 -f json -o "$T/whole.json" ||
	fail "the recording cannot be shown"
begin=$(show sequence "$T/whole" -f json |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["start_ns"])')

step "one clock, in two traces"
same_as_whole "$T/guest"
moved_by 0

step "a clock that is ahead by an hour and a bit"
cp -r "$T/guest" "$T/ahead"
"$TOP/tests/desk/skew.py" "$T/ahead" 3600123456789 || fail "skew.py"
same_as_whole "$T/ahead"
moved_by -3600123456789
grep -q 'would fit as well' "$T/said" && fail "it is in doubt without need"

step "a clock that is behind, and drifts"
cp -r "$T/guest" "$T/drift"
"$TOP/tests/desk/skew.py" "$T/drift" -987654321 -300 "$begin" || fail "skew.py"
same_as_whole "$T/drift"
has "$T/said" 'made faster by'

step "only a part of the frontend's life"
part "$T/late" second third
"$TOP/tests/desk/skew.py" "$T/late" 5000000000 || fail "skew.py"
show latency --guest "$T/late" "$T/host" >"$T/out" 2>"$T/said" ||
	fail "$(cat "$T/said")"
moved_by -5000000000

step "a trace that lacks a piece"
cp -r "$T/ahead" "$T/hurt"
for file in "$T"/hurt/ust/pid/*-"${PID[first]}"-*/ringside_*; do
	[ -f "$file" ] && truncate -s "$(($(stat -c %s "$file") / 2))" "$file"
done
show latency --guest "$T/hurt" "$T/host" >"$T/out" 2>"$T/said" ||
	fail "$(cat "$T/said")"
moved_by -3600123456789
has "$T/said" "hurt: "

step "all views show both sides, and say how"
for view in sequence handshake request latency; do
	show $view --guest "$T/ahead" "$T/host" >"$T/$view" 2>"$T/said" ||
		fail "$view: $(cat "$T/said")"
	has "$T/$view" "The clock of $T/ahead was moved by -3600.123"
done
show report --guest "$T/ahead" "$T/host" -o "$T/report.html" 2>"$T/said" ||
	fail "report: $(cat "$T/said")"
has "$T/report.html" "was moved by -3600.123"
for word in "frontend -> ring" "backend -> disk" "completes #"; do
	has "$T/sequence" "$word"
done
has "$T/handshake" "3 Initialised"
requests_of()
{
	python3 -c 'import json, sys
for r in json.load(sys.stdin)["rows"]:
    if r["stage"] in ("ring wait", "total"): print(r["op"], r["stage"], r["count"])'
}
[ "$(show latency "$T/whole" -f json | requests_of)" = \
	"$(show latency --guest "$T/ahead" "$T/host" -f json 2>/dev/null |
		requests_of)" ] || fail "requests are not joined as in the whole"

step "clocks that cannot be explained"
part "$T/fast" first
"$TOP/tests/desk/skew.py" "$T/fast" 0 100000 "$begin" || fail "skew.py"
expect_exit 3 'contradict each other by' \
	ringside show latency --guest "$T/fast" "$T/host"

step "mistakes"
cp -r "$T/whole" "$T/copy"
expect_exit 2 'cannot be both' ringside show latency --guest "$T/whole" \
	"$T/whole/."
expect_exit 2 'both hold what the frontend of device 1/51712 did' \
	ringside show latency --guest "$T/whole" "$T/copy"
expect_exit 2 'both hold what the backend of device 1/51712 did' \
	ringside show latency --guest "$T/whole" "$T/host"
expect_exit 2 'host holds no request of a frontend' \
	ringside show latency --guest "$T/host" "$T/host/ust"
expect_exit 2 'host holds what the backend did, and .*guest what the frontend' \
	ringside show latency --guest "$T/host" "$T/guest"
expect_exit 2 'guest holds no request that a backend took' \
	ringside show latency --guest "$T/ahead" "$T/guest"
expect_exit 2 'nonesuch' ringside show latency --guest "$T/nonesuch" "$T/host"
expect_exit 2 'one --guest at a time' ringside show latency \
	--guest "$T/guest" --guest "$T/ahead" "$T/host"
expect_exit 2 'not for a live session' ringside show latency \
	--guest "$T/guest" net://localhost/host/x/y
