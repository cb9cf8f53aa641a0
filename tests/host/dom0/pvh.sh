# SPDX-License-Identifier: MIT
# In dom0: a PVH guest, which finds its grants and events in other ways.
. "${0%/*}/lib.sh"
daemon_start
image pvh.img 192M
step "a PVH guest copies and verifies"
TASK_ENV="FIO_SIZE=4M" guest_start pvh /root/guest/data.sh \
	"disk=['$(disk xvda pvh.img)']" 'type="pvh"' 'on_reboot="destroy"' 'tsc_mode="native"'
guest_task pvh 400 || fail "its task failed with status $?"
guest_gone pvh 30
e2fsck -fn $IMAGES/pvh.img || fail "e2fsck found faults"
trimmed pvh.img
all_clean
daemon_stop
