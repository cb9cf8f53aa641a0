# SPDX-License-Identifier: MIT
# In dom0: record a guest from its handshake to its end, in /root/trace; and
# one whose grants are not kept, in /root/mapped, while ringside top looks into
# the daemon, in /root/top.json.
. "${0%/*}/lib.sh"

# Into $1, with a ringsided that has the options that follow.
recorded()
{
	local out=$1
	shift
	daemon_start "$@"
	[ -z "$looks" ] || top_start
	image disk.img 128M
	record_start "$out"
	guest_start one /root/guest/few.sh "disk=['$(disk xvda disk.img)']"
	guest_task one 200 || fail "its task failed with status $?"
	guest_gone one 30
	[ -z "$looks" ] || top_end
	all_clean
	daemon_stop
	record_stop
}

top_start()
{
	ringside top --stages --kernel --json --interval 0.5 >/root/top.json \
		2>/tmp/top.said </dev/null &
	TOP=$!
	wait_for "top looks" 60 test -s /root/top.json
}

top_end()
{
	kill "$TOP"
	wait "$TOP" || fail "top ended with $?: $(cat /tmp/top.said)"
	[ ! -s /tmp/top.said ] || fail "top says: $(cat /tmp/top.said)"
}

step "a guest is recorded"
looks=
recorded /root/trace
step "and one whose pages are mapped for each request, with a look inside"
looks=yes
recorded /root/mapped --grants map
