#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 400
# level: all
# alone
# Submissions that loop, crash, fork, fill the disk, use the network, kill,
# leave at once, flood, cheat: each ends in time with a clear word, is not
# passed, and harms nothing.
. "${0%/*}/../lib.sh"
[ -d "$BIN/labs/labs/template" ] || fail "there is no $BIN/labs"

# Who hangs is stopped sooner than students would be.
cp -rL "$BIN/labs" "$T/root"
sed -i 's/^seconds = .*/seconds = 4/' "$T/root/labs/template/lab.ini"
export RINGSIDE_LABS=$T/root
solution=$T/root/labs/template/solution/flight.c

# What nobody may touch.
background witness sleep 1000
witness=${JOB[witness]}
echo secret >"$T/secret"

# hostile NAME REGEX: the solution and stdin; REGEX is what it is told.
hostile()
{
	local name=$1 regex=$2 dir=$T/$1 status start=$SECONDS free
	mkdir "$dir"
	{ cat "$solution"; cat; } >"$dir/flight.c"
	free=$(df --output=avail -k "$T" | tail -1)
	ringside lab grade --lab template --dir "$dir" --results "$dir/r.json" \
		>"$dir/said" 2>&1 </dev/null
	status=$?
	printf '   %-8s exit %s after %s s: %s\n' "$name" $status \
		$((SECONDS - start)) \
		"$(grep -m 1 -E -- "$regex" "$dir/said" | cut -c1-90)"
	grep -q 'bubblewrap may not' "$dir/said" &&
		skip "bubblewrap may not confine programs here"
	kill -0 $witness || fail "$name killed another process"
	[ "$(cat "$T/secret")" = secret ] || fail "$name wrote a file"
	[ $((SECONDS - start)) -lt 90 ] || fail "$name took too long"
	[ $((free - $(df --output=avail -k "$T" | tail -1))) -lt 300000 ] ||
		fail "$name filled the disk"
	[ $status -eq "${code:-1}" ] ||
		fail "$name: exit status $status: $(cat "$dir/said")"
	# As it stands, or with wrapped lines in one.
	{ cat "$dir/said"; tr -s '\n ' ' ' <"$dir/said"; } |
		grep -qE -- "$regex" || fail "$name: nobody said" \
		"\"$regex\": $(cat "$dir/said")"
}

# The same, where each request comes by.
in_request()
{
	sed "s|bool shared = false;|& $1|" "$solution" >"$T/in.c"
	solution=$T/in.c
}

step "it loops"
(in_request 'for (;;) __asm__ volatile("");'
	hostile loops 'computed without an end while the frontend waited|the frontend waited for it more than 4 s' </dev/null) ||
	exit 1
hostile never 'it was not ready within 4 s' <<'END' || exit 1
__attribute__((constructor)) static void early(void)
{
	for (;;)
		__asm__ volatile("");
}
END

step "it crashes"
(in_request '*(volatile int *)8 = 1;'
	hostile crashes 'it ended with SIGSEGV in flight\.c:[0-9]+ \(grant_flight_add\)' \
		</dev/null) || exit 1
(in_request 'abort();'
	hostile aborts 'it ended with SIGABRT in flight\.c:[0-9]+' </dev/null) ||
	exit 1
(in_request 'exit(0);'
	hostile leaves 'it ended by itself, with exit code 0' </dev/null) || exit 1

step "it leaves at once"
hostile exits 'it ended by itself, with exit code 0' <<'END'
__attribute__((constructor)) static void early(void)
{
	exit(0);
}
END

step "it starts processes"
hostile forks 'tried to start another process' <<'END'
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
	for (;;)
		fork();
}
END
hostile shell 'tried to start another process' <<'END'
__attribute__((constructor)) static void early(void)
{
	system("sleep 1000 &");
}
END

step "it starts threads without an end"
hostile threads 'it (was stopped|ended)' <<'END'
#include <pthread.h>
#include <unistd.h>
static void *sleeper(void *p)
{
	pause();
	return p;
}
__attribute__((constructor)) static void early(void)
{
	pthread_attr_t a;
	pthread_t t;
	unsigned n = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	while (n < 100000 && !pthread_create(&t, &a, sleeper, NULL))
		n++;
	if (n > 1000)
		for (;;)
			pause();
	abort(); /* good: they were bounded */
}
END
grep -q SIGABRT "$T/threads/said" || fail "threads: $(cat "$T/threads/said")"

step "it takes all memory"
hostile memory 'it ended with SIG(ABRT|KILL)|it was not ready within' <<'END'
#include <string.h>
__attribute__((constructor)) static void early(void)
{
	char *p;

	while ((p = malloc(16 << 20)))
		memset(p, 1, 16 << 20);
	abort();
}
END

