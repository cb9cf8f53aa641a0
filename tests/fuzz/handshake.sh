#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend's and a toolstack's keys of any content.
#
# timeout: 86400
# once
. "${0%/*}/harness"
