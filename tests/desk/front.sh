#!/bin/bash
# SPDX-License-Identifier: MIT
# The frontend as a user meets it: loads and comparisons, wrong options, a
# backend that is late, silent, or goes, and the disk over NBD with the
# clients that people use.
#
# timeout: 300
. "${0%/*}/../lib.sh"

stop_with()
{
	kill "-$1" "${JOB[$2]}"
	ended "$2"
}

# The load $1 writes to image $2: it has begun, and hears signals.  Before
# that a shell's background job does not.
load_begins()
{
	wait_until "load $1 writes" test "$T/$2" -nt "$T/mark"
}

ops_of()
{
	sed -nE "/\"$1\":/,/ops/s/.*\"ops\": *([0-9]+).*/\1/p" | head -1
}

step "wrong options"
start_desk
expect_exit 2 "directory is missing" ringside front
expect_exit 2 "no directory of a desk" ringside front "$T/nowhere"
expect_exit 2 "no directory of a desk" ringside front "$TOP/Makefile"
expect_exit 2 "nothing to do with" front other
expect_exit 2 "no virtual disk" front --vdev xvd
expect_exit 2 "names xvda twice" front --vdev xvda,xvda
expect_exit 2 "is one of read, write" front --rw reed
expect_exit 2 "multiple of 512" front --bs 1000
expect_exit 2 "from 512 to" front --bs 64M
expect_exit 2 "from 512 to" front --bs 0
expect_exit 2 "a size such as" front --bs 4q
expect_exit 2 "from 1 to 1024" front --depth 0
expect_exit 2 "from 1 to 1024" front --depth 1025
expect_exit 2 "not be more than" front --depth 1024 --bs 32M
expect_exit 2 "from 1 to 32751" front --domid 0
expect_exit 2 "does none" front --flush-every 5
expect_exit 2 "needs the --seed" front --rw randread --verify
expect_exit 2 "no load" front --nbd "$T/s" --rw read
expect_exit 2 "exports one disk" front --nbd "$T/s" --vdev xvda,xvdb
expect_exit 1 "ringside attach" front

step "a disk without a backend, and one that comes late"
image disk 8M
attach 1 xvda "$T/disk"
expect_exit 1 "InitWait.*is ringsided running" front --timeout 1
background late ringside front "$DESK" --ops 10
sleep 0.3
start_ringsided
ended late || fail "the frontend did not wait for the backend"
expect_exit 1 "ringside attach" front --vdev xvdb

step "what the handshake settles"
front --info | tee "$T/info"
grep -q '16384 sectors of 512 bytes' "$T/info" || fail "wrong size"
grep -q 'flush  *used' "$T/info" || fail "no flush"
expect_exit 2 "beyond the end" front --size 8M --offset 512
expect_exit 2 "has only" front --offset 8M
expect_exit 2 "more than" front --bs 16M --depth 1

step "each load, compared"
sizes="512 100k"
[ "$LEVEL" = all ] && sizes="512 4k 20k 44k 100k 1M"
for rw in write rw randwrite randrw; do
	for bs in $sizes; do
		front --rw $rw --bs "$bs" --verify --offset 1536 --ops 300 \
			--flush-every 50 --json >"$T/json" || fail "$rw $bs"
		grep -q '"mismatches": *0' "$T/json" || fail "$rw $bs"
		grep -q '"reread": *0,' "$T/json" && fail "nothing read again"
	done
done
[ "$(ops_of flush <"$T/json")" -gt 0 ] || fail "no flush was done"
front --runtime 1 --rw randread --quiet >"$T/quiet" || fail "--runtime"
[ -s "$T/quiet" ] && fail "--quiet said something"

step "what one run wrote, another finds"
front --rw write --verify --seed 7 --depth 8 || fail "write"
front --rw randread --verify --seed 7 || fail "read again"
expect_exit 1 "another run" front --rw read --verify --seed 8
# One sector is swapped behind everybody's back, one is cut.
dd if="$T/disk" of="$T/disk" bs=512 skip=100 seek=2000 count=1 \
	conv=notrunc status=none
expect_exit 1 "sector 2000 holds the data of sector 100" \
	front --rw read --verify --seed 7
dd if=/dev/zero of="$T/disk" bs=1 seek=$((2000 * 512)) count=200 \
	conv=notrunc status=none
expect_exit 1 "sector 2000 holds nothing" front --rw read --verify --seed 7

step "a disk that may only be read"
image fixed 4M
attach 1 xvdc "$T/fixed" --mode r
front --vdev xvdc --info --json | grep -q '"readonly": *true' ||
	fail "it does not say so"
front --vdev xvdc || fail "it cannot be read"
expect_exit 2 "read-only" front --vdev xvdc --rw randrw

step "two disks by one frontend"
image second 4M
attach 1 xvdb "$T/second"
front --vdev xvda,xvdb --rw randrw --verify --ops 2000 >"$T/two" || fail "two"
cat "$T/two"
[ "$(grep -c '^xvd[ab]: 2000 operations' "$T/two")" = 2 ] || fail "two reports"

step "Ctrl-C under load"
touch "$T/mark"
background load ringside front "$DESK" --rw randrw --verify --runtime 60
load_begins load disk
stop_with INT load
[ $? = 1 ] || fail "a run that was stopped is not done"
logged load "stopped before it was done" || fail "no word of it"
logged load "xvda: [0-9]* operations" || fail "no report"
desk_is_clean

