# SPDX-License-Identifier: MIT
# A task of a guest: a file system and a few files.
set -e
mkfs.ext4 -q /dev/xvda
mount /dev/xvda /mnt
cp -r /usr/share/tree/etc /mnt/
sync
umount /mnt
e2fsck -fn /dev/xvda >/dev/null 2>&1
