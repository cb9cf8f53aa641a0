# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts that tests/host runs in dom0 of a real Xen host: a backend,
# guests with a task, and a look at what Xen itself says is in use.
#
#	daemon_start [OPTION...]      ringsided, until it is ready
#	daemon_alive, daemon_stop     ($RINGSIDED is another program for it)
#	record_start DIR, record_stop all that is traced from here to there
#	image NAME SIZE               $IMAGES/NAME
#	disk VDEV NAME [ACCESS]       prints a disk line served by Ringside
#	guest_start NAME TASK [KEY=VALUE...]   xl create; a KEY of the xl.cfg
#	guest_create NAME KEY=VALUE...         the same, of a kernel of one's own
#	key NAME KEY, has NAME KEY VALUE   what the guest wrote below data/
#	guest_stop NAME               tell its task to stop
#	guest_task NAME SECONDS       wait for its task; its exit status
#	guest_gone NAME SECONDS       wait until the domain is gone
#	trimmed NAME                  image NAME takes no more room than its ext4 uses
#	nothing_left                  of any guest, anywhere
#	all_clean                     the same, and the daemon lives
#	step TEXT, fail TEXT
set -u
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
GUEST=/usr/lib/ringside/guest
IMAGES=/var/lib/ringside
CONSOLE=/var/log/xen/console
export PATH=$PATH:/usr/lib/xen-4.17/bin
# Another script may have been here before; an initramfs is large.
rm -rf $IMAGES /run/guests
mkdir -p $IMAGES /run/guests
declare -A DOMID=() # of the guests that were started
declare -A LOST=()  # and how often they had to be started again

step()
{
	printf -- '-- %s (%s s)\n' "$*" "$SECONDS"
}

fail()
{
	printf 'FAILED: %s\n' "$*"
	tail -n 25 /tmp/ringsided.log | sed 's/^/     ringsided | /'
	for log in "${!DOMID[@]}"; do
		tail -n 25 "$CONSOLE/guest-$log.log" | tr -d '\r' | cut -c1-200 |
			sed "s/^/     $log | /"
	done
	# Again, for who sees only the end.
	printf 'FAILED: %s\n' "$*"
	exit 1
}

# wait_for WHAT SECONDS COMMAND...: SECONDS are of a quiet machine, and it is
# given three times as long: an end there must be, but none that load brings.
wait_for()
{
	local what=$1 seconds=$(($2 * 3))
	local until=$((SECONDS + seconds))
	shift 2
	while ! "$@"; do
		[ $SECONDS -lt $until ] ||
			fail "waited $seconds s in vain: $what"
		sleep 0.2
	done
}

# ---- the backend ---------------------------------------------------------------

daemon_ready()
{
	grep -q ': ready' /tmp/ringsided.log || ! kill -0 "$DAEMON"
}

daemon_start()
{
	setsid "${RINGSIDED:-ringsided}" "$@" >/tmp/ringsided.log 2>&1 </dev/null &
	DAEMON=$!
	wait_for "ringsided is ready" 10 daemon_ready
	daemon_alive
}

daemon_alive()
{
	kill -0 "$DAEMON" 2>/dev/null || fail "ringsided is not alive"
}

daemon_gone()
{
	! kill -0 "$DAEMON" 2>/dev/null
}

daemon_stop()
{
	kill -TERM "$DAEMON"
	wait_for "ringsided ends" 20 daemon_gone
	wait "$DAEMON" || fail "ringsided ended with status $?"
}

logged()
{
	grep -qE -- "$1" /tmp/ringsided.log
}

# ---- traces --------------------------------------------------------------------

record_start()
{
	rm -rf "$1"
	: >/run/recording
	ringside record -o "$1" -- bash -c \
		'echo begun; while [ -e /run/recording ]; do sleep 0.2; done' \
		>/tmp/record.log 2>&1 &
	RECORD=$!
	wait_for "recording begins" 60 grep -q begun /tmp/record.log
}

record_stop()
{
	rm /run/recording
	wait "$RECORD" || fail "ringside record failed: $(cat /tmp/record.log)"
	cat /tmp/record.log
	grep -q 'none lost' /tmp/record.log || fail "events were lost"
}

# ---- guests -------------------------------------------------------------------

image()
{
	rm -f "$IMAGES/$1"
	truncate -s "$2" "$IMAGES/$1"
}

disk()
{
	printf 'format=raw,vdev=%s,access=%s,script=block-ringside,target=%s' \
		"$1" "${3:-rw}" "$IMAGES/$2"
}

# The initramfs of a guest with the task $2, whose words are in $TASK_ENV, and
# with the program $TASK_FILE in its root.
guest_initrd()
{
	local dir=/run/guests/$1.d
	rm -rf "$dir"
	mkdir -p "$dir"
	{ printf '%s\n' "${TASK_ENV:-}"; cat "$2"; } >"$dir/task"
	[ -z "${TASK_FILE:-}" ] || cp "$TASK_FILE" "$dir/"
	(cd "$dir" && find . -type f | busybox cpio -o -H newc 2>/dev/null) |
		cat $GUEST/initrd - >"/run/guests/$1.initrd"
	rm -rf "$dir"
}

guest_cfg()
{
	local name=$1 pair
	shift
	{
		printf '%s\n' "name=\"$name\"" 'type="pv"' \
			'memory=512' 'vcpus=1' 'on_crash="destroy"'
		# What comes later counts.
		for pair; do
			printf '%s=%s\n' "${pair%%=*}" "${pair#*=}"
		done
	} >"/run/guests/$name.cfg"
}

