#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside desk, attach and detach, as a person uses them.
. "${0%/*}/../lib.sh"

step "start, status, stop"
start_desk
[ "$(stat -c %a "$DESK")" = 700 ] || fail "others may enter the desk"
pid=$(cat "$DESK/desk.pid")
kill -0 "$pid" || fail "desk.pid names no process"
ringside desk status "$DESK" >"$T/status" || fail "status"
diff -u - "$T/status" <<-END || fail "status"
	domains 0
	connections 0
	grants 0
	mappings 0
	ports_unbound 0
	ports_bound 0
	watches 0
	transactions 0
	nodes 7
	map_calls 0
	unmap_calls 0
	copy_calls 0
	pages_mapped 0
	pages_writable 0
	pages_unmapped 0
	pages_copied 0
END
ringside desk status --json "$DESK" | python3 -c '
import json, sys
c = json.load(sys.stdin)
assert len(c) == 16 and c["nodes"] == 7 and c["domains"] == 0' ||
	fail "status --json"
ringside desk stop "$DESK" || fail "stop"
wait_until "the desk's process ends" eval '
	! grep -qs "^State:[[:space:]]*[^ZX]" "/proc/$pid/status"'
find "$DESK" -type s | grep . && fail "sockets are left"
[ -e "$DESK/desk.pid" ] && fail "desk.pid is left"

step "in the foreground, until a signal"
for signal in INT TERM; do
	background desk ringside desk start --foreground "$DESK"
	wait_until "it is ready" logged desk ': ready'
	kill -$signal "${JOB[desk]}"
	ended desk || fail "SIG$signal: status $?"
	find "$DESK" -type s | grep . && fail "sockets are left"
done

step "after kill -9 the next one starts"
start_desk
ringside attach "$DESK" --domid 3 --target null:1M --no-wait >/dev/null
kill -KILL "$(cat "$DESK/desk.pid")"
expect_exit 1 'no desk runs in .*ringside desk start' \
	ringside desk status "$DESK"
start_desk
counter_is domains 0 || fail "the dead one's domain is there"

step "bad input"
expect_exit 1 'already runs in .*ringside desk stop' \
	ringside desk start "$DESK"
expect_exit 1 'already runs in' ringside desk start --foreground "$DESK"
expect_exit 1 'cannot be made' ringside desk start "$T/no/where"
expect_exit 1 'is not a directory' \
	ringside desk start "$T/status"
expect_exit 1 'there is no desk in' ringside desk stop "$T/nothing"
expect_exit 1 'no desk runs in' ringside desk env "$T"
expect_exit 2 'start, stop, env, status' ringside desk begin "$DESK"
expect_exit 2 'directory' ringside desk start
expect_exit 2 'one directory' ringside desk stop "$DESK" "$DESK"
expect_exit 2 'belongs to' ringside desk stop --json "$DESK"
expect_exit 2 'unrecognized option' ringside desk stop --now "$DESK"
expect_exit 2 'target says which storage' ringside attach "$DESK"
expect_exit 2 'directory' ringside attach --target null:1M
expect_exit 2 'vdev' ringside attach "$DESK" --target null:1M --vdev c:
expect_exit 2 'mode' ringside attach "$DESK" --target null:1M --mode x
expect_exit 2 'domid' ringside attach "$DESK" --target null:1M --domid 0
expect_exit 2 'domid' ringside attach "$DESK" --target null:1M --domid 40000
expect_exit 2 'mem' ringside attach "$DESK" --target null:1M --mem 1
expect_exit 2 'own backend' \
	ringside attach "$DESK" --target null:1M --backend-domid 1
expect_exit 1 'to be the backend, does not exist' \
	ringside attach "$DESK" --target null:1M --backend-domid 9
expect_exit 1 'there is no desk' ringside attach "$T/nothing" --target null:1M
expect_exit 1 'has no disk xvda' ringside detach "$DESK"
# Somebody else's directory, too long for a socket's address.
long=$T/$(printf 'd%.0s' {1..120})
ringside desk start "$long" || fail "a long directory"
expect_exit 1 'too long for the address of a socket' ringside desk env "$long"
ringside attach "$long" --target null:1M --no-wait >/dev/null ||
	fail "attach in a long directory"
ringside desk stop "$long" || fail "stop in a long directory"

step "attach without a backend"
expect_exit 1 'no backend listens in domain 0 .*ringsided --host desk:' \
	ringside attach "$DESK" --target null:1M --domid 5
eval "$(ringside desk env "$DESK")"
xenstore-exists /local/domain/0/backend/vbd/5 && fail "its nodes are left"
background attach ringside attach "$DESK" --target null:1M
wait_until "attach waits" xenstore-exists /local/domain/0/backend/vbd/1/51712
kill -INT "${JOB[attach]}"
ended attach
[ $? -eq 1 ] || fail "an interrupted attach ends with another status than 1"
xenstore-exists /local/domain/0/backend/vbd/1 && fail "its nodes are left"

step "the nodes are those of libxl"
cd "$T" || exit
image disk
ringside attach "$DESK" --target disk --vdev xvdc --mode r --no-wait \
	>"$T/attach.out" || fail attach
