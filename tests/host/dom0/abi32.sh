# SPDX-License-Identifier: MIT
# In dom0: a frontend that speaks x86_32-abi.  It is GRUB's, for Linux for i386
# does not run under QEMU's emulation (docs/host.md, "A 32-bit guest").
. "${0%/*}/lib.sh"
daemon_start
tree=/tmp/abi32
rm -rf $tree
mkdir -p $tree/boot/grub $tree/data
cp -rL /usr/share/zoneinfo/Europe $tree/data/
head -c 3M /dev/urandom >$tree/data/random
(cd $tree && find data -type f -print0 | sort -z | xargs -0 md5sum) >$tree/sums
files=$(wc -l <$tree/sums)
# No "sleep": GRUB then asks CPUID in a loop, and such a guest ends in a triple
# fault under QEMU's emulation, on any backend (docs/host.md).  The last sum
# keeps the domain until its console has been read.
# An environment block of GRUB: what it writes.  It writes all of it.
block()
{
	local text=$'# GRUB Environment Block\n'$1
	printf '%s' "$text"
	head -c $((65536 - ${#text})) /dev/zero | tr '\0' '#'
}
block '' >$tree/env
words=$(for ((i = 0; i < 500; i++)); do printf '%04d.abi32.' $i; done)
cat >$tree/boot/grub/grub.cfg <<END
set enable_progress_indicator=0
set failed=0
if ! hashsum --hash md5 --check /sums --prefix /; then set failed=1; fi
set words=$words
if ! save_env --file /env words; then set failed=1; fi
set words=
load_env --file /env words
if [ "\$words" != $words ]; then set failed=1; fi
echo
echo "task: status \$failed"
hashsum --hash md5 /data/random
halt
END
image abi32.img 32M
mke2fs -q -t ext4 -d $tree $IMAGES/abi32.img

# GRUB's frontend stays in state 3 while it works.
protocol()
{
	lost_guest abi32
	PROTOCOL=$(xenstore-read \
		"/local/domain/${DOMID[abi32]}/device/vbd/51712/protocol" \
		2>/dev/null)
}

step "a 32-bit guest reads $files files, and writes one"
guest_create abi32 'type="pvh"' 'on_reboot="destroy"' 'tsc_mode="native"' 'memory=128' \
	'kernel="/usr/lib/grub-xen/grub-i386-xen_pvh.bin"' \
	"disk=['$(disk xvda abi32.img)']"
wait_for "it says what it speaks" 20 protocol
[ "$PROTOCOL" = x86_32-abi ] || fail "it speaks $PROTOCOL, not x86_32-abi"
guest_task abi32 300 || fail "its checks failed"
[ "$(grep -c ': OK' $CONSOLE/guest-abi32.log)" = "$files" ] ||
	fail "it did not compare $files files"
guest_gone abi32 30
all_clean

step "what it wrote is in the image, and nothing else"
e2fsck -fn $IMAGES/abi32.img || fail "e2fsck found faults"
block "words=$words"$'\n' >$tree/env
rm -rf $tree.out
mkdir $tree.out
debugfs -R "rdump / $tree.out" $IMAGES/abi32.img 2>/dev/null
rmdir $tree.out/lost+found
diff -r $tree $tree.out || fail "the image differs"
daemon_stop
cat /tmp/ringsided.log
