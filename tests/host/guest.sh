#!/bin/bash
# SPDX-License-Identifier: MIT
# A PV and a PVH guest of a real Xen host, with Linux's blkfront, on a disk of ours;
# a 32-bit guest, with GRUB's; and one that uses all that a backend offers.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 guest.sh && dom0 pvh.sh && dom0 abi32.sh && dom0 duties.sh
