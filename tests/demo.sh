#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What "make demo" shows: a desk, a backend, an ext4 image with real files
# that goes through the ring in and out over NBD and is compared by checksum,
# recorded and drawn in out/demo.  Needs no root.  Ctrl-C leaves nothing.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BIN=${BIN:-$TOP/build/bin}
OUT=${OUT:-$TOP/out/demo}
PATH=$BIN:$PATH:/usr/sbin:/sbin
SIZE=64M

say()
{
	printf '%s\n' "$*"
}

step()
{
	printf '\n== %s\n' "$*"
}

die()
{
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}

# ---- what is recorded ---------------------------------------------------------

# Ends what runs, latest first; each is given time to close in order.
jobs_end()
{
	local pid
	for pid in ${nbd:-} ${daemon:-}; do
		kill -TERM "$pid" 2>/dev/null && wait "$pid"
	done
	nbd='' daemon=''
}

# Wait until file $1 has the text $2, for as long as process $3 lives.
wait_text()
{
	local i
	for ((i = 0; i < 300; i++)); do
		grep -qs -- "$2" "$1" && return 0
		kill -0 "$3" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# In a process of its own, below "ringside record".
inner()
{
	local work=$1 uri
	cd "$work" || exit 1
	trap jobs_end EXIT
	trap 'exit 130' INT TERM

	ringsided --host "desk:$work/desk" 2>daemon.log &
	daemon=$!
	wait_text daemon.log 'ringsided: ready' $daemon ||
		die "the backend did not start: $(tail -n 1 daemon.log)"
	say "ringsided waits for disks (process $daemon)"
	ringside attach "$work/desk" --target "$work/disk.img" >/dev/null ||
		die "the disk could not be attached"
	say "guest 1 has the disk xvda, backed by disk.img"

	ringside front "$work/desk" --nbd "$work/nbd" >nbd.log 2>&1 &
	nbd=$!
	wait_text nbd.log '^nbd' $nbd ||
		die "the frontend did not connect: $(tail -n 1 nbd.log)"
	uri=$(grep '^nbd' nbd.log)
	say "ringside front is the guest, and exports its disk as $uri"

	say "in:  nbdcopy files.img  ->  NBD -> frontend -> ring -> backend -> disk.img"
	nbdcopy --flush files.img "$uri" || die "the copy in failed"
	say "out: nbdcopy back.img  <-  NBD <- frontend <- ring <- backend <- disk.img"
	# Small enough for direct requests, where the copy in was of indirect ones.
	nbdcopy --request-size=32768 "$uri" back.img || die "the copy out failed"
	jobs_end
	trap - EXIT
}

if [ "${1:-}" = --inner ]; then
	inner "$2"
	exit 0
fi

# ---- around it -----------------------------------------------------------------

# The path of a socket has room for 107 bytes.
work=$(mktemp -d /tmp/ringside-demo-XXXXXX) || exit 1
cleanup()
{
	[ -d "$work/desk" ] && ringside desk stop "$work/desk" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'echo; echo "demo: stopped" >&2; exit 130' INT TERM

for program in ringside ringsided mke2fs debugfs nbdcopy sha256sum; do
	command -v $program >/dev/null ||
		die "there is no $program: run \"make demo\", which installs and builds what is missing"
done

step "an ext4 image of $SIZE with real files, and an empty disk"
mkdir "$work/files" "$work/found" || exit 1
cp -r "$TOP/src" "$TOP/trace" "$TOP/docs" "$work/files/" ||
	die "no room in $work"
cp -rL /usr/share/common-licenses "$work/files/licenses" 2>/dev/null
cp -L "$BIN/ringside" "$BIN/ringsided" "$work/files/"
mke2fs -q -t ext4 -d "$work/files" "$work/files.img" $SIZE >/dev/null ||
	die "mke2fs failed"
truncate -s $SIZE "$work/disk.img" || die "no room in $work"
say "$(find "$work/files" -type f | wc -l) files, $(du -sh "$work/files" | cut -f1)"

step "a desk: an emulated Xen host in a process"
ringside desk start "$work/desk" || die "the desk did not start"

step "backend and frontend at work, recorded"
rm -rf "$OUT"
mkdir -p "$OUT" || exit 1
ringside record -o "$OUT/trace" -- bash "$0" --inner "$work" || exit 1
ringside desk stop "$work/desk" || die "the desk did not stop"

step "what went in is what came out"
sums=$(cd "$work" && sha256sum files.img disk.img back.img)
say "$sums"
[ "$(cut -d' ' -f1 <<<"$sums" | sort -u | wc -l)" = 1 ] ||
	die "the images differ"
debugfs -R "rdump / $work/found" "$work/back.img" 2>"$work/debugfs.log" ||
	die "debugfs cannot read the image"
rmdir "$work/found/lost+found"
sums_of()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
diff <(sums_of "$work/files") <(sums_of "$work/found") ||
	die "a file differs"
say "and $(sums_of "$work/found" | wc -l) files in it have their checksums"

step "pictures from the trace"
for view in sequence handshake; do
	ringside show $view "$OUT/trace" -o "$OUT/$view.svg" ||
		die "the $view could not be drawn"
done
ringside show report "$OUT/trace" -o "$OUT/report.html" ||
	die "the report could not be made"
for file in trace sequence.svg handshake.svg report.html; do
	[ -e "$OUT/$file" ] || die "$OUT/$file is missing"
done

shown=${OUT#"$PWD"/}
bin=${BIN#"$PWD"/}
cat <<END

Open:
  $shown/report.html      everything on one page, also without a network
  $shown/sequence.svg     requests from the ring's push to the response
  $shown/handshake.svg    both state machines as they moved, with the keys
  $shown/trace            the trace itself: babeltrace2 $shown/trace | less

Try next:
  $bin/ringside show latency $shown/trace
  $bin/ringside show request $shown/trace
  $bin/ringside desk start /tmp/desk
  $bin/ringsided --host desk:/tmp/desk &
  truncate -s 1G /tmp/disk.img
  $bin/ringside attach /tmp/desk --target /tmp/disk.img
  $bin/ringside front /tmp/desk --rw randrw --ops 10000 --verify
  kill %1; $bin/ringside desk stop /tmp/desk

"make help" lists the rest; docs/architecture.md tells how it works.
END
