#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rules.py TRACE.txt [RULE...]: the rules of the protocol that a recorded
backend has to keep, held against what it did (babeltrace2's text of a trace).
A line for each rule, "ok" or "FAIL", with how often it was put to the test;
a rule that no event put to the test is a failure, too.  With RULEs these only.
"""
import collections
import re
import sys

EVENT = re.compile(r"ringside:(\w+): \{[^}]*\}, \{(.*)\}\s*$")
FIELD = re.compile(
    r'(\w+) = (?:\( "([^"]*)" : container = (-?\d+) \)|"((?:[^"\\]|\\.)*)"'
    r"|\[([^\]]*(?:\][^\]]*)*?)\] ?(?=,|$)|(-?\d+))")
STATE = {"initialising": 1, "initwait": 2, "initialised": 3, "connected": 4,
         "closing": 5, "closed": 6}
NEXT = {1: {2, 5, 6}, 2: {3, 4, 5, 6}, 3: {4, 5, 6}, 4: {4, 5, 6}, 5: {6, 2},
        6: {2, 1}}
IO = {"read", "write", "barrier", "flush", "discard"}


class Rule:
    def __init__(self):
        self.seen, self.broken = 0, []

    def check(self, good, text):
        self.seen += 1
        if not good:
            self.broken.append(text)


rules = collections.defaultdict(Rule)


def check(name, good, text):
    rules[name].check(good, text)


def fields(body):
    out = {}
    for name, word, _, text, array, number in FIELD.findall(body):
        out[name] = word or text or (int(number) if number else array)
    return out


class Queue:
    def __init__(self):
        self.ring = self.port = False
        self.taken, self.done = {}, set()
        self.mapped = collections.Counter()
        self.entries = self.req_cons = self.rsp_prod = 0
        self.responded = self.disk = 0
        self.flushed = set()


class Device:
    """One connection after the other of one disk."""

    def __init__(self):
        self.keys, self.state, self.kept = {}, 1, False
        self.queues = collections.defaultdict(Queue)

    def number(self, key):
        return int(self.keys.get(key, "-1"))

    def state_switch(self, e, q):
        to = STATE[e["to"]]
        check("XB-06", to in NEXT[self.state], f"state {self.state} to {to}")
        if to == 2:
            for key in ("max-ring-page-order", "max-ring-pages",
                        "multi-queue-max-queues"):
                check("XB-01", key in self.keys, f"{key} is not there in state 2")
            # Linux's own backend writes the one only.
            if "max-ring-pages" in self.keys:
                check("XB-11", self.number("max-ring-pages") ==
                      1 << max(self.number("max-ring-page-order"), 0),
                      "two numbers of the largest ring")
            check("XB-16", ("discard-granularity" in self.keys) ==
                  ("discard-alignment" in self.keys) ==
                  (self.keys.get("feature-discard") == "1"),
                  "keys of a discard")
        if to == 4 and self.state != 4:
            for key in ("sectors", "sector-size", "info"):
                check("XB-02", key in self.keys, f"{key} is not there in state 4")
            queues = list(self.queues.values())
            check("XB-05", queues and all(q.ring and q.port for q in queues),
                  "state 4 without rings and ports")
            sector = self.number("sector-size")
            physical = self.number("physical-sector-size")
            check("XB-14", sector >= 512 and not sector & (sector - 1) and
                  physical % sector == 0, f"sectors of {sector}, {physical}")
            check("XB-15", self.number("sectors") * 512 % physical == 0,
                  f"{self.number('sectors')} sectors")
        if to == 6 and self.state != 6:
            check("XB-19", not any(q.ring or q.port
                                   for q in self.queues.values()),
                  "state 6 with a ring or a port")
            self.end()
        self.state = to

    def end(self):
        """No connection any more: nothing is left unanswered."""
        for queue in self.queues.values():
            left = set(queue.taken) - queue.done
            check("RG-25", not left, f"never answered: {sorted(left)[:5]}")
        self.queues.clear()

    def store_write(self, e, q):
        path, _, key = e["path"].rpartition("/")
        if "/backend/vbd/" in path:
            self.keys[key] = e["value"]

    def feature_accept(self, e, q):
        if e["name"] == "feature-persistent":
            self.kept = e["value"] == 1

    def ring_map(self, e, q):
        q.ring, q.entries = True, e["entries"]
        q.taken.clear()

    def ring_unmap(self, e, q):
        q.ring = False

    def evtchn_bind(self, e, q):
        q.port = True

    def evtchn_unbind(self, e, q):
        q.port = False

    def ring_consume(self, e, q):
        if e["side"] != "request":
            return
        new = (e["cons_after"] - e["cons_before"]) & 0xffffffff
        check("RG-22", e["cons_before"] == q.req_cons and new <= q.entries,
              f"req_cons from {q.req_cons} to {e['cons_after']}")
        check("RG-20", ((e["prod"] - q.rsp_prod) & 0xffffffff) <= q.entries,
              f"req_prod {e['prod']} with rsp_prod {q.rsp_prod}")
        q.req_cons = e["cons_after"]

    def request_take(self, e, q):
        seq = e["seq"]
        check("RG-24", seq not in q.taken, f"request {seq} was taken twice")
        q.taken[seq] = e
        if e["op"] == "indirect":
            check("XB-17", self.number("feature-max-indirect-segments") > 0,
                  "an indirect request that nobody offered")

    def request_check(self, e, q):
        q.taken[e["seq"]]["does"] = e["op"]
        check("RQ-38", e["off"] + e["len"] <= self.number("sectors") * 512,
              f"request {e['seq']} beyond the disk")

    def grant_map(self, e, q):
        request = q.taken.get(e["seq"])
        if not request:
            return
        q.mapped[e["seq"]] += 1
        if not self.kept and request.get("does") in ("write", "barrier"):
            check("GR-49", not e["writable"],
                  f"pages of write {e['seq']} are mapped writable")

    def grant_unmap(self, e, q):
        if e["seq"] in q.taken:
            q.mapped[e["seq"]] -= 1

    def grant_reuse(self, e, q):
        check("GR-47", self.kept, "a grant is kept that nobody agreed to")

    def disk_done(self, e, q):
        q.flushed.add(e["seq"])

    def request_respond(self, e, q):
        seq, was = e["seq"], q.taken.get(e["seq"])
        check("RG-25", was is not None and seq not in q.done,
              f"request {seq} is answered, and was not taken or was before")
        if was is None:
            return
        q.done.add(seq)
        q.responded += 1
        check("RG-26", e["id"] == was["id"], f"the id of {seq} is not echoed")
        check("RG-27", e["op"] == was.get("does", was["op"]),
              f"{was['op']} {seq} is answered as {e['op']}")
        check("RG-28", e["status"] in ("okay", "error", "eopnotsupp"),
              f"status {e['status']}")
        check("RG-23", q.responded <= len(q.taken), "more answers than requests")
        if not self.kept:
            check("GR-46", q.mapped[seq] == 0,
                  f"request {seq} is answered with pages mapped")
        if was["op"] in ("flush", "barrier") and e["status"] == "okay":
            check("RQ-43", seq in q.flushed, f"{seq} is answered unflushed")

    def ring_produce(self, e, q):
        if e["side"] == "response":
            check("RG-21", ((e["prod_after"] - e["prod_before"]) & 0xffffffff)
                  <= q.entries, "more responses than the ring holds")
            q.rsp_prod = e["prod_after"]

    def ring_notify(self, e, q):
        if e["side"] == "response":
            old, new = e["prod_before"], e["prod_after"]
            need = ((new - e["event"]) & 0xffffffff) < ((new - old) & 0xffffffff)
            check("RG-30", bool(e["needed"]) == need,
                  f"{old} to {new}, event {e['event']}: needed {e['needed']}")

    def ring_final_check(self, e, q):
        if e["side"] == "request":
            check("RG-31", True, "")


def main():
    devices = collections.defaultdict(Device)
    for line in open(sys.argv[1], errors="replace"):
        m = EVENT.search(line)
        if not m or '"backend"' not in m[2]:
            continue
        handler = getattr(Device, m[1], None)
        if not handler or m[1] in ("number", "end"):
            continue
        e = fields(m[2])
        device = devices[e.get("domid"), e.get("devid")]
        queue = e["queue"]
        handler(device, e, None if queue == 65535 else device.queues[queue])
    for device in devices.values():
        device.end()
    wanted = sys.argv[2:] or sorted(rules)
    status = 0
    for name in wanted:
        rule = rules[name]
        good = rule.seen and not rule.broken
        status |= not good
        print(f"{'ok  ' if good else 'FAIL'} {name} {rule.seen} times" +
              (f"; {len(rule.broken)} broken, first: {rule.broken[0]}"
               if rule.broken else ""))
    return status


if __name__ == "__main__":
    sys.exit(main())
