# SPDX-License-Identifier: MIT
# In dom0: where the time of a guest's requests goes, and what of it is the
# kernel's, in /root/top.json.
. "${0%/*}/lib.sh"

step "ringside top looks into the daemon while a guest works"
daemon_start --grants map
ringside top --stages --kernel --json --interval 0.5 >/root/top.json \
	2>/tmp/top.said </dev/null &
TOP=$!
wait_for "top looks" 60 test -s /root/top.json
image disk.img 128M
guest_start one /root/guest/few.sh "disk=['$(disk xvda disk.img)']"
guest_task one 200 || fail "its task failed with status $?"
guest_gone one 30
kill "$TOP"
wait "$TOP" || fail "top ended with $?: $(cat /tmp/top.said)"
[ ! -s /tmp/top.said ] || fail "top says: $(cat /tmp/top.said)"
all_clean
daemon_stop