step "it fills the disk, and writes where it may not"
hostile large 'SIGXFSZ, a file larger than it may write' <<'END' || exit 1
#include <fcntl.h>
#include <unistd.h>
static char room[1 << 20];
__attribute__((constructor)) static void early(void)
{
	int fd = open("/tmp/large", O_WRONLY | O_CREAT, 0600);

	while (write(fd, room, sizeof(room)) > 0)
		;
}
END
hostile fills 'it ended with exit code|it ended by itself, with exit code 7' <<END
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static char room[1 << 20];
__attribute__((constructor)) static void early(void)
{
	static const char *const dirs[] = { "/tmp", "/lab", ".", "/dev/shm",
					    "$T", "/var/tmp", "/" };
	char path[256];
	unsigned long mib = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (unsigned i = 0; i < 7; i++)
		for (int n = 0; n < 4000; n++) {
			int fd;

			snprintf(path, sizeof(path), "%s/f%d", dirs[i], n);
			fd = open(path, O_WRONLY | O_CREAT, 0600);
			if (fd < 0)
				break;
			while (mib < 4096 &&
			       write(fd, room, sizeof(room)) > 0)
				mib++;
			close(fd);
		}
	truncate("$T/secret", 0);
	exit(mib < 4096 ? 7 : 8);
}
END

step "it writes its log without an end"
hostile logs 'it was (stopped|not ready)|SIGXFSZ' <<'END'
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
	static char room[65536];

	for (;;)
		if (write(2, room, sizeof(room)) < 0)
			usleep(1000);
}
END

step "it emits events without an end"
(in_request 'for (;;) flood();'
	sed -i 's|^bool grant_flight_add|#include "trace/emit.h"\nstatic void flood(void) { static const struct ev_origin o; ev_evtchn_spurious(\&o, 1); }\n&|' \
		"$solution"
	hostile floods 'it was stopped' </dev/null) || exit 1

step "it uses the network"
python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
open(sys.argv[1] + "/port", "w").write(str(s.getsockname()[1]) + "\n")
s.accept(); open(sys.argv[1] + "/reached", "w")' "$T" &
server=$!
wait_until "the server listens" test -s "$T/port"
hostile network 'exit code 7' <<END
#include <arpa/inet.h>
__attribute__((constructor)) static void early(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons($(cat "$T/port")),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	exit(connect(fd, (struct sockaddr *)&a, sizeof(a)) ? 7 : 8);
}
END
kill $server 2>/dev/null
[ ! -e "$T/reached" ] || fail "it reached the network"

step "it kills"
hostile kills 'it ended' <<END
#include <signal.h>
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
	kill($witness, SIGKILL);
	for (int pid = 2; pid < 70000; pid++)
		if (pid != getpid())
			kill(pid, SIGKILL);
	kill(-1, SIGKILL);
	exit(7);
}
END

step "it reads what it may not"
hostile reads 'No such file' <<END
#include "$T/root/labs/template/solution/flight.c"
END
hostile reads2 'exit code 7' <<END
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
	exit(access("$T/root/labs/template/solution/flight.c", F_OK) &&
	     access("$T/secret", F_OK) && access("/root", R_OK) &&
	     access("/run/lttng/client-lttng-sessiond", F_OK) ? 7 : 8);
}
END
mkdir "$T/link"
ln -s "$T/secret" "$T/link/flight.c"
ringside lab grade --lab template --dir "$T/link" >"$T/said" 2>&1
[ $? -eq 1 ] && grep -q 'symbolic link' "$T/said" &&
	! grep -q '^ *secret' "$T/said" || fail "a link: $(cat "$T/said")"

step "it cheats: events and words without the work"
hostile cheats '^  (FAILED|not tried) +0/60 +told' <<'END'
#include <stdio.h>
#include <unistd.h>
#include "trace/emit.h"
__attribute__((constructor)) static void early(void)
{
	struct ev_origin o = { .actor = 0, .devid = 51712 };

	for (unsigned domid = 0; domid < 65535; domid++) {
		o.domid = (uint16_t)domid;
		ev_request_tolerate(&o, 1, 1, 0, "GR-48", "");
	}
	puts("ok   GR-48 one grant in several requests");
	puts("1 cases, 0 failed");
	fputs("ringsided: ready\n", stderr);
	fflush(NULL);
	sleep(2);
	exit(0);
}
END
grep -q ' 0 of 100 points' "$T/cheats/said" || fail "$(cat "$T/cheats/said")"

step "in the end an honest one still passes"
code=0 hostile honest '^All passed: 100 of 100' </dev/null
