# SPDX-License-Identifier: MIT
# In dom0: the same fio jobs in one guest, on disks that xen-blkback, QEMU's
# qdisk and ringsided serve, in turn, ROUNDS times.  A line for each job:
# "BACKEND RW BS DEPTH IOPS CPU_US" with dom0's processor time per request.
. "${0%/*}/lib.sh"
ROUNDS=${1:-5} SECONDS_EACH=${2:-4}
SIZE=64M

# All images in memory: what is compared is the way to them.
mount -t tmpfs -o size=512M images $IMAGES
for name in blkback qdisk ringside; do
	dd if=/dev/urandom of=$IMAGES/$name bs=1M count=${SIZE%M} 2>/dev/null
done
modprobe xen-blkback
loop=$(losetup -f --show $IMAGES/blkback)
daemon_start "${@:3}"
TASK_ENV="" guest_start bench /root/guest/bench.sh \
	"disk=['format=raw,vdev=xvda,access=rw,backendtype=phy,target=$loop','format=raw,vdev=xvdb,access=rw,backendtype=qdisk,target=$IMAGES/qdisk','$(disk xvdc ringside)']"
wait_for "the guest runs" 90 has bench running 1
# Else it is chance whether a wake-up has to wait for the other's processor.
xl vcpu-pin 0 all 0
xl vcpu-pin bench all 1

# dom0's processor time so far, in microseconds.
cpu_us()
{
	xl list 0 | awk 'NR == 2 { printf "%d", $6 * 1000000 }'
}

answered()
{
	[[ "$(key bench done)" == "$1 "* ]]
}

n=0
job()
{
	local name=$1 dev=$2 before after done
	n=$((n + 1))
	before=$(cpu_us)
	xenstore-write "/local/domain/${DOMID[bench]}/data/go" \
		"$n $dev $3 $4 $5 $SECONDS_EACH"
	wait_for "job $n is done" 120 answered $n
	after=$(cpu_us)
	read -r _ iops requests <<<"$(key bench done)"
	echo "RESULT $name $3 $4 $5 ${iops%.*} $(((after - before) / (requests + 1)))"
}

traced()
{
	: >/tmp/recording
	rm -rf /tmp/trace
	ringside record -o /tmp/trace -- bash -c \
		'echo begun; while [ -e /tmp/recording ]; do sleep 0.2; done' \
		>/tmp/record.log 2>&1 &
	wait_for "recording begins" 60 grep -q begun /tmp/record.log
	job traced "${@:2}"
	rm /tmp/recording
	wait $!
	tail -1 /tmp/record.log
}

for ((round = 1; round <= ROUNDS; round++)); do
	while read -r rw bs depth; do
		job blkback /dev/xvda $rw $bs $depth
		job qdisk /dev/xvdb $rw $bs $depth
		job ringside /dev/xvdc $rw $bs $depth
		traced traced /dev/xvdc $rw $bs $depth
	done <<-END
		randread 4k 1
		randread 4k 32
		randwrite 4k 1
		randwrite 4k 32
		read 128k 8
	END
done
guest_stop bench
guest_task bench 60 >/dev/null || fail "the task of the guest failed"
guest_gone bench 30
losetup -d "$loop"
daemon_stop
