#!/bin/bash
# SPDX-License-Identifier: MIT
# What cannot be served, on a real Xen host and without one.
#
# level: all
# timeout: 1200
# alone
. "${0%/*}/../hostlib.sh"
HOST=$T/h # where nothing runs yet

says()
{
	local code=$1 regex=$2 status
	shift 2
	"$@" >"$T/out" 2>&1 </dev/null
	status=$?
	[ $status -eq "$code" ] && grep -qE "$regex" "$T/out" ||
		fail "\"$*\" exited with $status, not $code, or said:" \
			"$(cat "$T/out")"
	printf '   %s -> %s: %s\n' "${*##*/}" $status "$(head -1 "$T/out" |
		cut -c1-150)"
}

says 2 'does not run on Xen' ringsided
says 125 'no Xen host runs' host run true
says 1 'no Xen host runs' host down
says 2 'none of up' host sideways
says 2 'needs a command' host run
says 2 'number from' host --cpus 0 up
says 2 'cannot read' host --programs "$T/none" up
says 1 'cannot be made|too long' ringside host --dir "/proc/none" \
	--cache "$CACHE" up
host_up
says 1 'runs in .* already' host up
says 3 three host run 'echo three; exit 3'
says 127 'not found|No such file' host run no-such-command x
says 1 'No such file|cannot' host get /no/such/file "$T"
dom0 badinput.sh || exit 1

echo "-- a command that is interrupted, and nothing is left"
# SIGTERM: a shell's background jobs do not hear SIGINT. The program itself,
# not the function host: the signal would end the function's shell alone.
ringside host --dir "$HOST" run sleep 1000 &
sleep 3
kill -TERM $!
wait $!
status=$?
[ $status -eq 143 ] || fail "exit status $status after SIGTERM"
host run pgrep -x sleep && fail "the command goes on in dom0"
host down || fail "it did not end"
pgrep -f "$HOST/" && fail "QEMU is left"
[ -z "$(find "$HOST" -name 'port*')" ] || fail "ports are left"
exit 0
