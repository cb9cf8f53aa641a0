# SPDX-License-Identifier: MIT
# In dom0: record a guest from its handshake to its end, in /root/trace.
. "${0%/*}/lib.sh"
daemon_start
image disk.img 128M
rm -rf /root/trace
: >/run/recording
ringside record -o /root/trace -- bash -c \
	'echo begun; while [ -e /run/recording ]; do sleep 0.2; done' \
	>/tmp/record.log 2>&1 &
record=$!
wait_for "recording begins" 60 grep -q begun /tmp/record.log

step "a guest is recorded"
guest_start one /root/guest/few.sh "disk=['$(disk xvda disk.img)']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
all_clean
daemon_stop
rm /run/recording
wait $record || fail "ringside record failed: $(cat /tmp/record.log)"
cat /tmp/record.log
grep -q 'none lost' /tmp/record.log || fail "events were lost"
