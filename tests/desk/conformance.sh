#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend without manners: a case for each rule of the protocol and for
# each advisory that a backend has to withstand (docs/protocol.md).
. "${0%/*}/../lib.sh"

[ -x "$BIN/conformance" ] || fail "there is no $BIN/conformance: make units"
conformance=("$BIN/conformance" --ringsided "$BIN/ringsided")

step "each rule"
"${conformance[@]}" >"$T/cases" 2>&1
status=$?
cat "$T/cases"
[ $status -eq 0 ] || fail "exit status $status"

step "what is tolerated is named in the trace"
start_record
background one "${conformance[@]}" RQ-40 GR-48
ended one || fail "$(cat "$T/one.log")"
stop_record || fail "record: $(cat "$T/record.log")"
babeltrace2 "$T/trace" | grep 'request_tolerate' >"$T/tolerated"
for rule in RQ-40 GR-48; do
	grep -q "rule = \"$rule\"" "$T/tolerated" || fail "no event names $rule"
done
