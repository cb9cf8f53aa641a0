# SPDX-License-Identifier: MIT
# In dom0: how Xen answers what tests/seam asks, as dom0 and as a guest; the
# answers are in /root/seam.out.
. "${0%/*}/lib.sh"
parts='store watches transactions ports grants'
# shellcheck disable=SC2086
timeout 60 /root/seam xen $parts >/root/seam.out || fail "seam failed in dom0"

step "and a guest's"
printf '/seam xen guest\n' >/run/seam-task
TASK_FILE=/root/seam guest_start seam /run/seam-task
guest_task seam 60 >/root/seam.guest || fail "seam failed in the guest:" \
	"$(cat /root/seam.guest)"
sed -n 's/^   seam: //p' /root/seam.guest | grep -v '^task: ' >>/root/seam.out
guest_gone seam 30
