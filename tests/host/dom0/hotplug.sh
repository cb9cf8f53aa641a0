# SPDX-License-Identifier: MIT
# In dom0: two guests with two disks each; a third disk comes and goes under
# load; one guest is destroyed in the middle of its I/O.
. "${0%/*}/lib.sh"
ROUNDS=${1:-50}
daemon_start
for name in a1 a2 b1 b2; do image $name 32M; done
image extra 8M
head -c 8M /dev/urandom >$IMAGES/extra
sum=$(head -c 512k $IMAGES/extra | md5sum | cut -c1-32)

step "two guests with two disks each, under load"
TASK_ENV='LOAD="/dev/xvda /dev/xvdb"'
for name in a b; do
	guest_start $name /root/guest/load.sh \
		"disk=['$(disk xvda ${name}1)','$(disk xvdb ${name}2)']"
done
for name in a b; do
	wait_for "$name is under load" 60 has $name running 1
done

channels()
{
	channels_to_guests | grep -c "Remote Domain ${DOMID[a]},"
}
before=$(channels)

step "a disk comes and goes $ROUNDS times"
for ((i = 1; i <= ROUNDS; i++)); do
	xl block-attach a "$(disk xvdz extra r)" || fail "attach $i failed"
	wait_for "the guest reads disk $i" 30 has a seen "$i $sum"
	xl block-detach a xvdz || fail "detach $i failed"
done
[ "$(xenstore-list "/local/domain/0/backend/vbd/${DOMID[a]}" | wc -l)" = 2 ] ||
	fail "nodes of detached disks are left"
[ "$(channels)" = "$before" ] ||
	fail "$(channels) event channels to the guest, not $before"
daemon_alive

step "a guest is destroyed in the middle of its I/O"
xl destroy b || fail "xl destroy failed"
guest_gone b 30
sleep 1
xl list | grep -q '(null)' && fail "the destroyed domain is still there"
[ -z "$(xenstore-list "/local/domain/0/backend/vbd" | grep -vx "${DOMID[a]}")" ] ||
	fail "nodes of the destroyed guest are left"

step "the other one was not disturbed"
guest_stop a
guest_task a 120 || fail "the task of a failed with status $?"
guest_gone a 30
all_clean
grep -cE 'device 5[0-9]+: connected' /tmp/ringsided.log
daemon_stop
