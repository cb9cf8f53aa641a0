#!/bin/bash
# SPDX-License-Identifier: MIT
# "make demo" itself: what it promises is there, what it tells to try next
# works as printed, and Ctrl-C at any moment leaves nothing.
#
# level: all
# timeout: 300
# alone
. "${0%/*}/../lib.sh"

step "Ctrl-C, sooner or later"
# Of demonstrations that others killed here, something may lie about.
before=$(compgen -G "/tmp/ringside-demo-*")
for seconds in 0.2 0.8 1.5 2.5; do
	set -m
	OUT=$T/out background demo bash "$TOP/tests/demo.sh"
	set +m
	sleep $seconds
	kill -INT "-${JOB[demo]}" 2>/dev/null || break
	ended demo
	status=$?
	[ $status -eq 130 ] || [ $status -eq 1 ] || [ $status -eq 0 ] ||
		fail "exit status $status: $(cat "$T/demo.log")"
	[ "$(compgen -G "/tmp/ringside-demo-*")" = "$before" ] ||
		fail "its directory is left"
done

step "to the end"
OUT=$T/out bash "$TOP/tests/demo.sh" >"$T/demo.log" 2>&1 ||
	fail "demo: $(cat "$T/demo.log")"
tail -n 25 "$T/demo.log"
for picture in sequence.svg handshake.svg; do
	xmllint --noout "$T/out/$picture" || fail "$picture is no XML"
	grep -q '<svg' "$T/out/$picture" || fail "$picture is no picture"
	# At another resolution Graphviz 2.42 draws outside of the page.
	grep -q 'transform="scale(1 1)' "$T/out/$picture" ||
		fail "$picture is cut off"
done
grep -qi '<html' "$T/out/report.html" || fail "the report is no HTML"
grep -oE '(src|href)="(https?:)?//[^"]*"' "$T/out/report.html" &&
	fail "the report needs the network"
babeltrace2 "$T/out/trace" >"$T/events" || fail "babeltrace2"
for op in read write flush; do
	grep -q "request_take.*\"$op\"" "$T/events" || fail "no $op in it"
done

step "what to try next, as it is printed"
sed -n '/^Try next:/,/^$/p' "$T/demo.log" | sed -n 's/^  //p' >"$T/try"
[ "$(wc -l <"$T/try")" -ge 6 ] || fail "there is nothing to try"
# In other places, so that it runs beside a desk of the machine's user.
sed -i "s#/tmp/desk#$T/trydesk#g; s#/tmp/disk.img#$T/try.img#g" "$T/try"
cat "$T/try"
# With jobs, as a person's shell has them, for "kill %1".
bash -me "$T/try" >"$T/try.log" 2>&1 ||
	fail "it does not work: $(cat "$T/try.log")"
grep -q ' 0 wrong' "$T/try.log" || fail "nothing was verified"
