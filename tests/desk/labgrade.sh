#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# level: all
# alone
# ringside lab grade, watch and measure with the template of a lab: a skeleton
# fails as documented, a solution passes, each mutant is killed by its check.
. "${0%/*}/../lib.sh"
export RINGSIDE_LABS=$BIN/labs
[ -d "$RINGSIDE_LABS/labs/template" ] || fail "there is no $RINGSIDE_LABS"

# lab EXPECTED_CODE ARG...: its words are in $T/said
lab()
{
	local code=$1 status
	shift
	ringside lab "$@" >"$T/said" 2>&1 </dev/null
	status=$?
	[ $status -eq 3 ] && grep -q 'bubblewrap may not' "$T/said" &&
		skip "bubblewrap may not confine programs here"
	[ $status -eq "$code" ] || fail "lab $* exited with $status, not" \
		"$code: $(cat "$T/said")"
}

said()
{
	grep -qE -- "$1" "$T/said" || fail "nobody said \"$1\": $(cat "$T/said")"
}

never_said()
{
	! grep -qE -- "$1" "$T/said" || fail "somebody said \"$1\": $(cat "$T/said")"
}

step "a skeleton fails, and its first message is the one documented"
lab 0 start template "$T/work"
lab 1 grade --dir "$T/work" --results "$T/results.json"
cat "$T/said"
said '^  FAILED      0/60  told '
said '^  rule     GR-48: '
said '^  where    flight\.c:[0-9]+, grant_flight_add\(\)$'
said '^ +missing  request_tolerate rule=GR-48$'
said '-> no request_tolerate rule=GR-48 came$'
said '^  your trace, events [0-9]+ to [0-9]+ of the [0-9]+ of this check:$'
said '^  hint     ringside lab hint 1$'
said '^Not all passed: [0-9]+ of 100 points'
picture=$(sed -n 's/^  picture  //p' "$T/said" | head -1)
xmllint --noout "$picture" || fail "no picture in \"$picture\""
[ -d "$T/work/out/trace" ] || fail "the trace was not kept"
wide=$(awk 'length > 80 && !/\//' "$T/said")
[ -z "$wide" ] || fail "wider than 80 columns: $wide"

step "results for Gradescope"
python3 - "$T/results.json" <<-'END' || fail "$(cat "$T/results.json")"
	import json, sys
	r = json.load(open(sys.argv[1]))
	assert r["max_score"] == 100 and r["score"] < 100, r
	t = {c["extra_data"]["id"]: c for c in r["tests"]}
	assert t["told"]["status"] == "failed" and t["told"]["score"] == 0
	assert "GR-48" in t["told"]["output"] and "\033" not in t["told"]["output"]
	assert sum(c["score"] for c in t.values()) == r["score"]
	assert sum(c["max_score"] for c in t.values()) == 100
END

step "the solution passes"
lab 0 grade --lab template --solution --results "$T/results.json"
cat "$T/said"
said '^All passed: 100 of 100 points'
never_said 'FAILED|missing|broken'
grep -q '"score":100' "$T/results.json" || grep -q '"score": *100,' \
	"$T/results.json" || fail "$(cat "$T/results.json")"

