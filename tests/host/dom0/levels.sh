# SPDX-License-Identifier: MIT
# In dom0: what recording costs, by level and source.  One guest does the same
# fio jobs on a disk that ringsided serves, unrecorded, by LTTng at each level
# and by USDT probes, and on one that xen-blkback serves, unrecorded and
# recorded, in turn, ROUNDS times.  Lines as of bench_lib.sh, and "BARE NS" of
# an LTTng event in a bare loop.
. "${0%/*}/lib.sh"
. "${0%/*}/bench_lib.sh"
ROUNDS=${1:-3} SECONDS_EACH=${2:-4}
JOBS=${JOBS:-randread 4k 1
randread 4k 32}

# In memory: what is compared is the way to them.
mount -t tmpfs -o size=256M images $IMAGES
for name in blkback ringside; do
	dd if=/dev/urandom of=$IMAGES/$name bs=1M count=64 2>/dev/null
done
modprobe xen-blkback
loop=$(losetup -f --show $IMAGES/blkback)
# To look for requests takes time that would count as the events'.
daemon_start --poll 0
TASK_ENV="" guest_start bench /root/guest/bench.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop','$(disk xvdb ringside)']"
wait_for "the guest runs" 90 has bench running 1
bench_pin
# The first job of a guest waits for its fio to be read, and for much else.
job warm /dev/xvdb randread 4k 1 >/dev/null
job warm /dev/xvda randread 4k 1 >/dev/null
for ((round = 1; round <= ROUNDS; round++)); do
	/root/bench_events recorded | tee /tmp/bare
	awk '$1 == "recorded" { ns += $4; n++ }
		END { if (n != 2) exit 1; printf "BARE %.0f\n", ns / n }' /tmp/bare ||
		fail "bench_events did not measure two events"
	while read -r rw bs depth; do
		job off /dev/xvdb $rw $bs $depth
		for level in control protocol full; do
			recorded --level $level -- $level /dev/xvdb $rw $bs $depth
		done
		recorded --probes -- probes /dev/xvdb $rw $bs $depth
		job blkback-off /dev/xvda $rw $bs $depth
		recorded --source blkback -- blkback /dev/xvda $rw $bs $depth
	done <<<"$JOBS"
done
guest_stop bench
guest_task bench 60 >/dev/null || fail "the task of the guest failed"
guest_gone bench 60
losetup -d "$loop"
daemon_stop
