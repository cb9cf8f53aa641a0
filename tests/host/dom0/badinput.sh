# SPDX-License-Identifier: MIT
# In dom0: what cannot be served is refused within seconds, with the reason.
. "${0%/*}/lib.sh"

# It never runs: a kernel alone will do.
# xl create of a guest with target $1 fails and says $2.
refused()
{
	local target=$1 regex=$2 begin=$SECONDS
	guest_cfg bad "kernel=\"$GUEST/vmlinuz\"" \
		"disk=['format=raw,vdev=xvda,access=${3:-rw},script=block-ringside,target=$target']"
	if xl create -q /run/guests/bad.cfg >/tmp/xl.out 2>&1; then
		fail "xl create of $target succeeded"
	fi
	# libxl's own patience: 10 s for state 2, as much to take it back.
	[ $((SECONDS - begin)) -le "$LIMIT" ] ||
		fail "$target took $((SECONDS - begin)) s"
	grep -qE "$regex" /tmp/xl.out ||
		fail "xl does not say \"$regex\" but: $(cat /tmp/xl.out)"
	printf '   %s (%s s): %s\n' "$target" $((SECONDS - begin)) \
		"$(grep -E "$regex" /tmp/xl.out | head -1 | cut -c1-160)"
}

step "without the daemon"
LIMIT=120
refused $IMAGES/none 'ringsided|unable to add device|timed out'
no_guest bad || xl destroy bad

daemon_start
# Far less than that, if the daemon's word is heard.
LIMIT=45
step "targets that are no disks"
refused $IMAGES/none 'does not exist'
logged "device 51712: $IMAGES/none does not exist" || fail "no word in the log"
mkdir -p $IMAGES/directory
refused $IMAGES/directory 'is a directory'
head -c 1000 /dev/zero >$IMAGES/odd
refused $IMAGES/odd 'not a multiple'
image small 1M
loop=$(losetup -r -f --show $IMAGES/small)
refused "$loop" 'read-only|can only be read'
losetup -d "$loop"
refused nbd:nbd://localhost:9 'nobody|refused|cannot'
all_clean

step "a second daemon"
ringsided >/tmp/second 2>&1
status=$?
[ $status -eq 2 ] && grep -q 'another ringsided' /tmp/second ||
	fail "a second daemon: status $status, $(cat /tmp/second)"
cat /tmp/second

step "a user without rights"
busybox su -s /bin/sh nobody -c 'ringsided --lock /tmp/nobody.lock' >/tmp/nobody 2>&1
status=$?
[ $status -eq 2 ] && [ "$(wc -l </tmp/nobody)" = 1 ] &&
	grep -q 'root' /tmp/nobody ||
	fail "as nobody: status $status, $(cat /tmp/nobody)"
cat /tmp/nobody