step "the disk is taken away under load"
touch "$T/mark"
background load2 ringside front "$DESK" --vdev xvdb --rw randrw --runtime 60
load_begins load2 second
ringside detach "$DESK" --domid 1 --vdev xvdb || fail "detach"
ended load2
[ $? = 1 ] || fail "the load went on without a disk"
logged load2 "the backend closed xvdb" || fail "no word of it"
desk_is_clean

step "a backend that only sleeps is not waited for"
killed ringsided
background idle sleep 600
expect_exit 1 "InitWait.*and sleeps" front --timeout 600 --backend-pid "${JOB[idle]}"
killed idle
start_ringsided

step "the backend is killed under load; the next one serves the next frontend"
touch "$T/mark"
background load3 ringside front "$DESK" --rw randrw --runtime 60 --timeout 2
load_begins load3 disk
killed ringsided
ended load3
[ $? = 1 ] || fail "the load went on without a backend"
logged load3 "is ringsided still running" || fail "no word of it"
start_ringsided
front --rw randrw --verify --ops 1000 || fail "the disk died of it"
desk_is_clean

command -v nbdkit >/dev/null || skip "nbdkit is not installed"
S=$T/nbd # where front_nbd puts it
export DESK
export -f front_nbd
U="nbd+unix:///?socket=$S"

step "the disk over NBD"
serves=0
serve()
{
	# What the last server said must not pass for this one's word.
	[ -e "$T/nbd.log" ] && mv "$T/nbd.log" "$T/nbd$((serves++)).log"
	background nbd front_nbd "$@"
	wait_until "the NBD server is ready" logged nbd '^nbd+unix'
}
expect_exit 2 "will not replace" front --nbd "$T/disk"
expect_exit 2 "No such file" front --nbd "$T/nowhere/s"
expect_exit 2 "1 to 107 bytes" front --nbd "$(printf '%0108d' 0)"
expect_exit 1 "ringside attach" bash -c 'front_nbd --vdev xvdz'
mkdir -p "$T/bin"
expect_exit 1 "nbdkit is not installed" \
	env PATH="$T/bin" "$(command -v ringside)" front "$DESK" --nbd "$S"
serve
expect_exit 2 "another server listens" front --nbd "$S"

if command -v nbdcopy >/dev/null; then
	nbdinfo "$U" | tee "$T/nbdinfo"
	grep -q 'export-size: 8388608' "$T/nbdinfo" || fail "size"
	grep -q 'can_multi_conn: true' "$T/nbdinfo" || fail "multi-conn"
	grep -q 'can_fua: true' "$T/nbdinfo" || fail "fua"
	truncate -s 8M "$T/ext4"
	mkfs.ext4 -q -F -d "$TOP/src" "$T/ext4" || fail "mkfs"
	nbdcopy --flush "$T/ext4" "$U" || fail "nbdcopy in"
	nbdcopy "$U" "$T/out" || fail "nbdcopy out"
	cmp "$T/ext4" "$T/out" || fail "it came back different"
	cmp "$T/ext4" "$T/disk" || fail "it is not on the disk"
	e2fsck -fn "$T/out" >/dev/null 2>&1 || fail "the file system is damaged"
fi
if command -v qemu-io >/dev/null; then
	# Sizes and places that no sector knows, and a flush.
	qemu-io -f raw -c "write -P 0x5a 1000003 5001" -c flush \
		-c "read -P 0x5a 1000003 5001" "$U" || fail "qemu-io"
	qemu-img convert -n -f raw -O raw "$T/out" "$U" || fail "qemu-img"
	qemu-img compare -f raw -F raw "$U" "$T/ext4" || fail "qemu-img compare"
fi
if fio --enghelp=nbd >/dev/null 2>&1; then
	fio --name=ring --ioengine=nbd --uri="$U" --rw=randrw --bs=4k --size=4M \
		--iodepth=32 --verify=crc32c --verify_fatal=1 \
		>"$T/fio" 2>&1 || fail "fio: $(cat "$T/fio")"
	grep IOPS= "$T/fio"
fi
stop_with INT nbd || fail "nbd ended with status $?: $(cat "$T/nbd.log")"
[ -e "$S" ] && fail "the socket is left"
desk_is_clean

step "a socket that is left over; a server that is killed"
serve
killed nbd
desk_is_clean
[ -S "$S" ] || fail "this test wanted a socket left over"
serve
stop_with TERM nbd || fail "nbd ended with status $?"

step "an exported disk that ends"
serve
ringside detach "$DESK" --domid 1 --vdev xvda || fail "detach"
ended nbd
[ $? = 1 ] || fail "the server outlived its disk"
logged nbd "the backend closed xvda" || fail "no word of it"
[ -e "$S" ] && fail "the socket is left"
attach 1 xvda "$T/disk"
serve --timeout 2
killed ringsided
if command -v nbdcopy >/dev/null; then
	expect_exit 1 "nbdcopy" nbdcopy "$T/ext4" "$U"
	ended nbd
	[ $? = 1 ] || fail "the server outlived its backend"
else
	stop_with TERM nbd
fi
[ -e "$S" ] && fail "the socket is left"
start_ringsided
serve
ringside desk stop "$DESK" || fail "desk stop"
ended nbd
[ $? = 1 ] || fail "the server outlived its desk"
logged nbd "has ended" || fail "no word of it"
[ -e "$S" ] && fail "the socket is left"
ended ringsided
exit 0
