#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks that come and go, and a guest that is destroyed, under load.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 hotplug.sh
