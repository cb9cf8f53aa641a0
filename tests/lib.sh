# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts in tests/desk: a desk, a backend and frontends that end with
# the script, whatever happens.  tests/run sets T, TOP, BIN and LEVEL.
#
#	start_desk [OPTION...]         the desk in $DESK
#	start_ringsided [OPTION...]    and wait until it is ready
#	attach DOMID VDEV TARGET [OPTION...]
#	front [OPTION...]              ringside front on that desk
#	front_nbd [OPTION...]          its disk at the socket $T/nbd; in background
#	background NAME COMMAND...     run it; its output goes to $T/NAME.log
#	ended NAME                     its exit status, once it has ended
#	expect_exit CODE REGEX COMMAND...   and one sentence on stderr
#	wait_until WHAT COMMAND...     at most 30 s
#	start_record [OPTION...]       record into $T/trace, from now ...
#	stop_record                    ... until here; its words in $T/record.log
#	our_trace                      the part of it by this script's programs
#	counter NAME                   one of the desk's counters
#	small_file_system SIZE         in $T/small, if we may mount
#	desk_is_clean                  nothing mapped, bound or granted
set -u
: "${T:?run this through tests/run}" "${TOP:?}" "${BIN:?}" "${LEVEL:=quick}"
DESK=$T/desk
declare -A JOB=() # of what runs: its process
declare -A PID=() # of what ever ran

step()
{
	printf -- '-- %s\n' "$*"
}

fail()
{
	printf 'FAILED: %s\n' "$*"
	exit 1
}

skip()
{
	printf '%s\n' "$*"
	exit 77
}

# ---- programs in the background -----------------------------------------------

background()
{
	local name=$1
	shift
	# A fresh log for each life of it: wait_until looks for its words.
	[ -e "$T/$name.log" ] && cat "$T/$name.log" >>"$T/$name.log.before"
	: >"$T/$name.log" # here, not in the child: nobody reads the old one
	"$@" >>"$T/$name.log" 2>&1 &
	JOB[$name]=$! PID[$name]=$!
}

running()
{
	[ -n "${JOB[$1]:-}" ] && kill -0 "${JOB[$1]}" 2>/dev/null
}

ended_not()
{
	! running "$1"
}

# Wait for the end of NAME and return its exit status.
ended()
{
	local pid=${JOB[$1]:?} status
	wait_until "$1 (process $pid) ends" ended_not "$1"
	wait "$pid"
	status=$?
	unset "JOB[$1]"
	return $status
}

stop()
{
	kill -TERM "${JOB[$1]:?}"
	ended "$1"
}

killed()
{
	kill -KILL "${JOB[$1]:?}"
	{ wait "${JOB[$1]}"; } 2>/dev/null
	unset "JOB[$1]"
}

wait_until()
{
	local what=$1 i
	shift
	for ((i = 0; i < 300; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	fail "waited 30 s in vain: $what"
}

logged()
{
	grep -qs -- "$2" "$T/$1.log"
}

# "ringside front --nbd", where nbdkit loads our plugin: it is not built with
# the sanitizer that the plugin may need.
front_nbd()
{
	local lib=
	case $BIN in
	*-address*) lib=$(gcc -print-file-name=libasan.so) ;;
	*-thread*) lib=$(gcc -print-file-name=libtsan.so) ;;
	esac
	# nbdkit itself frees little at its end.
	ASAN_OPTIONS=${lib:+detect_leaks=0} LD_PRELOAD=$lib \
		exec ringside front "$DESK" --nbd "$T/nbd" "$@"
}

# ---- desk, backend, disks -----------------------------------------------------

start_desk()
{
	ringside desk start "$DESK" "$@" || fail "the desk did not start"
}

ready_or_dead()
{
	logged "$1" ': ready' || ended_not "$1"
}

start_ringsided()
{
	background ringsided ringsided --host "desk:$DESK" "$@"
	wait_until "ringsided is ready" ready_or_dead ringsided
	running ringsided || fail "ringsided: $(cat "$T/ringsided.log")"
}

stop_ringsided()
{
	stop ringsided || fail "ringsided ended with status $?"
}

