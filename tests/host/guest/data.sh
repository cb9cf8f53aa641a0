# SPDX-License-Identifier: MIT
# A task of a guest: real files on /dev/xvda (some thousands, or those of $TREE),
# and checks of them.  With REBOOT=yes the guest boots again in the middle.
set -e
tree=${TREE:-/usr/share/tree}
sums()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 md5sum)
}

# Nobody can write to the disk, and it has what dom0 says it has.
fixed()
{
	[ "$(cat /sys/block/${1#/dev/}/ro)" = 1 ] || return 1
	! dd if=/dev/zero of=$1 bs=4k count=1 conv=fsync 2>/dev/null || return 1
	[ "$(md5sum <$1)" = "$2  -" ] || return 1
	echo "$1 can only be read, and is right"
}

[ -z "${READONLY:-}" ] || fixed /dev/xvdb "$READONLY"
[ -z "${CDROM:-}" ] || fixed /dev/xvdc "$CDROM"
if ! mount /dev/xvda /mnt 2>/dev/null; then
	echo "blkfront of $(uname -r), $(uname -m)"
	mkfs.ext4 -q /dev/xvda
	mount /dev/xvda /mnt
	cp -r $tree /mnt/tree
	sums $tree >/mnt/sums
	sync
	umount /mnt
	mount /dev/xvda /mnt
	sums /mnt/tree | cmp - /mnt/sums
	echo "$(wc -l </mnt/sums) files copied and compared"
	fio --eta=never --name=verify --filename=/mnt/fio --size=${FIO_SIZE:-8M} \
		--rw=randwrite --bs=4k --iodepth=16 --ioengine=libaio --direct=1 \
		--verify=crc32c --verify_fatal=1 --output=/tmp/fio.out ||
		{ cat /tmp/fio.out; exit 1; }
	grep -E 'READ:|WRITE:' /tmp/fio.out
	umount /mnt
	if [ "${REBOOT:-}" = yes ]; then
		echo "rebooting"
		reboot -f
	fi
	mount /dev/xvda /mnt
fi
sums /mnt/tree | cmp - /mnt/sums
echo "$(wc -l </mnt/sums) files are as they were"
rm -rf /mnt/tree/[a-e]* /mnt/fio
sync
# Says how much: all that is free.
fstrim -v /mnt
umount /mnt
e2fsck -fn /dev/xvda >/tmp/fsck 2>&1 || { cat /tmp/fsck; exit 1; }
