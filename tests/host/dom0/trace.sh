# SPDX-License-Identifier: MIT
# In dom0: record a guest from its handshake to its end, in /root/trace; and
# one whose grants are not kept, in /root/mapped.
. "${0%/*}/lib.sh"

# Into $1, with a ringsided that has the options that follow.
recorded()
{
	local out=$1
	shift
	daemon_start "$@"
	image disk.img 128M
	record_start "$out"
	guest_start one /root/guest/few.sh "disk=['$(disk xvda disk.img)']"
	guest_task one 200 || fail "its task failed with status $?"
	guest_gone one 30
	all_clean
	daemon_stop
	record_stop
}

step "a guest is recorded"
recorded /root/trace
step "and one whose pages are mapped for each request"
recorded /root/mapped --grants map
