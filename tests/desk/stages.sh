#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside top --stages and --kernel: BPF programs count each stage of each
# request once, and each operation that the kernel has done for it, only while
# somebody looks; where they are not allowed it says so and goes on.
#
# timeout: 240
# level: long
. "${0%/*}/../lib.sh"
PROBES=7

top_to()
{
	exec ringside top "$DESK" --interval 0.2 "${@:2}" >"$1"
}

# The number of probes set in ringsided, by their semaphores in its memory.
probes()
{
	python3 - "${JOB[ringsided]}" <<-'END'
	import struct, subprocess, sys
	proc = f"/proc/{sys.argv[1]}"
	base = next(int(line.split("-")[0], 16) for line in open(f"{proc}/maps")
	            if "ringsided" in line)
	names = subprocess.check_output(["nm", f"{proc}/exe"], text=True)
	on = 0
	with open(f"{proc}/mem", "rb", 0) as mem:
	    for line in names.splitlines():
	        if line.endswith("_semaphore"):
	            mem.seek(base + int(line.split()[0], 16))
	            on += struct.unpack("H", mem.read(2))[0]
	print(on)
	END
}

probes_are()
{
	[ "$(probes)" = "$1" ]
}

start_desk
image disk 16M
start_ringsided
timeout 60 ringside top "$DESK" --stages --json --count 1 --interval 0.1 \
	>"$T/try.json" 2>"$T/said" || fail "top: $(cat "$T/said")"
[ ! -s "$T/said" ] || skip "$(cut -d: -f2- "$T/said")"

step "each request is counted once in each stage"
attach 1 xvda "$T/disk"
# Keeps the connection for a while after the first disk's load is over.
attach 1 xvdb null:16M --limit iops=600
probes_are 0 || fail "$(probes) probes are set before anybody looks"
background top top_to "$T/stages.json" --stages --json
wait_until "$PROBES probes are set" probes_are $PROBES
front --vdev xvda,xvdb --queues 2 --rw randrw --ops 2000 --json \
	>"$T/front.json" || fail "front"
wait_until "the last is counted" eval \
	'tail -n 1 "$T/stages.json" | grep -q "\"disks\":\[\]"'
stop top || fail "top ended with $?"
probes_are 0 || fail "$(probes) probes were left"
python3 - "$T/front.json" "$T/stages.json" <<'END' || fail "numbers differ"
import json, sys
front = {d["disk"]: d for d in json.load(open(sys.argv[1]))}
samples = [json.loads(line) for line in open(sys.argv[2])]
seen = [d for s in samples for d in s["disks"] if d["name"] == "xvda"]
asked = sum(front["xvda"][op]["ops"] for op in ("read", "write"))
assert asked >= 2000, asked
for stage in "check", "start", "storage", "answer", "tell", "all":
    n = sum(d["stages"][stage]["requests"] for d in seen)
    print(f"   {stage}: {n} of {asked}")
    assert n == asked
    for d in seen:
        d = d["stages"][stage]
        assert d["requests"] == sum(n for _, n in d["buckets"])
        assert (d["mean_us"] is None) == (d["requests"] == 0)
# Each stage is a part of the whole.
def waited(d, stage):
    return d[stage]["requests"] * (d[stage]["mean_us"] or 0)
parts, whole = (sum(waited(d["stages"], stage) for d in seen for stage in of)
                for of in (("check", "start", "storage", "answer"), ("all",)))
print(f"   together {parts:.0f} us of {whole:.0f} us")
assert abs(parts - whole) < 1 + whole / 1000
END

step "what is refused or fails is in the stages that it had"
ringside detach "$DESK" --vdev xvda || fail "detach"
attach 1 xvda "$T/disk" --inject 'op=read errno=EIO'
background top top_to "$T/errors.json" --stages --json
wait_until "$PROBES probes are set" probes_are $PROBES
front --vdev xvda,xvdb --rw read --ops 600 --json >"$T/front.json"
wait_until "the last is counted" eval \
	'tail -n 1 "$T/errors.json" | grep -q "\"disks\":\[\]"'
python3 - "$T/front.json" "$T/errors.json" <<'END' || fail "numbers differ"
import json, sys
front = {d["disk"]: d for d in json.load(open(sys.argv[1]))}
seen = [d for line in open(sys.argv[2]) for d in json.loads(line)["disks"]
        if d["name"] == "xvda"]
errors = seen[-1]["total"]["read"]["errors"]
told = sum(d["stages"]["tell"]["requests"] for d in seen)
print(f"   {errors} errors, {told} told")
assert 0 < errors == told
END

step "another daemon is looked into, too"
killed ringsided
start_ringsided
wait_until "the new one has probes" probes_are $PROBES
{ kill -KILL "${JOB[top]}" && wait "${JOB[top]}"; } 2>/dev/null
unset "JOB[top]"
wait_until "none is left by who was killed" probes_are 0

