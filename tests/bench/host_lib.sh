# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For benchmarks on a real Xen host in QEMU: one of its own runs when this has
# been read, and is gone when the script ends.  What dom0 prints is in $T/out.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export TOP BIN=$TOP/build/bin T
export PATH=$BIN:$PATH
T=$(mktemp -d /tmp/rs-bench-XXXXXX) || exit 1
. "$TOP/tests/hostlib.sh"
HOST=$T/h
trap finish_bench EXIT
finish_bench()
{
	local status=$?
	host down 2>/dev/null
	rm -rf "$T"
	exit $status
}
host_up
