# SPDX-License-Identifier: MIT
# A task of a guest: fio jobs as dom0 orders them, one at a time.  An order in
# data/go is "N DEVICE RW BS DEPTH SECONDS"; the answer in data/done is
# "N IOPS REQUESTS".
data=/local/domain/$(xenstore-read domid)/data
last=0
xenstore-write $data/running 1
while ! xenstore-read $data/stop >/dev/null 2>&1; do
	set -- $(xenstore-read $data/go 2>/dev/null)
	if [ "${1:-0}" = $last ]; then
		sleep 0.05
		continue
	fi
	last=$1
	fio --name=b --filename=$2 --rw=$3 --bs=$4 --iodepth=$5 --direct=1 \
		--ioengine=libaio --runtime=$6 --time_based --norandommap \
		--eta=never --terse-version=3 --output-format=terse \
		--output=/tmp/fio >/dev/null 2>&1
	# Of reads, then of writes: KiB done, iops.
	awk -F';' -v n=$1 -v bs=${4%k} '/^3;/ {
		print n, $8 + $49, int(($6 + $47) / bs) }' /tmp/fio >/tmp/done
	xenstore-write $data/done "$(cat /tmp/done)"
done
