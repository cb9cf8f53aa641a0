# SPDX-License-Identifier: MIT
# In dom0: ringsided with the layer that a lab's solution is, one lab after the
# other (/root/labs/LAB/solution), recorded in /root/trace; then with a mutant
# (/root/labs/03-grants/mutant), which Linux's blkfront must notice.
. "${0%/*}/lib.sh"
image extra 1M
head -c 1M /dev/urandom >$IMAGES/extra
sum=$(md5sum <$IMAGES/extra | cut -c1-32)

# $1: which program of lab $2; options follow.
serve()
{
	RINGSIDED=/root/labs/$2/$1 daemon_start "${@:3}"
	image disk.img 64M
	guest_start one /root/guest/lab.sh "disk=['$(disk xvda disk.img)']"
}

solution()
{
	step "lab $1: the solution serves a guest"
	serve solution "$@"
	wait_for "the guest's files and data are right" 120 has one ready 1
	step "its disk is right; a second one comes and goes"
	xl block-attach one "$(disk xvdz extra r)" || fail "attach failed"
	wait_for "the guest reads a second disk" 30 has one seen "$sum"
	xl block-detach one xvdz || fail "detach failed"
	step "it shuts down, and nothing is left"
	guest_task one 30 || fail "its task failed with status $?"
	guest_gone one 30
	all_clean
	e2fsck -fn $IMAGES/disk.img >/tmp/fsck 2>&1 ||
		fail "the image is not sound: $(cat /tmp/fsck)"
	logged 'refused|failed|come to rest' && fail "the log tells of failures"
	daemon_stop
}

# A mutant's guest is no more asked than its daemon.
mutant_end()
{
	has one ready 1 && fail "the guest's task went on"
	step "and is cleaned up"
	no_guest one || xl destroy one || fail "xl destroy failed"
	kill -TERM "$DAEMON"
	wait_for "ringsided ends" 20 daemon_gone
	guest_gone one 30
	nothing_left
}

told()
{
	grep -aq 'disabled for further use' "$CONSOLE/guest-one.log"
}

is_given_up()
{
	local lab=$1 regex=$2
	step "lab $lab: blkfront gives up a mutant: $regex"
	serve mutant "$lab" "${@:3}"
	wait_for "the guest's kernel tells" 60 told
	grep -aE "$regex" "$CONSOLE/guest-one.log" | head -1 ||
		fail "it does not tell \"$regex\""
	mutant_end
}

step "recording begins"
record_start /root/trace
solution 02-handshake
# blkfront keeps its grants if it may; the lab's file maps them each time.
solution 03-grants --grants map
solution 05-ring
step "the recording ends"
record_stop

is_given_up 03-grants 'has not unmapped grant' --grants map
step "all done"
