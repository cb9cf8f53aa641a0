#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# skew.py TRACE AHEAD_NS [PPM [AT_NS]]: as if the machine's clock had been
# ahead by AHEAD_NS when it was AT_NS, and had run faster by PPM: the clock in
# the metadata of each trace below TRACE is another.
import os
import re
import struct
import sys
from fractions import Fraction

top, ahead = sys.argv[1], int(sys.argv[2])
ppm = int(sys.argv[3]) if len(sys.argv) > 3 else 0
at = int(sys.argv[4]) if len(sys.argv) > 4 else 0


def text_of(data):
    """LTTng writes metadata in packets: a header of 37 bytes, then text."""
    if data[:4] != struct.pack("<I", 0x75D11D57):
        return data
    text, pos = b"", 0
    while pos < len(data):
        content, packet = struct.unpack_from("<II", data, pos + 24)
        text += data[pos + 37:pos + content // 8]
        pos += packet // 8
    return text


def number(text, name):
    return int(re.search(rb"\b%s = (\d+);" % name, text).group(1))


for folder, _, files in os.walk(top):
    if "metadata" not in files:
        continue
    path = os.path.join(folder, "metadata")
    text = text_of(open(path, "rb").read())
    old, offset = number(text, b"freq"), number(text, b"offset")
    assert old == 1000000000, old
    # A clock that runs faster makes more ns of as many cycles.
    new = round(old / (1 + ppm / 1e6))
    rate = Fraction(old, new)
    offset = round((at + ahead) / rate) - at + offset
    text = re.sub(rb"\bfreq = \d+;", b"freq = %d;" % new, text)
    text = re.sub(rb"\boffset = \d+;", b"offset = %d;" % offset, text)
    open(path, "wb").write(text)
