# SPDX-License-Identifier: MIT
# In dom0: one disk of a guest, from its attaching to its detaching, recorded by
# ringsided here, in /root/host, and in the guest of its xen-blkfront, in
# /root/front.
. "${0%/*}/lib.sh"
rm -rf /root/host /root/front

# An image with the recorder, and what it needs, for the guest.
tool()
{
	local tree=/run/tool ringside plugin
	ringside=$(command -v ringside)
	plugin=/usr/lib/x86_64-linux-gnu/babeltrace2/plugins/babeltrace-plugin-ctf.so
	mkdir -p $tree/lib
	cp "$ringside" $tree/
	ldd "$ringside" $plugin | grep -oE '/[^ ]+[^ :]' | sort -u |
		xargs -I{} cp -Lf {} $tree/lib/
	image "$1" 128M
	mke2fs -q -t ext4 -O ^has_journal -d $tree "$IMAGES/$1"
	rm -r $tree
}

# Xen's own time differs from one processor to the next, by milliseconds where
# they are emulated: what the two sides tell of one moment would not agree.
pin()
{
	xl vcpu-pin 0 all "$1" || fail "xl vcpu-pin failed"
}

step "the same requests, recorded by both sides"
daemon_start
image disk.img 128M
tool tool.img
record_start /root/host
pin 0
guest_start one /root/guest/front.sh "disk=['$(disk xvdb tool.img)']" 'cpus="0"'
wait_for "the guest records" 90 has one recording 1
xl block-attach one "$(disk xvda disk.img)" || fail "xl block-attach failed"
wait_for "the guest's work" 200 has one worked 1
xl block-detach one xvda || fail "xl block-detach failed"
guest_task one 60 || fail "its task failed with status $?"
guest_gone one 30
pin all
all_clean
daemon_stop
record_stop
mkdir /run/out
mount -o loop,ro "$IMAGES/tool.img" /run/out && cp -r /run/out/trace /root/front ||
	fail "the guest's trace did not come out"
umount /run/out
rmdir /run/out
