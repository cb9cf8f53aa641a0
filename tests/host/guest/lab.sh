# SPDX-License-Identifier: MIT
# A task of a guest: files and verified load on /dev/xvda, then data/ready; and
# when /dev/xvdz comes, its sum in data/seen, until it has gone.
set -e
data=/local/domain/$(xenstore-read domid)/data
sums()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 md5sum)
}

mkfs.ext4 -q /dev/xvda
mount /dev/xvda /mnt
cp -r /usr/share/tree/etc /mnt/
sums /usr/share/tree/etc >/tmp/sums
umount /mnt
mount /dev/xvda /mnt
sums /mnt/etc | cmp - /tmp/sums
echo "$(wc -l </tmp/sums) files copied and compared"
fio --eta=never --name=verify --filename=/mnt/fio --size=2M --rw=randwrite \
	--bsrange=4k-64k --iodepth=16 --ioengine=libaio --direct=1 \
	--verify=crc32c --verify_fatal=1 --output=/tmp/fio.out ||
	{ cat /tmp/fio.out; exit 1; }
grep -E 'READ:|WRITE:' /tmp/fio.out
umount /mnt
e2fsck -fn /dev/xvda >/tmp/fsck 2>&1 || { cat /tmp/fsck; exit 1; }
xenstore-write $data/ready 1
# The node is there a moment before it can be opened.
until dd if=/dev/xvdz of=/tmp/look bs=64k 2>/dev/null; do
	sleep 0.1
done
xenstore-write $data/seen "$(md5sum </tmp/look | cut -c1-32)"
while [ -b /dev/xvdz ]; do sleep 0.1; done
