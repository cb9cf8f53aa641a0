#!/bin/bash
# SPDX-License-Identifier: MIT
# A fresh Debian 12 with nothing but git, apt and make: a clone and
# "make demo" must do everything else.
#
# level: all
# timeout: 900
# alone
set -u
[ "$(id -u)" -eq 0 ] || { echo "only root can make a Debian root"; exit 77; }
command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing"; exit 77; }

root=$T/root
# As apt is set up here, so that it reaches the packages in the same way.
if ! mmdebstrap --quiet --variant=minbase --include=git bookworm "$root"; then
	echo "mmdebstrap could not make a Debian 12 root here"
	exit 77
fi
git clone -q "$TOP" "$root/root/ringside" || exit 1

# Ends with all its processes and mounts.
inside()
{
	unshare --mount --pid --fork --propagation private bash -c '
		root=$1; shift
		mount --rbind /dev "$root/dev" &&
		mount --rbind /sys "$root/sys" &&
		mount -t proc proc "$root/proc" &&
		mount -t tmpfs tmpfs "$root/tmp" &&
		exec chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
			RINGSIDE_TEST="$RINGSIDE_TEST" \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' - "$root" "$@"
}

echo "-- who is not root is told what to do"
inside chmod 755 /root
inside setpriv --reuid=65534 --clear-groups \
	/root/ringside/tests/deps demo 2>"$T/err" && exit 1
cat "$T/err"
grep -q 'only root may install' "$T/err" || exit 1

echo "-- the README's commands"
inside sh -c 'apt-get update -qq && apt-get install -qq -y git make' \
	>"$T/apt.log" 2>&1 || { tail "$T/apt.log"; exit 1; }
inside sh -c 'cd /root/ringside && make -j2 demo' || exit 1
for file in trace sequence.svg handshake.svg report.html; do
	[ -s "$root/root/ringside/out/demo/$file" ] || {
		echo "FAILED: out/demo/$file is not there"
		exit 1
	}
done
inside sh -c 'cd /root/ringside && babeltrace2 out/demo/trace' |
	grep -c ringside: || exit 1

echo "-- a second time nothing is installed"
inside sh -c 'cd /root/ringside && tests/deps demo' 2>"$T/err" || exit 1
[ ! -s "$T/err" ] || { cat "$T/err"; exit 1; }
