#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
# level: all
# Labs without code, as a student does them: the steps of lab 0's README, the
# trace that lab 1 begins with; answers are found by babeltrace2, which knows
# nothing of us, and a wrong one is told.
. "${0%/*}/../lib.sh"
export RINGSIDE_LABS=$BIN/labs
[ -d "$RINGSIDE_LABS/labs/01-read-a-trace" ] || fail "there is no $RINGSIDE_LABS"

# answers LAB: fill in $T/LAB/answers.txt from $T/LAB/trace.
answers()
{
	python3 - "$T/$1" "$1" <<-'END' || fail "no answers to lab $1"
	import re, subprocess, sys
	work, lab = sys.argv[1:]
	lines = subprocess.run(["babeltrace2", work + "/trace"], check=True,
	                       capture_output=True, text=True).stdout.splitlines()
	def events(name, actor=None):
	    return [l for l in lines if f" ringside:{name}: " in l and
	            (not actor or f'actor = ( "{actor}"' in l)]
	def field(line, name):
	    m = re.search(rf'[ {{]{name} = (?:\( "([^"]*)"|"([^"]*)"|([^ ,]+))', line)
	    return next(g for g in m.groups() if g is not None)
	push = events("request_push")
	if lab == "0":
	    a = {"requests": len(push),
	         "disk": field(push[-1], "devid"),
	         "slots": field(events("ring_map", "frontend")[-1], "entries"),
	         "woken": len(events("evtchn_wakeup", "frontend")),
	         "end": field(events("state_switch", "frontend")[-1], "to")}
	else:
	    a = {"requests": len(push),
	         "writes": sum(field(l, "op") == "write" for l in push),
	         "largest": max(int(field(l, "len")) for l in push),
	         "entries": field(events("ring_map", "backend")[0], "entries"),
	         "protocol": [field(l, "value") for l in events("store_write", "frontend")
	                      if field(l, "path").endswith("/protocol")][-1],
	         "keys": len(events("store_write", "frontend")),
	         "woken": len(events("evtchn_notify", "frontend")),
	         "pushes": len(events("ring_produce", "backend")),
	         "batch": max(int(field(l, "requests")) for l in events("grant_batch")
	                      if field(l, "unmap") == "0"),
	         "end": field(events("state_switch", "backend")[-1], "to")}
	text = open(work + "/answers.txt").read()
	for key, value in a.items():
	    text, n = re.subn(rf"(?m)^{key} =.*$", f"{key} = {value}", text)
	    assert n == 1, key
	open(work + "/answers.txt", "w").write(text)
	print("   ", a)
	END
}

graded()
{
	local code=$1
	ringside lab grade --dir "$T/$2" >"$T/said" 2>&1
	[ $? -eq "$code" ] || fail "lab $2: not $code: $(cat "$T/said")"
}

step "lab 1: the trace that it begins with"
ringside lab start 1 "$T/1" >/dev/null || fail "start 1"
graded 1 1
answers 1
graded 0 1
sed -i 's/^writes = .*/writes = 0/' "$T/1/answers.txt"
graded 1 1
grep -q '^Not all passed: 90 of 100' "$T/said" || fail "$(cat "$T/said")"

for lab in 0 1; do
	step "lab $lab: right answers, and wrong ones"
	ringside lab grade --lab $lab --solution >"$T/said" 2>&1 ||
		fail "the right answers: $(cat "$T/said")"
	for file in "$RINGSIDE_LABS"/labs/0$lab-*/mutants/*; do
		name=$(basename "$file" .sed)
		check=$(sed -n 's/.*killed by: //p' "$file")
		ringside lab grade --lab $lab --mutant "$name" >"$T/said" 2>&1
		[ $? -eq 1 ] || fail "$name lives: $(cat "$T/said")"
		[ "$(grep -cE '^  FAILED ' "$T/said")" = 1 ] &&
			grep -qE "^  FAILED +0/[0-9]+ +$check( |\$)" "$T/said" ||
			fail "$name is not killed by $check: $(cat "$T/said")"
	done
done

step "lab 0: the tour of its README"
ringside lab start 0 "$T/0" >/dev/null || fail "start 0"
cd "$T/0" || exit 1
DESK=desk
start_desk
start_ringsided
truncate -s 64M disk.img
ringside attach desk --target "$PWD/disk.img" >/dev/null || fail "attach"
ringside front desk --info >/dev/null || fail "front --info"
rm -r trace
ringside record -o trace -- ringside front desk --rw randread --depth 4 \
	--ops 234 >/dev/null 2>&1 || fail "record"
ringside show handshake trace -o mine.svg || fail "show"
ringside detach desk || fail "detach"
stop_ringsided
graded 1 0
answers 0
graded 0 0
grep -q '^requests = 234$' answers.txt || fail "$(cat answers.txt)"