# Makes the image $1 of size $2.
image()
{
	truncate -s "${2:-16M}" "$T/$1"
}

attach()
{
	local domid=$1 vdev=$2 target=$3
	shift 3
	running ringsided || set -- --no-wait "$@"
	ringside attach "$DESK" --domid "$domid" --vdev "$vdev" \
		--target "$target" "$@" >/dev/null || fail "attach failed"
}

front()
{
	ringside front "$DESK" "$@"
}

counter()
{
	ringside desk status "$DESK" | awk -v name="$1" '$1 == name { print $2 }'
}

counter_is()
{
	[ "$(counter "$1")" = "$2" ]
}

# Nothing is left of frontends and backend but the domains themselves.
desk_is_clean()
{
	local name
	for name in grants mappings ports_unbound ports_bound transactions; do
		wait_until "the desk's counter $name is 0, not $(counter $name)" \
			counter_is $name 0
	done
}

# A file system of $1 bytes in $T/small; false where we may not mount one.
# Not in a namespace: LTTng's daemon, which writes the traces, must see it.
small_file_system()
{
	mkdir -p "$T/small"
	mount -t tmpfs -o "size=$1" small "$T/small" 2>/dev/null
}

# ---- recording ----------------------------------------------------------------

start_record()
{
	: >"$T/recording"
	background record ringside record -o "$T/trace" "$@" -- bash -c \
		'echo begun; while [ -e "$T/recording" ]; do sleep 0.1; done'
	wait_until "the recording begins" logged record '^begun'
}

stop_record()
{
	rm "$T/recording"
	ended record
}

# "ringside record" takes what all processes of the machine emit.
our_trace()
{
	local pid
	for pid in "${PID[@]}"; do
		compgen -G "$T/trace/ust/pid/*-$pid-*"
	done
}

# ---- what a person sees -------------------------------------------------------

# COMMAND exits with CODE, and says one sentence that matches REGEX.
expect_exit()
{
	local code=$1 regex=$2 status lines
	shift 2
	[ "$1" = front ] && shift && set -- ringside front "$DESK" "$@"
	timeout 60 "$@" >"$T/expect.out" 2>"$T/expect.err" </dev/null
	status=$?
	# For usage errors argp goes on with "Try ...".
	lines=$(sed '/^Try `/,$d' "$T/expect.err" | wc -l)
	if [ $status -ne "$code" ] || ! grep -qE -- "$regex" "$T/expect.err"; then
		fail "\"$*\" exited with $status instead of $code, or did not" \
			"say \"$regex\" but: $(cat "$T/expect.err")"
	fi
	[ "$lines" -eq 1 ] || fail "\"$*\" said more than a sentence:" \
		"$(cat "$T/expect.err")"
	printf '   %s -> %s: %s\n' "${*##*/}" "$status" \
		"$(head -1 "$T/expect.err" | cut -c1-150)"
}

# ---- the end ------------------------------------------------------------------

# What a sanitizer or an assertion wrote to any log is a failure; but nbdkit's
# own, of a client that hangs up (src/frontend/nbd.c), is not ours.
logs_are_clean()
{
	! grep -sE 'Sanitizer|runtime error:|Assertion|stack smashing' \
		"$T"/*.log "$T"/*.log.before "$DESK"/*.log 2>/dev/null |
		grep -v 'nbdkit: connections\.c:.*raw_send_socket: Assertion'
}

finish()
{
	local status=$? name
	trap - EXIT
	for name in "${!JOB[@]}"; do
		kill -TERM "${JOB[$name]}" 2>/dev/null
	done
	for name in "${!JOB[@]}"; do
		timeout 15 tail --pid="${JOB[$name]}" -f /dev/null
		kill -KILL "${JOB[$name]}" 2>/dev/null
		wait "${JOB[$name]}" 2>/dev/null
	done
	[ -d "$DESK" ] && ringside desk stop "$DESK" 2>/dev/null
	mountpoint -q "$T/small" && umount "$T/small"
	if ! logs_are_clean && [ $status -eq 0 ]; then
		echo "FAILED: a sanitizer or an assertion spoke up"
		status=1
	fi
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		tail -n 60 "$T"/*.log "$DESK"/*.log 2>/dev/null
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