step "each mutant is killed by the check that it names"
mutants=0
for file in "$RINGSIDE_LABS"/labs/template/mutants/*; do
	name=$(basename "$file") name=${name%.*}
	check=$(sed -n 's/.*killed by: //p' "$file")
	lab 1 grade --lab template --mutant "$name" --results "$T/m.json"
	python3 - "$T/m.json" "$check" <<-'END' || fail "$name: $(cat "$T/said")"
		import json, sys
		t = {c["extra_data"]["id"]: c["status"]
		     for c in json.load(open(sys.argv[1]))["tests"]}
		assert t[sys.argv[2]] == "failed", t
	END
	mutants=$((mutants + 1))
done
[ $mutants -gt 1 ] || fail "$mutants mutants"

step "what the compiler says is shown as it said it"
cp "$RINGSIDE_LABS"/labs/template/solution/flight.c "$T/work/flight.c"
sed -i 's/s->uses--;/s->uses--/' "$T/work/flight.c"
line=$(grep -n 's->uses--$' "$T/work/flight.c" | cut -d: -f1)
lab 1 grade --dir "$T/work"
cat "$T/said"
said "^  flight\.c:$line:[0-9]+: error: "
said '^Not all passed: 0 of 100 points'

step "build leaves the program that a grade runs"
lab 1 build --dir "$T/work" -o "$T/none"
said "^flight\.c:$line:[0-9]+: error: "
[ ! -e "$T/none" ] || fail "it left a program"
lab 2 build --lab template --mutant nosuch -o "$T/none"
lab 2 build --lab 1 --dir "$T/work" -o "$T/none"
said 'has no code'
lab 3 build --lab template --solution -o "$T/no/such/place"
lab 0 build --lab template --solution -o "$T/made"
"$T/made" --version | cmp - <(ringsided --version) || fail "it is no ringsided"
nm "$T/made" | grep -q ' grant_flight_add$' || fail "the layer is not in it"
nm "$RINGSIDE_LABS/lib/template.o" | grep -q ' U grant_flight_add$' ||
	fail "the layer was in it before"

step "what the linker misses of the student's is the student's"
sed 's/grant_flight_remove(/grant_flight_gone(/' \
	"$RINGSIDE_LABS"/labs/template/solution/flight.c >"$T/work/flight.c"
lab 1 grade --dir "$T/work"
said 'undefined reference to .grant_flight_remove'
said '^Not all passed: 0 of 100 points'

step "what is no grade is not zero points"
mkdir "$T/nobwrap"
for tool in sh cc prlimit setpriv lttng-sessiond; do
	ln -s "$(command -v $tool)" "$T/nobwrap/"
done
PATH=$T/nobwrap "$BIN/ringside" lab grade --lab template --solution \
	>"$T/said" 2>&1
[ $? -eq 3 ] || fail "without bubblewrap: $(cat "$T/said")"
said 'not graded: .*bubblewrap'
cp -rL "$RINGSIDE_LABS" "$T/root"
echo " -l:libnothere.so.7" >>"$T/root/lib/link.flags"
RINGSIDE_LABS=$T/root lab 3 grade --dir "$T/work"
said 'not graded: ringsided cannot be linked here.*libnothere'
cp "$RINGSIDE_LABS/lib/link.flags" "$T/root/lib/"
head -c 20000 "$RINGSIDE_LABS/lib/template.o" >"$T/root/lib/template.o"
RINGSIDE_LABS=$T/root lab 3 grade --lab template --solution
said 'not graded: ringsided cannot be linked here'
mv "$T/root/include" "$T/root/headers"
cp "$RINGSIDE_LABS/lib/template.o" "$T/root/lib/"
RINGSIDE_LABS=$T/root lab 3 grade --lab template --solution
said 'not graded: .*/include has no headers'
mv "$T/root/headers" "$T/root/include"
echo 'never nonsense' >>"$T/root/labs/template/expect.trace"
RINGSIDE_LABS=$T/root lab 3 grade --lab template --solution
said 'not graded: .*expect\.trace:[0-9]+: .*nonsense'

step "where the first check fails it is the one that is told of"
sed -i 's/^never nonsense$/  front exit = 77/' \
	"$T/root/labs/template/expect.trace"
touch "$T/work/out/of-yesterday-sequence.svg"
cp "$RINGSIDE_LABS"/labs/template/skeleton/flight.c "$T/work/flight.c"
RINGSIDE_LABS=$T/root lab 1 grade --dir "$T/work"
[ "$(grep -c '^== ' "$T/said")" -eq 1 ] || fail "more than the first failure"
said 'ringside lab grade --all'
[ ! -e "$T/work/out/of-yesterday-sequence.svg" ] ||
	fail "an older grade's picture stays"
RINGSIDE_LABS=$T/root lab 1 grade --dir "$T/work" --all
[ "$(grep -c '^== ' "$T/said")" -eq 2 ] || fail "--all does not tell of all"
never_said 'lab grade --all'

