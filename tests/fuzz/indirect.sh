#!/bin/bash
# SPDX-License-Identifier: MIT
# Indirect segment lists of any content, through whole turns of a queue.
#
# timeout: 86400
# once
. "${0%/*}/harness"
