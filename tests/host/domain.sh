#!/bin/bash
# SPDX-License-Identifier: MIT
# A storage driver domain; and the kernel's own backend beside ours.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 domain.sh