guest_create()
{
	local name=$1
	shift
	guest_cfg "$name" "$@"
	guest_launch "$name"
}

guest_launch()
{
	rm -f "$CONSOLE/guest-$1.log"*
	xl create -q ${CREATE:-} "/run/guests/$1.cfg" || fail "xl create $1 failed"
	DOMID[$1]=$(xl domid "$1")
}

guest_start()
{
	local name=$1 task=$2
	shift 2
	guest_initrd "$name" "$task"
	guest_create "$name" "kernel=\"$GUEST/vmlinuz\"" \
		"ramdisk=\"/run/guests/$name.initrd\"" \
		'extra="console=hvc0 quiet"' "$@"
}

# What guest $1 wrote to data/$2.
key()
{
	xenstore-read "/local/domain/${DOMID[$1]}/data/$2" 2>/dev/null
}

has()
{
	[ "$(key "$1" "$2")" = "$3" ]
}

# Discards reached the image: of what its file system does not use it has at
# most a few blocks, which are of no whole cluster.
trimmed()
{
	local free all size used has
	free=$(dumpe2fs -h "$IMAGES/$1" 2>/dev/null | awk '/^Free blocks:/ { print $3 }')
	all=$(dumpe2fs -h "$IMAGES/$1" 2>/dev/null | awk '/^Block count:/ { print $3 }')
	size=$(dumpe2fs -h "$IMAGES/$1" 2>/dev/null | awk '/^Block size:/ { print $3 }')
	used=$(((all - free) * size >> 10)) has=$(du -k "$IMAGES/$1" | cut -f1)
	printf '   %s: the file system uses %s KiB, the image has %s KiB\n' \
		"$1" $used "$has"
	[ "$has" -le $((used + 4096)) ] || fail "discards did not reach $1"
}

# Tell it to stop.
guest_stop()
{
	xenstore-write "/local/domain/${DOMID[$1]}/data/stop" 1
}

# QEMU's emulation loses some PVH guests, as Linux's boot and GRUB's sleep ask
# for the time in a loop (docs/host.md).  One that has no disk yet is started
# again, a few times, as a toolstack would; from then on it may be our fault.
lost_guest()
{
	xl dmesg | grep -q "^(XEN) d${DOMID[$1]}v[0-9]* Triple fault" || return 0
	printf '   %s ended in a triple fault\n' "$1"
	! logged "domain ${DOMID[$1]} device .*: connected" ||
		fail "the guest $1, with a disk, ended in a triple fault"
	LOST[$1]=$((${LOST[$1]:-0} + 1))
	[ "${LOST[$1]}" -le 4 ] || fail "$1 does not start"
	wait_for "$1 is gone" 30 no_guest "$1"
	guest_launch "$1"
}

task_over()
{
	lost_guest "$1"
	# GRUB's lines begin with a carriage return.
	grep -aq $'^\r\\?task: status' "$CONSOLE/guest-$1.log" 2>/dev/null
}

guest_task()
{
	local status
	wait_for "the task of $1 ends" "$2" task_over "$1"
	sed -n '/^task: begins/,$p' "$CONSOLE/guest-$1.log" | tr -d '\r' |
		grep -av '^\[ ' | sed "s/^/   $1: /"
	status=$(grep -a $'^\r\\?task: status' "$CONSOLE/guest-$1.log" |
		tail -1 | tr -cd '0-9')
	return "$status"
}

no_guest()
{
	! xl domid "$1" >/dev/null 2>&1
}

guest_gone()
{
	wait_for "$1 is gone" "$2" no_guest "$1"
	rm -f "/run/guests/$1.initrd"
}

# ---- what is left ---------------------------------------------------------------

# Grants that somebody maps, as Xen itself counts them; dom0's own do not
# count (its console and store).
active_grants()
{
	xl dmesg -c >/dev/null
	xl debug-keys g
	xl dmesg | awk '/grant-table for remote/ { d = $5 }
		/no active grant/ { next }
		/^\(XEN\) \[ *(0x)?[0-9a-f]+\]/ && d != "d0" { print }'
}

channels_to_guests()
{
	lsevtchn 0 | grep -E 'Interdomain .*Remote Domain [1-9]'
}

zombies()
{
	xl list | awk 'NR > 1 && $2 != 0 { print }'
}

store_empty()
{
	[ -z "$(xenstore-ls -f /local/domain/0/backend/vbd 2>/dev/null |
		grep -E 'vbd/[0-9]+/[0-9]+')" ]
}

nothing_left()
{
	local i
	for ((i = 0; i < 50; i++)); do
		if [ -z "$(zombies)" ] && store_empty; then
			break
		fi
		sleep 0.2
	done
	[ -z "$(zombies)" ] || fail "domains are left: $(zombies)"
	store_empty || fail "store nodes are left: $(xenstore-ls -f \
		/local/domain/0/backend/vbd)"
	[ -z "$(active_grants)" ] || fail "grants are still mapped:" \
		"$(active_grants)"
	[ -z "$(channels_to_guests)" ] || fail "event channels are open:" \
		"$(channels_to_guests)"
	printf '   clean: no domain, grant, event channel or store node left\n'
}

all_clean()
{
	nothing_left
	daemon_alive
}
