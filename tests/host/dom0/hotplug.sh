# SPDX-License-Identifier: MIT
# In dom0: a third disk comes and goes under load, at last beside another guest,
# which is destroyed in the middle of its I/O.
. "${0%/*}/lib.sh"
ROUNDS=${1:-50}
daemon_start
for name in a1 a2 b1 b2; do image $name 32M; done
image extra 8M
head -c 8M /dev/urandom >$IMAGES/extra
sum=$(head -c 512k $IMAGES/extra | md5sum | cut -c1-32)

under_load()
{
	TASK_ENV='LOAD="/dev/xvda /dev/xvdb"' guest_start "$1" \
		/root/guest/load.sh \
		"disk=['$(disk xvda "${1}1")','$(disk xvdb "${1}2")']"
	wait_for "$1 is under load" 60 has "$1" running 1
}

channels()
{
	channels_to_guests | grep -c "Remote Domain ${DOMID[a]},"
}

times=0
comes_and_goes()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		times=$((times + 1))
		xl block-attach a "$(disk xvdz extra r)" ||
			fail "attach $times failed"
		wait_for "the guest reads disk $times" 30 \
			has a seen "$times $sum"
		xl block-detach a xvdz || fail "detach $times failed"
	done
	[ "$(xenstore-list "/local/domain/0/backend/vbd/${DOMID[a]}" |
		wc -l)" = 2 ] || fail "nodes of detached disks are left"
	[ "$(channels)" = "$before" ] ||
		fail "$(channels) event channels to the guest, not $before"
	daemon_alive
}

step "a guest with two disks, under load"
under_load a
before=$(channels)

# Most of the times without the other guest, which makes each twice as long.
step "a disk comes and goes $((ROUNDS - 5)) times"
comes_and_goes $((ROUNDS - 5))

step "another guest with two disks, under load"
under_load b

step "the disk comes and goes 5 times more"
comes_and_goes 5

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
daemon_stop