step "what the kernel did for each request"
ringside detach "$DESK" || fail "detach"
attach 1 xvda "$T/disk"
background top top_to "$T/kernel.json" --kernel --json
wait_until "it has begun" test -s "$T/kernel.json"
front --vdev xvda,xvdb --rw randrw --ops 1500 --json >"$T/front.json" ||
	fail "front"
wait_until "the last is counted" eval \
	'tail -n 1 "$T/kernel.json" | grep -q "\"disks\":\[\]"'
stop top || fail "top ended with $?"
sed 's/^/   /' "$T/top.log"
grep -q 'Not to be seen here: /dev/xen/gntdev and /dev/xen/evtchn, missing' \
	"$T/top.log" || fail "it does not say what a desk has not"
python3 - "$T/front.json" "$T/kernel.json" <<'END' || fail "numbers differ"
import json, sys
front = {d["disk"]: d for d in json.load(open(sys.argv[1]))}
kernel = [json.loads(line)["kernel"] for line in open(sys.argv[2])]
asked = sum(front["xvda"][op]["ops"] for op in ("read", "write"))
def calls(name):
    return sum(k["calls"][name]["calls"] for k in kernel)
# Files on tmpfs are read and written by the queue itself.
done = calls("pread") + calls("pwrite")
if kernel[0]["io_uring"]:
    done += sum(k["io_uring"]["operations"] for k in kernel)
    print(f"   {asked} asked, {done} done, {calls('io_uring_enter')} times "
          f"entered, {calls('write')} writes")
    assert done == asked
# The desk notifies by eventfds.
disks = {d["name"]: d for line in open(sys.argv[2])
         for d in json.loads(line)["disks"]}
assert calls("write") >= sum(d["total"]["notifies"] for d in disks.values()) > 0
for name in kernel[0]["calls"]:
    if name.startswith(("gntdev", "evtchn")):
        assert calls(name) == 0, name
for k in kernel:
    assert k["together"]["ns"] == sum(c["ns"] for c in k["calls"].values())
    assert {"gntdev", "evtchn"} <= set(k["unseen"])
END

step "in a terminal, by a key"
ringside detach "$DESK" || fail "detach"
attach 1 xvda "$T/disk"
background load ringside front "$DESK" --rw randread --runtime 60 --quiet
# Whether the top in the terminal has programs in the kernel.
at_work()
{
	find "/proc/$(pgrep -xf "ringside top $DESK --interval 0.2")/fd" \
		-lname '*bpf*' | grep -q .
}
idle()
{
	! at_work
}
# What to do there, told line by line as it comes to that.
looks()
{
	echo 'expect 1/xvda'
	wait_until "nobody pays yet" probes_are 0
	printf '%s\n' 'send h' 'expect STORAGE' 'expect #####'
	wait_until "the key sets probes" probes_are $PROBES
	printf '%s\n' 'send h' 'expect sorted by disk'
	wait_until "the key takes them away" probes_are 0
	printf '%s\n' 'send k' 'expect together' 'expect missing as on a desk'
	wait_until "the other key sets programs" at_work
	printf '%s\n' 'send k' 'expect sorted by disk'
	wait_until "and takes them away" idle
	printf '%s\n' 'send ?' 'expect until the storage is done' 'send q' 'ended 0'
}
looking()
{
	looks | python3 "$TOP/tests/fixtures/terminal.py" ringside top "$DESK" \
		--interval 0.2
}
background looking looking
ended looking || fail "in a terminal: $(cat "$T/looking.log")"

step "lines of text"
ringside top "$DESK" --batch --stages --kernel --count 2 --interval 0.3 \
	>"$T/text" 2>"$T/said" ||
	fail "top --batch"
sed 's/^/   /' "$T/text"
grep -qE '^[0-9:]+ kernel +write +[0-9]+ .*us:[0-9]+' "$T/text" ||
	fail "no line of a call"
grep -qE '^[0-9:]+ 1/xvda +storage +[0-9]+ .*us:[0-9]+' "$T/text" ||
	fail "no line of a stage"

step "without rights it says so, and goes on"
for view in --json --batch; do
	timeout 60 setpriv --bounding-set=-sys_admin,-bpf,-perfmon \
		"$BIN/ringside" top "$DESK" --stages --kernel $view --count 2 \
		--interval 0.1 >"$T/text" 2>"$T/said" ||
		fail "exit status $?: $(cat "$T/said")"
	grep -qx 'ringside top: No stages: .*; run it as root' "$T/said" &&
		grep -qx 'ringside top: Not of the kernel: .*; run it as root' \
			"$T/said" && [ "$(wc -l <"$T/said")" = 2 ] ||
		fail "it says: $(cat "$T/said")"
	[ "$(grep -c xvda "$T/text")" = 2 ] || fail "it did not go on"
	grep -qE '"stages"|"kernel"| storage | kernel ' "$T/text" && fail "whose are these?"
done
sed 's/^/   /' "$T/said"
kill -INT "${JOB[load]}"
ended load
stop_ringsided
