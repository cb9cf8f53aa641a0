#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# damage.py DIR SEED: cuts off one of the files in DIR, or changes some of its
# bytes; the same for the same SEED.
import os
import random
import sys

top, seed = sys.argv[1], int(sys.argv[2])
r = random.Random(seed)
files = [f for f in sorted(os.listdir(top))
         if os.path.getsize(os.path.join(top, f))
         and os.path.isfile(os.path.join(top, f))]
# All that is read goes by the metadata.
path = os.path.join(top, r.choice(["metadata"] + files))
data = bytearray(open(path, "rb").read())
if seed % 3 == 0:
    data = data[:r.randrange(len(data))]
else:
    for _ in range(r.choice([1, 4, 40])):
        data[r.randrange(len(data))] ^= r.randrange(1, 256)
open(path, "wb").write(data)
