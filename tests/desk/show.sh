#!/bin/bash
# SPDX-License-Identifier: MIT
#
# timeout: 600
#
# ringside show on a real trace: every view in every format, what it must
# tell, what it must refuse, and traces that are damaged at random.
. "$TOP/tests/lib.sh"

show()
{
	ringside show "$@"
}

has()
{
	grep -qF -- "$2" "$1" || fail "$1 does not say \"$2\": $(head -50 "$1")"
}

has_not()
{
	! grep -qF -- "$2" "$1" || fail "$1 says \"$2\""
}

step "a run with reads, writes and a flush, two disks"
start_desk
start_ringsided
image a.img 16M
image b.img 16M
start_record
attach 1 xvda "$T/a.img"
attach 2 xvdb "$T/b.img"
front --rw randrw --bs 8k --depth 4 --ops 200 --quiet || fail "front"
front --domid 2 --vdev xvdb --rw write --bs 4k --depth 1 --ops 20 --quiet ||
	fail "the second front"
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"
trace=$T/trace

step "each view in each format"
formats_of()
{
	case $1 in
	sequence | handshake) echo text svg png pdf dot mermaid json ;;
	request | latency) echo text svg png pdf dot json ;;
	report) echo html ;;
	esac
}
for view in sequence handshake request latency report; do
	for format in $(formats_of $view); do
		out=$T/$view.$format
		show $view "$trace" -o "$out" -f "$format" 2>"$T/err" ||
			fail "$view as $format: $(cat "$T/err")"
		[ -s "$out" ] || fail "$view as $format is empty"
		[ -s "$T/err" ] && fail "$view as $format said: $(cat "$T/err")"
		case $format in
		svg) xmllint --noout "$out" || fail "$out is no XML"
			rsvg-convert "$out" -o "$T/drawn.png" ||
				fail "$out cannot be drawn" ;;
		png) [ "$(head -c 4 "$out" | tail -c 3)" = PNG ] ||
			fail "$out is no PNG" ;;
		pdf) [ "$(head -c 5 "$out")" = %PDF- ] || fail "$out is no PDF" ;;
		json) python3 -m json.tool "$out" >/dev/null ||
			fail "$out is no JSON" ;;
		esac
	done
done
ls "$T"/.*.part "$T"/*.part 2>/dev/null && fail "a part of a file was left"

step "a read can be followed from the push to its completion"
seq=$(python3 - "$T/request.json" <<-'END'
	import json, sys
	r = json.load(open(sys.argv[1]))["requests"][0]
	s = r["stages_ns"]
	order = ["pushed", "taken", "checked", "submitted", "stored",
		 "answered", "completed"]
	t = [s[k] for k in order]
	assert None not in t, s
	assert t == sorted(t), s
	assert len(r["steps"]) >= 10, r["steps"]
	print(r["seq"])
END
) || fail "the slowest request's story has holes"
show sequence "$trace" --request "$seq" >"$T/one" || fail "--request $seq"
for word in "pushes" "req_prod" "out of slot" "keeps every rule" \
	"backend -> disk" "done for #$seq" "responds to #$seq: okay" \
	"rsp_prod" "completes #$seq: okay"; do
	has "$T/one" "$word"
done
has_not "$T/one" "#$((seq + 1))"

step "the handshake has both sides, their keys and features"
for word in "frontend  " "1 Initialising -> 3 Initialised" \
	"2 InitWait -> 4 Connected" "writes   ring-ref" \
	"writes   event-channel" "reads    sectors" "feature-flush-cache" \
	"sees the backend in 4 Connected" "5 Closing"; do
	has "$T/handshake.text" "$word"
done
has "$T/handshake.svg" "never taken"

step "choosing"
show sequence "$trace" --device 2/51728 >"$T/b" || fail "--device"
has "$T/b" "(xvdb)"
has "$T/b" "more like the above"
show sequence "$trace" --first 5 >"$T/first" || fail "--first"
[ "$(grep -c ' -> ' "$T/first")" -le 5 ] || fail "--first 5 showed more"
has "$T/first" "more messages not shown"
show request "$trace" --slowest 3 >"$T/slow" || fail "--slowest"
has "$T/slow" "The 3 slowest requests"
expect_exit 2 'no device 9/1; it holds' ringside show latency "$trace" \
	--device 9/1
expect_exit 2 'no queue 7' ringside show sequence "$trace" --queue 7
expect_exit 2 'no request 99999' ringside show request "$trace" \
	--request 99999
expect_exit 3 'nothing happened' ringside show sequence "$trace" --from 90s
expect_exit 2 'later than' ringside show sequence "$trace" --from 2s --to 1s
expect_exit 2 'takes a time' ringside show sequence "$trace" --from x
expect_exit 2 'x tells no format: choose one of html' \
	ringside show report "$trace" -o "$T/x.d/x"
expect_exit 2 'comes as text.*json' ringside show latency "$trace" -f mermaid
expect_exit 2 'comes as html' ringside show report "$trace" -o "$T/x.svg"
expect_exit 1 'cannot write' ringside show latency "$trace" -o "$T/no/x.svg"
expect_exit 1 'No space' ringside show latency "$trace" -o /dev/full -f text

step "a report that needs no network and trusts no guest"
has "$T/report.html" "default-src 'none'"
grep -oE '(src|href)="?[a-z]+:' "$T/report.html" && fail "it links outside"

step "Ctrl-C leaves nothing"
timeout -s INT 0.05 ringside show report "$trace" -o "$T/int.html"
ls "$T"/int.html.* 2>/dev/null && fail "a part is left"

export TMPDIR=$T/tmp
mkdir "$TMPDIR"
step "traces that are damaged at random never crash, hang or lie"
cp -r "$trace" "$T/whole"
part=$(dirname "$(find "$T/whole" -name metadata -path '*ringsided*' |
	head -1)")
[ -d "$part" ] || fail "the backend has no part in the trace"
tries=12 refused=0
[ "$LEVEL" = all ] && tries=60
for ((i = 0; i < tries; i++)); do
	rm -rf "$T/hurt"
	cp -r "$part" "$T/hurt"
	"$TOP/tests/desk/damage.py" "$T/hurt" "$i" || fail "seed $i: no damage"
	RINGSIDE_SHOW_PATIENCE=10 timeout 60 ringside show sequence \
		"$T/hurt" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	case $status in
	0) ;;
	1 | 2 | 3)
		[ -s "$T/err" ] || fail "seed $i: status $status, no word"
		refused=$((refused + 1))
		;;
	*) fail "seed $i: status $status: $(cat "$T/err")" ;;
	esac
	# The decoder's own faults are not ours to mend, but to tell of.
	case $BIN in
	*-address*) ;;
	*)
		grep -q 'the decoder gave up' "$T/err" ||
			! grep -E 'runtime error|CRITICAL' "$T/err" ||
			fail "seed $i: $(cat "$T/err")"
		;;
	esac
done
[ -z "$(ls "$TMPDIR")" ] || fail "files are left: $(ls "$TMPDIR")"
[ $refused -gt 0 ] || fail "no damage was noticed"
echo "   $tries damaged traces, $refused refused"