diff -u <(echo "51744 /local/domain/0/backend/vbd/1/51744") "$T/attach.out" ||
	fail "what attach prints"
xenstore-ls -fp /local/domain |
	grep -E '^/local/domain/(0/backend/vbd|1)( |/)' >"$T/nodes"
diff -u - "$T/nodes" <<-END || fail "the nodes"
	/local/domain/0/backend/vbd = ""   (n0)
	/local/domain/0/backend/vbd/1 = ""   (n0)
	/local/domain/0/backend/vbd/1/51744 = ""   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/frontend = "/local/domain/1/device/vbd/51744"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/params = "$T/disk"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/script = "/etc/xen/scripts/block-ringside"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/frontend-id = "1"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/online = "1"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/removable = "0"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/bootable = "1"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/state = "1"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/dev = "xvdc"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/type = "phy"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/mode = "r"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/device-type = "disk"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/discard-enable = "0"   (n0,r1)
	/local/domain/0/backend/vbd/1/51744/specification = "xen"   (n0,r1)
	/local/domain/1 = ""   (n0,r1)
	/local/domain/1/name = "guest1"   (n0,r1)
	/local/domain/1/domid = "1"   (n0,r1)
	/local/domain/1/device = ""   (n0,r1)
	/local/domain/1/device/vbd = ""   (n0,r1)
	/local/domain/1/device/vbd/51744 = ""   (n1,r0)
	/local/domain/1/device/vbd/51744/backend = "/local/domain/0/backend/vbd/1/51744"   (n1,r0)
	/local/domain/1/device/vbd/51744/backend-id = "0"   (n1,r0)
	/local/domain/1/device/vbd/51744/state = "1"   (n1,r0)
	/local/domain/1/device/vbd/51744/virtual-device = "51744"   (n1,r0)
	/local/domain/1/device/vbd/51744/device-type = "disk"   (n1,r0)
END
expect_exit 1 'has a disk xvdc already' \
	ringside attach "$DESK" --target disk --vdev xvdc --no-wait
expect_exit 1 'no backend listens in domain 0 that .* --force removes' \
	ringside detach "$DESK" --vdev xvdc
ringside detach "$DESK" --vdev xvdc --force || fail "detach --force"
xenstore-exists /local/domain/1/device/vbd/51744 && fail "its nodes are left"
xenstore-exists /local/domain/0/backend/vbd/1 && fail "its nodes are left"

step "with a backend"
start_ringsided
ringside attach "$DESK" --target disk >/dev/null || fail attach
[ "$(xenstore-read /local/domain/0/backend/vbd/1/51712/state)" = 2 ] ||
	fail "attach came back before the backend's state 2"
front --ops 100 --quiet || fail "front"
ringside detach "$DESK" || fail detach
expect_exit 1 'refuses the disk: .*missing|refuses the disk: .*No such' \
	ringside attach "$DESK" --target missing.img
expect_exit 1 'refuses the disk: .*directory' \
	ringside attach "$DESK" --target /tmp
xenstore-exists /local/domain/0/backend/vbd/1 && fail "its nodes are left"
xenstore-ls /local/domain/0/error 2>/dev/null | grep = &&
	fail "the refused disk's error is left"

step "Ctrl-C while the backend is slow: it closes before its nodes go"
vbd=/local/domain/0/backend/vbd/1
# Attaches to a ringsided that does not go on, and interrupts that once.
interrupted_attach()
{
	kill -STOP "${JOB[ringsided]}"
	background attach ringside attach "$DESK" --target null:1M
	wait_until "attach waits" xenstore-exists $vbd/51712/state
	kill -INT "${JOB[attach]}"
	wait_until "it is told to close" eval \
		'[ "$(xenstore-read $vbd/51712/online)" = 0 ]'
}
interrupted_attach
sleep 0.5
running attach || fail "it did not wait for the backend"
kill -CONT "${JOB[ringsided]}"
ended attach
[ $? -eq 1 ] || fail "an interrupted attach ends with another status than 1"
xenstore-exists $vbd && fail "its nodes are left"
interrupted_attach
kill -INT "${JOB[attach]}"
ended attach
[ $? -eq 1 ] || fail "an interrupted attach ends with another status than 1"
xenstore-exists $vbd && fail "its nodes are left"
kill -CONT "${JOB[ringsided]}"

step "attach and detach under load, again and again"
ringside attach "$DESK" --domid 2 --vdev xvdb --target mem:8M >/dev/null
background front ringside front "$DESK" --domid 2 --vdev xvdb --rw randrw \
	--runtime 600
wait_until "the other guest is under load" counter_is ports_bound 2
for ((i = 0; i < 10; i++)); do
	ringside attach "$DESK" --vdev xvda --target mem:4M >/dev/null ||
		fail "attach $i"
	front --ops 50 --quiet || fail "front $i"
	ringside detach "$DESK" --vdev xvda || fail "detach $i"
done
running front || fail "the other guest: $(cat "$T/front.log")"
kill -INT "${JOB[front]:?}"
ended front
ringside detach "$DESK" --domid 2 --vdev xvdb || fail "detach"
desk_is_clean
stop_ringsided
counter_is watches 0 || fail "watches are left"
