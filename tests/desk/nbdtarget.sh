#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk behind an NBD server: qcow2 by qemu-nbd.  Data is right and is in
# the image; a server that is killed under load costs its guest errors and
# nobody else anything, and one that comes back serves on; what cannot be
# opened is told to the toolstack.
#
# level: long
# threads
. "${0%/*}/../lib.sh"
command -v qemu-nbd >/dev/null || skip "qemu-nbd is missing"

socket=$T/nbd.sock
target="nbd:nbd+unix:///?socket=$socket"
lost="the connection to the server is lost"
back=": the server is back$"

serve()
{
	rm -f "$socket"
	background server qemu-nbd --format=qcow2 --socket="$socket" "$@" \
		"$T/disk.qcow2"
	wait_until "the server listens" test -S "$socket"
}

qemu-img create -q -f qcow2 "$T/disk.qcow2" 64M || fail "qemu-img"
image file 32M
start_desk
start_ringsided

step "a server that is not there"
expect_exit 1 'refuses the disk: .*nobody listens there' \
	ringside attach "$DESK" --target "$target"
expect_exit 1 'refuses the disk: .*no NBD URI' \
	ringside attach "$DESK" --target nbd:localhost:10809
attach 1 xvda "$target" --no-wait
eval "$(ringside desk env "$DESK")"
error=/local/domain/0/backend/vbd/1/51712/hotplug-error
wait_until "the error is in the store" xenstore-exists "$error"
xenstore-read "$error" | grep -q 'nobody listens there' ||
	fail "hotplug-error: $(xenstore-read "$error")"
ringside detach "$DESK" --force || fail "detach"

step "a server that ends with its client sees one, from attach to detach"
serve
attach 1 xvda "$target"
front --rw randrw --ops 500 --depth 16 --verify --quiet || fail "front"
running server || fail "the server ended too early"
front --rw randrw --ops 500 --depth 16 --verify --quiet || fail "front again"
ringside detach "$DESK" || fail "detach"
ended server || fail "the server: $(cat "$T/server.log")"

step "what was written is in the image"
serve --persistent
attach 1 xvda "$target"
front --rw write --bs 32k --verify --quiet || fail "front"
ringside detach "$DESK" || fail "detach"
stop server
qemu-img check -q "$T/disk.qcow2" || fail "the image is damaged"
qemu-img convert -O raw "$T/disk.qcow2" "$T/raw" || fail "convert"
[ "$(tr -d '\0' <"$T/raw" | head -c 1 | wc -c)" -eq 1 ] ||
	fail "the image is empty"
rm "$T/raw"

step "the server is killed under load"
serve --persistent
attach 1 xvda "$target"
attach 2 xvda "$T/file"
# What no flush has covered may be gone with qemu-nbd: guest 1 compares later.
background front1 ringside front "$DESK" --domid 1 --rw randrw --depth 8 \
	--runtime 600
background front2 ringside front "$DESK" --domid 2 --rw randrw --depth 8 \
	--runtime 600 --verify
wait_until "both guests are connected" counter_is ports_bound 4
sleep 1
killed server
wait_until "the daemon says so" logged ringsided "$lost"
sleep 0.5
running front1 || fail "guest 1: $(cat "$T/front1.log")"
running ringsided || fail "the daemon died of it"

step "... and comes back"
serve --persistent
wait_until "the daemon says so" logged ringsided "$back"
kill -INT "${JOB[front1]}"
ended front1
[ $? -eq 1 ] || fail "guest 1 had no error: $(cat "$T/front1.log")"
grep -q 'failed: [1-9].* with error (-1), 0 with .* 0 never answered' \
	"$T/front1.log" || fail "guest 1: $(cat "$T/front1.log")"
front --rw randrw --ops 1000 --depth 32 --verify --quiet ||
	fail "guest 1 is not served"
for said in "$lost" "$back"; do
	[ "$(grep -c -- "$said" "$T/ringsided.log")" -eq 1 ] ||
		fail "not said once: $(cat "$T/ringsided.log")"
done
# The guest of the file noticed nothing of all this.
running front2 || fail "the other guest: $(cat "$T/front2.log")"
kill -INT "${JOB[front2]}"
ended front2
logged front2 ' 0 wrong' || fail "the other guest: $(cat "$T/front2.log")"
logged front2 'failed:' && fail "the other guest: $(cat "$T/front2.log")"

step "it hangs: others come and go"
kill -STOP "${JOB[server]}"
background hung ringside front "$DESK" --domid 1 --rw read --ops 100 \
	--timeout 3
sleep 0.5
front --domid 2 --rw randrw --ops 500 --verify --quiet ||
	fail "the other guest waits for a server that is not its own"
kill -CONT "${JOB[server]}"
ended hung || fail "guest 1: $(cat "$T/hung.log")"

desk_is_clean
for domid in 1 2; do
	ringside detach "$DESK" --domid $domid || fail "detach"
done
stop_ringsided
stop server
rm -f "$socket"
exit 0
