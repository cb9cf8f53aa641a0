#!/bin/bash
# SPDX-License-Identifier: MIT
#
# timeout: 240
# level: all
#
# The report of a real run, clicked through in a headless browser.
. "$TOP/tests/lib.sh"
for need in chromedriver chromium; do
	command -v $need >/dev/null ||
		skip "$need is not installed; apt-get install chromium-driver"
done

step "a run"
start_desk
start_ringsided
image a.img 16M
start_record
attach 1 xvda "$T/a.img"
front --rw randrw --bs 8k --depth 4 --ops 150 --quiet || fail "front"
stop_ringsided
stop_record || fail "record: $(cat "$T/record.log")"
ringside show report "$T/trace" -o "$T/report.html" || fail "the report"

step "through the report"
HOME=$T python3 "$TOP/tests/browser/report.py" "$T/report.html" "$T" ||
	fail "the report does not do what it should"
