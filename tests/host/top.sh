#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside top in dom0: the stages of a real guest's requests, and the calls
# on the devices of Xen that a desk does not have.
#
# level: all
# timeout: 1800
# alone
. "${0%/*}/../hostlib.sh"
host_up
dom0 top.sh || exit 1
host get /root/top.json "$T" || fail "the samples did not come out"
python3 - "$T/top.json" <<'END' || fail "something was not seen"
import json, sys
samples = [json.loads(line) for line in open(sys.argv[1])]
stages = [d["stages"] for s in samples for d in s["disks"]]
kernel = [s["kernel"] for s in samples]
for stage in "check", "start", "storage", "answer", "tell", "all":
    n = sum(s[stage]["requests"] for s in stages)
    print(f"   {stage}: {n} requests")
    assert n > 0
assert not any(k["unseen"] for k in kernel), kernel[0]["unseen"]
for name in kernel[0]["calls"]:
    n, ns = (sum(k["calls"][name][what] for k in kernel)
             for what in ("calls", "ns"))
    if n:
        print(f"   {name}: {n} calls of {ns / n / 1000:.1f} us")
    assert n or name not in ("gntdev_map", "gntdev_mmap", "gntdev_unmap",
                             "munmap", "evtchn_notify", "evtchn_unmask",
                             "evtchn_take")
END
