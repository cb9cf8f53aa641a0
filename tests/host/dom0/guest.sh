# SPDX-License-Identifier: MIT
# In dom0: a PV guest with Debian's kernel, from mkfs to shutdown.
. "${0%/*}/lib.sh"
daemon_start
image disk.img 256M
for name in fixed.img cd.iso; do
	head -c 2M /dev/urandom >$IMAGES/$name
done
sum_of()
{
	md5sum <"$IMAGES/$1" | cut -d' ' -f1
}
TASK_ENV="REBOOT=yes READONLY=$(sum_of fixed.img) CDROM=$(sum_of cd.iso)"

step "a PV guest makes a file system, copies, verifies, reboots, compares"
guest_start one /root/guest/data.sh \
	"disk=['$(disk xvda disk.img)','$(disk xvdb fixed.img ro)','$(disk xvdc cd.iso ro | sed s/format=raw/format=raw,devtype=cdrom/)']" \
	'on_reboot="restart"'
guest_task one 300 || fail "its task failed with status $?"
guest_gone one 30
grep -aq rebooting "$CONSOLE/guest-one.log" || fail "it did not reboot"
all_clean

step "the image is sound"
e2fsck -fn $IMAGES/disk.img || fail "e2fsck found faults"
trimmed disk.img
logged 'refused|failed' && fail "the log tells of failures"
daemon_stop
cat /tmp/ringsided.log
