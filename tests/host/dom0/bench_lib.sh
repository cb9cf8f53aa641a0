# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts in dom0 that measure what a guest's fio jobs cost, beside lib.sh:
# guest/bench.sh, in a guest that is called bench, does them one at a time.
#
#	bench_pin          a processor for dom0, another for the guest
#	job NAME DEVICE RW BS DEPTH
#	                   prints "RESULT NAME RW BS DEPTH IOPS CPU_US OWN_US":
#	                   processor time for a request, of dom0 and of ringsided
#	recorded [OPTION...] -- NAME DEVICE RW BS DEPTH
#	                   the same while `ringside record OPTION...` records, and
#	                   behind it the number of events for a request

# Else it is chance whether a wake-up has to wait for the other's processor.
bench_pin()
{
	xl vcpu-set 0 1
	xl vcpu-pin 0 0 0
	xl vcpu-pin bench all 1
}

# dom0's processor time so far, in microseconds.
cpu_us()
{
	xl list 0 | awk 'NR == 2 { printf "%d", $6 * 1000000 }'
}

# The same of ringsided, of the threads that it has.
own_us()
{
	awk '{ ns += $1 } END { printf "%d", ns / 1000 }' /proc/$DAEMON/task/*/schedstat
}

answered()
{
	[[ "$(key bench done)" == "$1 "* ]]
}

n=0
job_measure()
{
	local name=$1 dev=$2 cpu own iops
	n=$((n + 1))
	cpu=$(cpu_us) own=$(own_us)
	xenstore-write "/local/domain/${DOMID[bench]}/data/go" \
		"$n $dev $3 $4 $5 $SECONDS_EACH"
	# To ask whether it is done costs time that would count.
	sleep "$SECONDS_EACH"
	wait_for "job $n is done" 120 answered $n
	cpu=$(($(cpu_us) - cpu)) own=$(($(own_us) - own))
	read -r _ iops REQUESTS <<<"$(key bench done)"
	RESULT="RESULT $name $3 $4 $5 $(awk -v i="$iops" -v c=$cpu -v o=$own \
		-v r="$REQUESTS" 'BEGIN { r += !r; printf "%d %.1f %.1f", i, c / r, o / r }')"
}

job()
{
	job_measure "$@"
	echo "$RESULT"
}

# The number before the words $1 in what the recorder said, or 0.
record_said()
{
	sed -nE "s/.*[^0-9]([0-9]+) $1.*/\1/p" /tmp/record.log | grep . || echo 0
}

recorded()
{
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -rf /tmp/trace /run/recording
	mkfifo /run/recording
	ringside record -o /tmp/trace "${options[@]}" -- bash -c \
		'echo begun; read -r _ </run/recording' \
		>/tmp/record.log 2>&1 &
	wait_for "recording begins" 120 grep -q begun /tmp/record.log
	job_measure "$@"
	echo >/run/recording
	wait $! || [ $? -eq 1 ] || fail "$(cat /tmp/record.log)"
	tail -n 1 /tmp/record.log
	echo "$RESULT $(awk -v n=$(($(record_said 'events? of') +
		$(record_said 'more were LOST'))) -v r="$REQUESTS" \
		'BEGIN { printf "%.1f", n / (r + 1) }')"
}
