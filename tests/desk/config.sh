#!/bin/bash
# SPDX-License-Identifier: MIT
# ringsided's configuration file and feature switches: what a file says holds,
# the command line beats it, keys in the store beat both for their disk, and
# what is wrong in a file is told with its line and exit code 2.
. "${0%/*}/../lib.sh"

command -v xenstore-read >/dev/null || skip "xenstore-read is not installed"
config=$T/ringsided.conf

step "files that are wrong"
expect_exit 2 "$T/none: No such file" ringsided --config "$T/none"
echo 'queus = 3' >"$config"
expect_exit 2 "$config:1: .*\"queus\"" ringsided --config "$config"
printf 'host = xen\n[features]\nteleport = yes\n' >"$config"
expect_exit 2 "$config:3: .*\"teleport\"" ringsided --config "$config"
printf '\nqueues = many\n' >"$config"
expect_exit 2 "$config:2: queues .*\"many\"" ringsided --config "$config"
printf 'queues = 2\nsome words\n' >"$config"
expect_exit 2 "$config:2: .*name = value" ringsided --config "$config"

step "the example that is installed is right, and changes nothing"
expect_exit 2 "no desk in $T/none" ringsided \
	--config "$TOP/docs/ringsided.conf" --host "desk:$T/none"
sed 's/^#\([a-z-]* = \)/\1/' "$TOP/docs/ringsided.conf" >"$config"
expect_exit 2 "no desk in $T/none" ringsided --config "$config" --host "desk:$T/none"

start_desk
eval "$(ringside desk env "$DESK")"
be=/local/domain/0/backend/vbd

# offers DOMID KEY VALUE; "-" where there is no such key.
offers()
{
	local value
	value=$(xenstore-read "$be/$1/51712/$2" 2>/dev/null) || value=-
	[ "$value" = "$3" ] || fail "domain $1 is offered $2 = $value, not $3"
}

offered()
{
	[ "$(xenstore-read "$be/$1/51712/$2" 2>/dev/null)" = "$3" ]
}

step "a file"
cat >"$config" <<END
host = desk:$DESK
queues = 3
ring-order = 2
[features]
persistent = no
indirect = no
barrier = off
discard = 0
END
background ringsided ringsided --config "$config"
wait_until "ringsided is ready" ready_or_dead ringsided
running ringsided || fail "ringsided: $(cat "$T/ringsided.log")"
attach 1 xvda mem:16M
offers 1 feature-persistent 0
offers 1 feature-max-indirect-segments -
offers 1 feature-barrier 0
offers 1 feature-discard 0
offers 1 discard-granularity -
offers 1 feature-flush-cache 1
offers 1 multi-queue-max-queues 3
offers 1 max-ring-page-order 2
front --domid 1 --rw randrw --ops 200 --verify --quiet || fail "front"
logged ringsided 'domain 1 .*grants mapped' || fail "grants are not mapped"

step "the store beats it, for one disk"
ringside attach "$DESK" --domid 2 --target mem:16M \
	--feature persistent=yes --feature indirect=1 \
	--feature multi-queue=no --feature ring-order=0 --feature flush=0 \
	>/dev/null || fail "attach"
offers 2 feature-persistent 1
offers 2 feature-max-indirect-segments 256
offers 2 multi-queue-max-queues 1
offers 2 max-ring-page-order 0
offers 2 feature-flush-cache 0
offers 2 feature-barrier 0
offers 1 feature-persistent 0
front --domid 2 --rw randrw --ops 200 --verify --quiet || fail "front"
ringside attach "$DESK" --domid 3 --target mem:16M --feature grants=copy \
	>/dev/null || fail "attach"
front --domid 3 --rw randrw --ops 200 --verify --quiet || fail "front"
logged ringsided 'domain 3 .*grants copied' || fail "grants are not copied"
expect_exit 2 'NAME=VALUE' ringside attach "$DESK" --domid 4 \
	--target mem:1M --feature persistent

step "an offer with which the frontend has not begun is made again"
attach 5 xvda mem:16M
offers 5 feature-persistent 0
xenstore-write $be/5/51712/ringside/persistent 1 \
	$be/5/51712/ringside/multi-queue 0
wait_until "it is made again" offered 5 feature-persistent 1
wait_until "it is made again" offered 5 multi-queue-max-queues 1
front --domid 5 --rw randrw --ops 200 --verify --persistent --quiet || fail "front"
logged ringsided 'domain 5 .*grants kept' || fail "grants are not kept"

step "a key holds from the next connection on; a wrong one is ignored"
xenstore-write $be/1/51712/ringside/persistent 1 \
	$be/1/51712/ringside/teleport 1
front --domid 1 --rw read --ops 20 --quiet || fail "front"
offers 1 feature-persistent 1
logged ringsided 'domain 1 .*teleport is ignored: .*no feature' ||
	fail "nobody spoke of teleport"

step "the command line beats the file"
stop_ringsided
ringside detach "$DESK" --force --domid 1
background ringsided ringsided --config "$config" --queues 2 --grants copy \
	--indirect 32
wait_until "ringsided is ready" ready_or_dead ringsided
attach 1 xvda mem:16M
offers 1 multi-queue-max-queues 2
offers 1 feature-max-indirect-segments 32
front --domid 1 --rw randrw --ops 200 --verify --quiet || fail "front"
logged ringsided 'domain 1 .*grants copied' || fail "grants are not copied"
stop_ringsided
