#!/bin/bash
# SPDX-License-Identifier: MIT
# Slots of any bytes, in each layout of a ring.
#
# timeout: 86400
# once
. "${0%/*}/harness"
