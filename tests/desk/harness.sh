#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/run itself: a failure, a leak and a hang must not pass unseen.
set -u
mkdir "$T/tests"
cd "$T/tests" || exit 1
echo 'exit 0' >passes.sh
echo 'echo the reason why; exit 3' >fails.sh
echo 'echo no such device here; exit 77' >skips.sh
echo 'setsid sleep 300 & exit 0' >leaks.sh
printf '# timeout: 1\nsleep 300\n' >hangs.sh
printf '# level: all\nexit 0\n' >longer.sh
echo 'setsid bash -c "exec -a lost sleep 300" & kill -9 $$' >dies.sh
cat >socket.sh <<'END'
nbdkit -U "$T/s" -f null >/dev/null &
for i in $(seq 50); do [ -S "$T/s" ] && break; sleep 0.1; done
kill -9 $!
END
echo 'dd if=/dev/zero of=/dev/shm/harness-test bs=1 count=1 status=none' >shm.sh
cd "$T" || exit 1

expect()
{
	grep -qE -- "$1" out || { echo "FAILED: no line \"$1\" in:"; cat out; exit 1; }
}

"$TOP/tests/run" --tests "$T/tests" passes fails skips leaks hangs dies \
	socket longer >out 2>&1
[ $? -eq 1 ] || { echo "FAILED: exit status is not 1"; cat out; exit 1; }
expect '^ok   passes '
expect '^FAIL fails .* exit status 3'
expect 'the reason why'
expect '^skip skips .* no such device here'
expect '^FAIL leaks .* left a process: [0-9]+ sleep 300'
expect '^FAIL hangs .* not done after 1 s'
expect '^FAIL dies .* exit status 137'
expect 'left a process: [0-9]+ lost 300'
expect '^FAIL socket .* left a socket'
expect '1 longer scripts run with --all only'
tail -n 1 out | grep -qx '1 passed, 5 failed, 1 skipped' || { cat out; exit 1; }

"$TOP/tests/run" --tests "$T/tests" shm >out 2>&1
status=$?
rm -f /dev/shm/harness-test
[ $status -eq 1 ] || { echo "FAILED: shm: status $status"; cat out; exit 1; }
expect 'left shared memory'
expect '/dev/shm/harness-test'

"$TOP/tests/run" --tests "$T/tests" --all passes longer >out 2>&1
[ $? -eq 0 ] || { cat out; exit 1; }
tail -n 1 out | grep -qx '2 passed, 0 failed, 0 skipped' || { cat out; exit 1; }

"$TOP/tests/run" --tests "$T/tests" nonesuch >out 2>&1
[ $? -eq 2 ] || { echo "FAILED: nothing to run is not 2"; cat out; exit 1; }

# Ctrl-C: nothing that was started goes on.
echo "bash -c 'exec -a hung$$ sleep 300'" >"$T/tests/hangs2.sh"
"$TOP/tests/run" --tests "$T/tests" hangs2 >out 2>&1 &
for ((i = 0; i < 100; i++)); do pgrep -f "^hung$$ 300" >/dev/null && break; sleep 0.1; done
pgrep -f "^hung$$ 300" >/dev/null || { echo "FAILED: hangs2 did not start"; exit 1; }
kill -TERM $!
wait $!
[ $? -eq 130 ] || { echo "FAILED: interrupted, but not 130"; cat out; exit 1; }
for ((i = 0; i < 30; i++)); do pgrep -f "^hung$$ 300" >/dev/null || exit 0; sleep 0.1; done
echo "FAILED: a test goes on after Ctrl-C"
exit 1
