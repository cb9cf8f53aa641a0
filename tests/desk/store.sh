#!/bin/bash
# SPDX-License-Identifier: MIT
# The stock xenstore tools, Debian's own, on the desk's store: what they show
# is what xenstored would show.
. "${0%/*}/../lib.sh"

for tool in ls read write rm list exists watch chmod; do
	command -v "xenstore-$tool" >/dev/null ||
		skip "xenstore-$tool is missing (package xenstore-utils)"
done

same()
{
	diff -u <(printf '%s\n' "$1") <(printf '%s\n' "$2") || fail "$3"
}

start_desk
eval "$(ringside desk env "$DESK")"
[ "$XENSTORED_PATH" = "$DESK/dom0/store.sock" ] ||
	fail "desk env names $XENSTORED_PATH"

step "write, read, list, remove"
xenstore-write /a/b hello /a/c "two words" || fail "write"
same hello "$(xenstore-read /a/b)" "read"
same $'b\nc' "$(xenstore-list /a)" "list"
xenstore-exists /a/b || fail "exists says no"
xenstore-exists /a/x && fail "exists says yes"
same $'a = ""\n b = "hello"\n c = "two words"' \
	"$(xenstore-ls / | sed -n '/^a = /,$p')" "ls"
xenstore-rm /a/b || fail "rm"
xenstore-read /a/b 2>"$T/err" && fail "a removed node can be read"
grep -q "couldn't read path /a/b" "$T/err" || fail "read: $(cat "$T/err")"
# A large directory comes in parts.
printf '/many/%0100d\n1\n' {1..600} | xargs -n 100 xenstore-write
same 600 "$(xenstore-list /many | wc -l)" "a directory of 60 kB"

step "permissions, as the owner and as somebody else"
ringside attach "$DESK" --target null:1M --no-wait >/dev/null || fail attach
xenstore-write /p secret && xenstore-chmod /p n0 r1 || fail "chmod"
same '/p = "secret"   (n0,r1)' "$(xenstore-ls -fp | grep '^/p ')" "ls -fp"
as_guest()
{
	XENSTORED_PATH=$DESK/dom1/store.sock "$@"
}
same secret "$(as_guest xenstore-read /p)" "the guest may read"
as_guest xenstore-write /p mine 2>/dev/null && fail "the guest may write"
as_guest xenstore-read /a/c 2>/dev/null && fail "the guest may read all"
# Its own directory, by a relative path.
same 1 "$(as_guest xenstore-read domid)" "domid"
as_guest xenstore-write device/vbd/51712/state 3 || fail "its own state"
same 3 "$(xenstore-read /local/domain/1/device/vbd/51712/state)" "state"

step "watches"
background watch stdbuf -oL xenstore-watch /w /a
wait_until "both watches fire at once" eval '
	logged watch "^/w$" && logged watch "^/a$"'
xenstore-write /w/x/y 1
wait_until "a watch fires for what is below" logged watch '^/w/x/y$'
xenstore-rm /w
wait_until "and for what is removed" eval '
	[ "$(grep -c "^/w$" "$T/watch.log")" -eq 2 ]'
xenstore-write /v 1
sleep 0.2
logged watch /v && fail "a watch fired for another node"
killed watch
wait_until "a killed process has no watches" counter_is watches 0
background watch stdbuf -oL xenstore-watch @introduceDomain @releaseDomain
wait_until "it watches" eval '[ "$(wc -l <"$T/watch.log")" -eq 2 ]'
ringside attach "$DESK" --domid 7 --target null:1M --no-wait >/dev/null
wait_until "a domain is introduced" eval '
	[ "$(grep -c "^@introduceDomain" "$T/watch.log")" -eq 2 ]'
killed watch

step "what a file descriptor of nobody's writes there disturbs nobody"
python3 - "$XENSTORED_PATH" <<-'END' || fail "noise"
	import os, random, socket, sys
	random.seed(7)
	for i in range(200):
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    s.setblocking(False)
	    try:
	        s.send(random.randbytes(random.randrange(1, 5000)))
	    except BlockingIOError:
	        pass
	    s.close()
END
same "two words" "$(xenstore-read /a/c)" "afterwards"
wait_until "nothing is left of it" counter_is transactions 0
