# SPDX-License-Identifier: MIT
# In dom0: all that a backend offers, used by one guest with four processors:
# four queues, rings of 16 pages, indirect requests, kept grants; a disk that
# grows; save and restore under load.
. "${0%/*}/lib.sh"
daemon_start --queues 4
image four.img 64M

n=0
answered()
{
	[[ "$(key four done)" == "$n "* ]]
}

# Tell the guest to do $1; and wait up to $2 s until it is done: what it says is in
# $SAID.
ask()
{
	ASKED=$1 n=$((n + 1))
	xenstore-write "/local/domain/${DOMID[four]}/data/go" "$n $1"
}

answer()
{
	wait_for "the guest does $ASKED" "${1:-60}" answered
	read -r _ status SAID <<<"$(key four done)"
	[ "$status" = 0 ] || fail "the guest's $ASKED ended with status $status"
}

order()
{
	ask "$1"
	answer "${2:-60}"
}

# What its frontend of xvda wrote to key $1.
wrote()
{
	xenstore-read "/local/domain/${DOMID[four]}/device/vbd/51712/$1" 2>/dev/null
}

# The daemon's counter $1 of each of xvda's queues ($2: of this operation).
counted()
{
	ringside stats --json | awk -v key="$1" -v op="${2:-}" '
		{ gsub(/[",:]/, " ") }
		$1 == "devid" { ours = $2 == 51712 }
		/{/ { at = $1 }
		/}/ { at = "{" }
		ours && $1 == key && (op == "" || at == op) { print $2 }'
}

sum()
{
	local total=0 i
	for i; do total=$((total + i)); done
	echo $total
}

keeps()
{
	[ "$(sum $(counted kept_pages))" -gt 0 ]
}

# blkfront has a page ready for each segment of each request of each ring.
step "a guest with four processors"
guest_start four /root/guest/duties.sh 'vcpus=4' \
	"disk=['$(disk xvda four.img)']" \
	'extra="console=hvc0 quiet xen_blkfront.max_queues=4 xen_blkfront.max_ring_page_order=4 xen_blkfront.max_indirect_segments=16"'
order sectors 120
[ "$SAID" = 131072 ] || fail "it sees $SAID sectors"
for want in "multi-queue-num-queues 4" "ring-page-order 4" \
	"feature-persistent 1" "protocol x86_64-abi"; do
	read -r name value <<<"$want"
	[ "$(wrote "$name")" = "$value" ] ||
		fail "the frontend wrote $name = $(wrote "$name"), not $value"
done

step "verified load: four queues, indirect requests, kept grants"
ask load
wait_for "grants are kept" 60 keeps
answer 180
writes=$(counted requests write) indirect=$(counted indirect)
echo "   writes of each queue:" $writes "; indirect:" $indirect
[ "$(wc -w <<<"$writes")" = 4 ] || fail "there are not four queues"
for i in $writes; do
	[ "$i" -gt 0 ] || fail "a queue wrote nothing"
done
[ "$(sum $indirect)" -gt 0 ] || fail "no request was indirect"

step "the disk grows"
truncate -s 96M $IMAGES/four.img
grown()
{
	order sectors
	[ "$SAID" = 196608 ]
}
wait_for "the guest sees it" 60 grown
order last

step "save and restore, under load"
order begin
old=${DOMID[four]}
xl save four /var/tmp/four.save >/tmp/save.log 2>&1 || fail "xl save: $(cat /tmp/save.log)"
daemon_alive
xl restore /var/tmp/four.save >/tmp/save.log 2>&1 || fail "xl restore: $(cat /tmp/save.log)"
DOMID[four]=$(xl domid four)
[ "${DOMID[four]}" != "$old" ] || fail "it is the same domain"
order end 180
echo "   rounds of verified load: $SAID"
order sectors
[ "$SAID" = 196608 ] || fail "after the restore it sees $SAID sectors"
ask stop
guest_task four 60 >/dev/null || fail "the guest's task failed"
guest_gone four 30
rm -f /var/tmp/four.save
all_clean
logged 'refused|failed' && fail "the log tells of failures"
daemon_stop
