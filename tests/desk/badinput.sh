#!/bin/bash
# SPDX-License-Identifier: MIT
# What is wrong with the input is told in one sentence, with the exit codes of
# DESIGN: 2 for usage and input, 1 for what fails at run time.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"

step "unknown commands, options and words"
expect_exit 2 'no command "nosuch"' ringside nosuch
ringside >"$T/out" 2>&1 && fail "no command at all is fine?"
grep -q '^Usage: ringside' "$T/out" || fail "no usage"
for command in desk attach detach insert eject front record show; do
	expect_exit 2 "ringside $command: .*--nosuch" \
		ringside $command --nosuch
	expect_exit 2 "ringside $command: " ringside $command
done
expect_exit 2 'ringsided: .*--nosuch' ringsided --nosuch
expect_exit 2 'ringsided: .*"word"' ringsided word
expect_exit 2 'ringside front: .*--bs' ringside front "$T" --bs 1000
expect_exit 2 'ringside front: .*--rw' ringside front "$T" --rw fast
expect_exit 2 'ringside record: .*level' \
	ringside record -o "$T/t" --level loud -- true
expect_exit 2 'ringside show: .*nosuch' ringside show nosuch "$T"
expect_exit 2 'ringside attach: .*mode' \
	ringside attach "$T" --target null:1M --mode x
expect_exit 2 'ringside attach: .*vdev' \
	ringside attach "$T" --target null:1M --vdev floppy
expect_exit 2 'desk: .*"dance"' ringside desk dance "$T"
expect_exit 2 'ringsided: .*xen:1' ringsided --host xen:1

step "a desk that is not there"
nodesk=$T/nodesk
mkdir "$nodesk"
for action in stop env status; do
	expect_exit 1 "ringside desk: .*$nodesk" \
		ringside desk $action "$nodesk"
done
expect_exit 2 "ringsided: .*$nodesk.*desk start" \
	ringsided --host "desk:$nodesk"
expect_exit 2 "ringsided: .*$T/none" ringsided --host "desk:$T/none"
expect_exit 2 "$T/none.*desk start" ringside front "$T/none"
expect_exit 1 "ringside front: .*$nodesk" ringside front "$nodesk"
expect_exit 1 "$nodesk" ringside attach "$nodesk" --target null:1M
expect_exit 1 "$nodesk" ringside detach "$nodesk"
expect_exit 1 'desk: .*/proc/none' ringside desk start /proc/none
touch "$T/file"
expect_exit 1 "desk: .*$T/file" ringside desk start "$T/file"

step "a desk that is there already, a second backend"
start_desk
expect_exit 1 "desk: .*$DESK" ringside desk start "$DESK"
start_ringsided
expect_exit 2 "another ringsided.*$DESK" ringsided --host "desk:$DESK"

step "targets that are no disk: the daemon's reason reaches the toolstack"
target()
{
	expect_exit 1 "$1" ringside attach "$DESK" --target "$2"
	ringside detach "$DESK" --force 2>/dev/null
}
mkdir "$T/dir"
mkfifo "$T/pipe"
: >"$T/empty"
truncate -s 1000 "$T/odd"
target 'does not exist' "$T/missing"
target 'is a directory' "$T/dir"
target 'is a pipe' "$T/pipe"
target 'is empty' "$T/empty"
target 'not a multiple' "$T/odd"
target 'character device' /dev/null
target 'null:1G' null:many
image twice 1M
attach 1 xvda "$T/twice"
expect_exit 1 'in use' ringside attach "$DESK" --vdev xvdb --target "$T/twice"
ringside detach "$DESK" --force --vdev xvdb 2>/dev/null
expect_exit 1 'xvda' ringside attach "$DESK" --target "$T/twice"
expect_exit 1 'no disk xvdq' ringside detach "$DESK" --vdev xvdq
expect_exit 1 'xvdq' front --vdev xvdq --timeout 2
running ringsided || fail "ringsided did not survive it"

step "options that do not fit the disk"
expect_exit 2 'offset' front --offset 2M
expect_exit 2 'read-only' bash -c "
	ringside attach '$DESK' --domid 2 --target '$T/one' --mode r 2>&1 >/dev/null
	truncate -s 1M '$T/one'
	ringside detach '$DESK' --domid 2 --force 2>/dev/null
	ringside attach '$DESK' --domid 2 --target '$T/one' --mode r >/dev/null
	exec ringside front '$DESK' --domid 2 --rw write"
expect_exit 2 "$T/file" front --nbd "$T/file"
expect_exit 2 'socket' front --nbd "$T/$(printf 'x%.0s' {1..120})"

step "traces that are none"
mkdir "$T/notrace" "$T/nothing"
echo junk >"$T/notrace/metadata"
for view in sequence handshake request latency report; do
	expect_exit 2 "ringside show: .*$T/none" \
		ringside show $view "$T/none"
	expect_exit 2 "ringside show: .*$T/nothing" \
		ringside show $view "$T/nothing"
	expect_exit 2 "ringside show: .*$T/notrace" \
		ringside show $view "$T/notrace"
	expect_exit 2 "ringside show: .*$T/file" \
		ringside show $view "$T/file"
done

step "a trace that is cut short is shown as far as it goes, with a word"
start_record
front --rw randrw --ops 300 --quiet || fail "front"
stop_record || fail "record: $(cat "$T/record.log")"
ringside show latency "$T/trace" >/dev/null || fail "the whole trace"
for stream in "$T"/trace/ust/pid/*/ringside_[0-9]; do
	size=$(stat -c %s "$stream")
	[ "$size" -lt 8192 ] || truncate -s $((size / 2 + 100)) "$stream"
done
ringside show latency "$T/trace" >"$T/out" 2>"$T/err"
status=$?
cat "$T/err"
[ $status -eq 0 ] || [ $status -eq 3 ] || fail "exit status $status"
[ "$(wc -l <"$T/err")" -eq 1 ] || fail "not one sentence"
rm "$T"/trace/ust/pid/*/metadata
expect_exit 2 "ringside show: .*$T/trace" ringside show latency "$T/trace"

step "where output cannot go"
expect_exit 2 "ringside record: .*$T/dir" bash -c "
	touch '$T/dir/mine'; exec ringside record -o '$T/dir' -- true"
expect_exit 2 "ringside record: .*$T/file" \
	ringside record -o "$T/file/trace" -- true
expect_exit 127 'nosuchcommand' ringside record -o "$T/t2" -- nosuchcommand
stop_ringsided
