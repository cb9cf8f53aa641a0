# SPDX-License-Identifier: MIT
# A task of a guest: does to /dev/xvda what dom0 writes to data/go, "N WORD",
# and answers in data/done, "N STATUS WORDS".
data=/local/domain/$(xenstore-read domid)/data
last=0

load()
{
	# $1 of them at once, each with a processor and a part of its own; direct
	# requests and indirect ones.
	fio --eta=never --name=load --filename=/dev/xvda --numjobs=$1 \
		--cpus_allowed=0-3 --cpus_allowed_policy=split \
		--size=${2:-6M} --offset_increment=8M --rw=randwrite \
		--bsrange=4k-256k --iodepth=16 --ioengine=libaio --direct=1 \
		--verify=crc32c --verify_fatal=1 --group_reporting \
		--output=/tmp/fio.out || { cat /tmp/fio.out; return 1; }
	grep -E 'READ:|WRITE:' /tmp/fio.out
}

sectors()
{
	cat /sys/block/xvda/size
}

act()
{
	case $1 in
	load) load 4 >&2 ;;
	sectors) sectors ;;
	last) # the last MiB, written and read again
		fio --eta=never --name=last --filename=/dev/xvda \
			--offset=$(($(sectors) * 512 - 1048576)) --size=1M \
			--rw=write --bs=64k --direct=1 --verify=crc32c \
			--verify_fatal=1 --output=/tmp/fio.out >&2
		;;
	begin) # goes on while dom0 saves and restores us
		while [ ! -e /tmp/stop ]; do
			load 2 1M >/tmp/long 2>&1 || exit 1
			echo . >>/tmp/rounds
		done &
		long=$!
		;;
	end)
		# What began after this is whole, too.
		was=$(wc -l </tmp/rounds)
		while [ "$(wc -l </tmp/rounds)" -lt $((was + 2)) ]; do
			kill -0 $long || return 1
			sleep 0.2
		done
		touch /tmp/stop
		wait $long || { cat /tmp/long >&2; return 1; }
		wc -l </tmp/rounds
		rm /tmp/stop
		;;
	stop) exit 0 ;;
	*) return 9 ;;
	esac
}

while :; do
	# After a restore it is another domain.
	data=/local/domain/$(xenstore-read domid)/data
	set -- $(xenstore-read $data/go 2>/dev/null)
	if [ "${1:-0}" = $last ]; then
		sleep 0.1
		continue
	fi
	last=$1
	if act $2 >/tmp/words; then status=0; else status=$?; fi
	xenstore-write $data/done "$last $status $(echo $(cat /tmp/words))"
done
