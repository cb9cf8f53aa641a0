# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts in tests/host: one Xen host in QEMU for each, ended with it.
# tests/run sets T, TOP and BIN.
#
#	host_up              boot it; tests/host/dom0 and guest are in its /root
#	dom0 SCRIPT [ARG...] run tests/host/dom0/SCRIPT there; its exit status
#	host ...             ringside host with this host's directory
set -u
: "${T:?run this through tests/run}" "${TOP:?}" "${BIN:?}"
# What is expensive is kept between runs, for all tests and users of it.
# `make host-images` makes it.
CACHE=${RINGSIDE_HOST_CACHE:-/var/cache/ringside-host}

fail()
{
	printf 'FAILED: %s\n' "$*"
	exit 1
}

host()
{
	ringside host --dir "$T/h" "$@"
}

host_up()
{
	local try
	mkdir -p "$CACHE"
	# A host that does not boot may be tried again; a check may not.
	for try in 1 2; do
		host --cache "$CACHE" up && break
		echo "the host did not boot (try $try):"
		tail -n 30 "$T/h/console.log" 2>/dev/null
		[ $try = 1 ] || fail "it did not boot a second time"
	done
	host put "$TOP/tests/host/dom0" "$TOP/tests/host/guest" /root ||
		fail "the scripts could not be brought in"
}

dom0()
{
	host run bash "/root/dom0/$1" "${@:2}"
}

finish()
{
	local status=$?
	trap - EXIT
	host down 2>/dev/null
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		tail -n 20 "$T/h/console.log" 2>/dev/null
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
