#!/bin/bash
# SPDX-License-Identifier: MIT
# The desk's store: any requests and any bytes of its clients.
#
# timeout: 86400
# once
. "${0%/*}/harness"
