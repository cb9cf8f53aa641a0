# SPDX-License-Identifier: MIT
# A task of a guest: records what its own xen-blkfront does with /dev/xvda, from
# before that is attached until it is gone.  The recorder is on /dev/xvdb, and
# the trace goes there.
set -e
mount /dev/xvdb /mnt
cat >/work <<'END'
set -e
xenstore-write data/recording 1
until [ -e /dev/xvda ]; do sleep 0.1; done
mkfs.ext4 -q /dev/xvda
mkdir /files
mount /dev/xvda /files
cp -r /usr/share/tree/etc /files/
sync
umount /files
xenstore-write data/worked 1
while [ -e /sys/block/xvda ]; do sleep 0.1; done
END
export BABELTRACE_PLUGIN_PATH=/mnt/lib
/mnt/lib/ld-linux-x86-64.so.2 --library-path /mnt/lib /mnt/ringside record \
	--source blkfront -o /tmp/trace -- sh /work
cp -r /tmp/trace /mnt/
umount /mnt