step "watch answers when a file is saved"
cp "$RINGSIDE_LABS"/labs/template/skeleton/flight.c "$T/work/flight.c"
background watch ringside lab watch --dir "$T/work"
wait_until "the first round" logged watch '^Waiting'
before=$EPOCHREALTIME
cp "$RINGSIDE_LABS"/labs/template/solution/flight.c "$T/work/flight.c.new"
mv "$T/work/flight.c.new" "$T/work/flight.c"
wait_until "the second round" logged watch '^All passed'
after=$EPOCHREALTIME
echo "   a round of watch: $(((${after/[.,]/} - ${before/[.,]/}) / 1000)) ms"
[ "$(grep -cE '^Waiting .*\(this answer took [0-9]+\.[0-9] s\)' \
	"$T/watch.log")" -eq 2 ] || fail "it does not say how long it took"
[ "$(grep -c '^== ' "$T/watch.log")" -eq 1 ] ||
	fail "watch tells of more than the first check: $(cat "$T/watch.log")"
kill -INT "${JOB[watch]}"
ended watch || fail "watch ended with $?"

step "a check is passed only if all of its cases ran"
cat >"$T/root/bin/ringside-frontends" <<-'END'
	#!/bin/sh
	printf '%s\n' 'want XB-06 a broken rule' 'want XB-03 a key is missing' \
		'want XB-01 another backend' 'want XB-06 a state that is set back'
	cat "${0%/*}/said"
	exit 1
END
chmod +x "$T/root/bin/ringside-frontends"
# case_lab WORDS_OF_FRONTENDS ARG...
case_lab()
{
	printf '%s\n' "$1" >"$T/root/bin/said"
	shift
	RINGSIDE_LABS=$T/root lab 1 grade --lab 2 --solution "$@"
}
case_lab 'case 9001 XB-06 a broken rule
ok   XB-06 a broken rule
SKIP XB-03 a key is missing: too many cases waited in vain
SKIP XB-01 another backend: too many cases waited in vain
SKIP XB-06 a state that is set back: too many cases waited in vain'
cat "$T/said"
said '^  not tried   0/10  fault '
said '^  not tried   0/5   left '
said '^  not tried: two cases before hung; mend those first, or: ringside lab'
case_lab 'case 9001 XB-06 a broken rule
FAIL XB-06 a broken rule: it came to 4
FAIL ringsided , again: ringsided  does not start: wait status 0x100'
said '^  FAILED      0/10  fault '
said '-> it came to 4$'
said '^    -        case "XB-03 a key is missing"$'
said '^  not tried   0/5   left '
said '^  not tried: your ringsided could not go on'
sed -i '/^printf/,/set back/d' "$T/root/bin/ringside-frontends"
case_lab 'want XB-06 a state that is set back
FAIL ringsided , at its start: expected state 2' --check written
said '^  FAILED      0/10  written '
said '-> expected state 2$'
echo 'FAIL the desk did not start' >"$T/root/bin/said"
RINGSIDE_LABS=$T/root lab 3 grade --lab 2 --solution --check written
said 'not graded: no case can be run: FAIL the desk did not start'

step "an endless loop is named by file and line"
mkdir "$T/loop"
sed '/^static enum handshake_action offer_due/,/^}/s/^{$/{\n\tfor (volatile int x = 0; x < 1;)\n\t\t;\n/' \
	"$RINGSIDE_LABS/labs/02-handshake/solution/handshake.c" \
	>"$T/loop/handshake.c"
lab 1 grade --lab 2 --dir "$T/loop" --check offer
cat "$T/said"
tr -s '\n ' ' ' <"$T/said" | grep -q 'to, in handshake\.c:[0-9]* (offer_due)' ||
	fail "the loop has no place"

step "measure: predicted, measured, ratio"
lab 1 measure --dir "$T/work"
said 'first predict it'
lab 0 predict --dir "$T/work" told 8 --explain because
lab 0 measure --dir "$T/work"
cat "$T/said"
said '^  predicted +8 times$'
said '^  measured +0 times$'
said '^  ratio +0 '
said '^  you wrote +because$'
