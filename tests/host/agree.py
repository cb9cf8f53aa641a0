#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""agree.py WHOLE.txt LOSSY.txt: two recorders looked at the same guest at the
same time, and one lost some of it (babeltrace2's texts of their traces).  What
the other still tells of a request must be what the first tells of it: nothing
of another request that came in its place while something was lost.  Requests
are told apart by their index in the ring, of which there is one connection.
"""
import collections
import sys

from rules import EVENT, fields

# And what each says beside.
SAYS = {"request_take": ("id", "slot", "op", "segments", "sector"),
        "request_check": ("op", "off", "len"),
        "request_list": ("pages", "segments"),
        "grant_map": ("writable", "gref", "status"),
        "grant_reuse": ("count",),
        "grant_unmap": ("count",),
        "disk_submit": ("op", "off", "len"),
        "disk_done": ("error",),
        "request_respond": ("id", "idx", "op", "status")}


def read(path):
    """{(device, queue, index of its slot): {kind: [what it says]}}"""
    requests = collections.defaultdict(lambda: collections.defaultdict(list))
    index = {}
    with open(path, encoding="utf-8") as f:
        for m in filter(None, map(EVENT.search, f)):
            if m[1] not in SAYS:
                continue
            e = fields(m[2])
            if e["seq"] == 0:  # the ring's own grants
                continue
            queue = e["domid"], e["devid"], e["queue"]
            if m[1] == "request_take":
                index[queue, e["seq"]] = e["idx"]
            # None: its beginning was not told, and then nothing may be.
            at = *queue, index.get((queue, e["seq"]))
            requests[at][m[1]].append({k: e[k] for k in SAYS[m[1]]})
    return requests


def main():
    whole, lossy = read(sys.argv[1]), read(sys.argv[2])
    wrong = steps = 0
    for at, kinds in lossy.items():
        for kind, said in kinds.items():
            left = list(whole[at][kind]) if at in whole else []
            for says in said:
                steps += 1
                if says in left:
                    left.remove(says)
                    continue
                wrong += 1
                if wrong <= 5:
                    print(f"FAIL {kind} of {at}: {says}, and not {left}")
    answered = sum("request_respond" in k for k in lossy.values())
    print(f"   of {len(whole)} requests {len(lossy)} are told in part, and "
          f"{answered} to their answers: {steps} steps, {wrong} of them wrong")
    return wrong or not answered or len(lossy) >= len(whole)


sys.exit(1 if main() else 0)
