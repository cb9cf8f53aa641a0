# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts in tests/host: a Xen host in QEMU.  One boots for all scripts of a
# run that call host_up: each leaves nothing behind in it, and is checked for
# that.  After one that failed the next boots anew.  tests/run sets T, TOP and
# BIN, and ends what is left when the run ends.
#
#	host_up              it runs; tests/host/dom0 and guest are in its /root
#			     (of this script alone, if it sets HOST=$T/h first)
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

RUN=${T%/*}
HOST=$RUN/host # of this run, not of this script

host()
{
	ringside host --dir "$HOST" "$@"
}

host_boot()
{
	local try mark=${RINGSIDE_TEST:-}
	# The process of a shared one must not be taken for one that we left.
	[ "$HOST" != "$RUN/host" ] || mark=${RUN##*/}/host
	mkdir -p "$CACHE"
	# A host that does not boot may be tried again; a check may not.
	for try in 1 2; do
		RINGSIDE_TEST=$mark host --cache "$CACHE" up && break
		echo "the host did not boot (try $try):"
		tail -n 30 "$HOST/console.log" 2>/dev/null
		[ $try = 1 ] || fail "it did not boot a second time"
	done
}

host_up()
{
	[ -e "$HOST/qemu.pid" ] && host run true || host_boot
	host run rm -rf /root/dom0 /root/guest &&
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
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		tail -n 20 "$HOST/console.log" 2>/dev/null
	elif [ "$HOST" = "$RUN/host" ]; then
		exit $status
	fi
	host down 2>/dev/null
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
