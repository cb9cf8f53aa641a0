#!/bin/bash
# SPDX-License-Identifier: MIT
# What students write in labs 2, 3 and 5, under Linux's blkfront on a real Xen
# host: the solutions serve a guest and keep the rules of the protocol; a mutant,
# built in the same way, does not get by.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
export RINGSIDE_LABS=$BIN/labs

# made LAB FILE OPTION...: as a grade would build it
made()
{
	mkdir -p "$T/labs/$1"
	ringside lab build --trust --lab "$1" -o "$T/labs/$1/$2" "${@:3}" ||
		fail "the $2 of lab $1 cannot be built"
}

for lab in 02-handshake 03-grants 05-ring; do
	made $lab solution --solution
done
made 03-grants mutant --mutant next-time
host_up
host put "$T/labs" /root && dom0 labs.sh || exit 1

echo "-- the rules that these labs are about"
host get /root/trace "$T" || fail "the trace did not come out"
babeltrace2 "$T/trace" >"$T/text" || fail "babeltrace2 cannot read it"
"$TOP/tests/host/rules.py" "$T/text" XB-01 XB-05 XB-06 XB-19 GR-46 GR-47 GR-49 \
	RG-20 RG-21 RG-22 RG-23 RG-24 RG-25 RG-26 RG-30 RG-31 ||
	fail "a solution broke a rule, or none was put to the test"
