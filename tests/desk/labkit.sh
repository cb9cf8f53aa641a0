#!/bin/bash
# SPDX-License-Identifier: MIT
# ringside lab, but for grades: list, start, hint, predict, catchup, submit,
# doctor, and the kits.  A kit lacks what it must lack, as a file and as a
# symbol; a skeleton and a solution compile and link there.  What is wrong is
# told in a sentence.
#
# level: all
# timeout: 900
. "${0%/*}/../lib.sh"

ROOT=$BIN/labs
[ -d "$ROOT" ] || fail "there is no $ROOT: make labs"
mapfile -t labs < <(cd "$ROOT/labs" && ls)
SAN=$(head -1 "$ROOT/lib/link.flags")
unset RINGSIDE_LABS

has()
{
	grep -qF -- "$2" <<<"$1" || fail "\"$2\" is not in: $1"
}

# The object that lab.ini says a lab takes out; "" for none.
replaces()
{
	sed -nE 's,^replaces *= *src/([^ ;]+)\.c.*,src/\1.o,p' \
		"$ROOT/labs/$1/lab.ini"
}

files()
{
	sed -nE 's/^files *= *([^;]*).*/\1/p' "$ROOT/labs/$1/lab.ini"
}

# link ROOT LAB DIR FILE...: the files in DIR into DIR/ringsided.
link()
{
	local root=$1 lab=$2 dir=$3 file objects=()
	shift 3
	for file; do
		case $file in *.c) ;; *) continue ;; esac
		# shellcheck disable=SC2086
		gcc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fPIC \
			${SAN#-pthread} -I"$root/include" -c "$dir/$file" \
			-o "$dir/$file.o" || return 1
		objects+=("$dir/$file.o")
	done
	# shellcheck disable=SC2046
	gcc "${objects[@]}" "$root/lib/$lab.o" $(cat "$root/lib/link.flags") \
		-o "$dir/ringsided"
}

# tour KIT DIR: the steps of lab 0's README, with what a kit has.
tour()
{
	cd "$2" || exit 1
	DESK=$2/desk
	PATH=$1/bin:/usr/bin:/bin
	ringside desk start desk || fail "desk start"
	background toured ringsided --host desk:desk
	wait_until "the kit's ringsided is ready" ready_or_dead toured
	truncate -s 64M disk.img
	ringside attach desk --target "$PWD/disk.img" >/dev/null || fail "attach"
	ringside front desk --info >/dev/null || fail "front --info"
	rm -r trace
	ringside record -o trace -- ringside front desk --rw randread \
		--depth 4 --ops 234 >/dev/null 2>"$T/said" ||
		fail "record: $(cat "$T/said")"
	ringside show sequence trace >/dev/null || fail "show sequence"
	ringside show handshake trace -o mine.svg || fail "show handshake"
	ringside show report trace -o report.html || fail "show report"
	ringside detach desk || fail "detach"
	stop toured || fail "the kit's ringsided: $?"
	ringside desk stop desk
	ringside lab grade >"$T/said" 2>&1 && fail "all is right with no answers"
	grep -q 'answers.txt does not give it' "$T/said" || fail "$(cat "$T/said")"
	sed -i 's/^requests =.*/requests = 234/' answers.txt
	ringside lab grade >"$T/said" 2>&1
	grep -qE '^  ok +[0-9]+/[0-9]+ +requests ' "$T/said" || fail "$(cat "$T/said")"
	PATH=$path
	cd "$T" || exit 1
}
path=$PATH

step "what there is"
out=$(ringside lab list) || fail "list"
for lab in "${labs[@]}"; do
	has "$out" "${lab#[0-9][0-9]-}"
done
[ "$(wc -L <<<"$out")" -le 80 ] || fail "list is wider than 80 columns"
has "$(ringside lab --help)" catchup
for command in list start build hint predict catchup submit kit doctor skeleton; do
	has "$(ringside lab $command --help)" "Usage: ringside lab $command"
done

step "bad input"
expect_exit 2 'no command "lost"' ringside lab lost
expect_exit 2 'no lab "99"; there (is|are) .*template' ringside lab start 99
expect_exit 2 'which lab' ringside lab start
expect_exit 2 'a lab and a directory' ringside lab start a b c
expect_exit 2 'ringside lab start' ringside lab hint
expect_exit 2 'no directory of a lab' ringside lab submit --dir "$T"
expect_exit 2 'one number from 1' ringside lab hint 0
expect_exit 2 'one number from 1' ringside lab catchup x
expect_exit 2 'up to which step' ringside lab catchup
expect_exit 2 'number from 1' ringside lab skeleton template --steps 0
RINGSIDE_LABS=$T expect_exit 2 'holds no labs' ringside lab list

step "a student, from the start to what is handed in"
ringside lab start template >"$T/out" || fail "start"
has "$(cat "$T/out")" template/flight.c
expect_exit 2 'is there already' ringside lab start template
cd template || exit 1
grep -q 'TODO 2/2' flight.c || fail "no TODO in the skeleton"
grep -qE 'uses--|SKELETON|END [0-9]' flight.c && fail "too much in the skeleton"
grep -qF "]($ROOT/docs/protocol.md)" README.md || fail "links are not mended"
mkdir "$T/taken" && touch "$T/taken/include"
expect_exit 2 'include is there already' ringside lab start template "$T/taken"
[ "$(ls "$T/taken")" = include ] || fail "a start that failed left something"
has "$(ringside lab hint)" "Hint 1 of 3"
has "$(ringside lab hint)" "Hint 2 of 3"
has "$(ringside lab hint 1)" "Hint 1 of 3"
expect_exit 2 'has 3 hints' ringside lab hint 4
has "$(ringside lab predict)" "told: How often"
has "$(ringside lab predict)" "not predicted yet"
expect_exit 2 'and your number' ringside lab predict told
expect_exit 2 'from 0 on' ringside lab predict told many
expect_exit 2 'no prediction "x"' ringside lab predict x 3
has "$(ringside lab predict told 0 --explain 'nobody shares')" "you predict 0 times"
has "$(ringside lab predict)" "predicted: 0 times"

cp flight.c "$T/skeleton.c"
expect_exit 2 'no step 3' ringside lab catchup 3
cmp flight.c "$T/skeleton.c" || fail "a catchup that failed left something"
ringside lab catchup 1 || fail "catchup"
grep -q 's->uses++' flight.c || fail "step 1 is not there"
grep -q 's->uses--' flight.c && fail "step 2 is there"
cmp .lab/before-catchup/flight.c "$T/skeleton.c" || fail "nothing was kept"
sed -i 's/s->uses++/s->uses += 1/' flight.c
ringside lab catchup 2 --only || fail "catchup --only"
grep -q 's->uses += 1' flight.c || fail "step 1 was replaced"
cmp .lab/before-catchup/flight.c "$T/skeleton.c" &&
	grep -q 's->uses += 1' .lab/before-catchup-2/flight.c ||
	fail "a second catchup replaced what the first one kept"
link "$ROOT" template "$PWD" flight.c || fail "it does not link"
./ringsided --version | grep -q ringsided || fail "it does not run"

out=$(cd / && ringside lab submit --dir "$T/template" -o "$T/in.tar.gz") || fail "submit"
has "$out" "never graded"
has "$out" "packed: flight.c answers.md .lab/state.json"
has "$out" "no answers yet"
[ "$(tar tf "$T/in.tar.gz" | sort | paste -sd' ')" = \
	"template/ template/.lab/ template/.lab/state.json template/answers.md template/flight.c" ] ||
	fail "handed in: $(tar tf "$T/in.tar.gz")"
tar xf "$T/in.tar.gz" -C "$T" --one-top-level=in
grep -q '^## 2\. What could go wrong .* share a page?$' "$T/in/template/answers.md" ||
	fail "$(cat "$T/in/template/answers.md")"
mv answers.md mine.md
has "$(ringside lab submit -o "$T/in2.tar.gz")" "answers.md is missing"
tar tf "$T/in2.tar.gz" | grep -q answers && fail "answers.md out of nowhere"
(cat mine.md && echo because) >answers.md
never=$(ringside lab submit -o "$T/in2.tar.gz")
grep -q '^note' <<<"$never" && fail "it complains: $never"
python3 - "$T/in/template/.lab/state.json" <<'END' || fail "the state"
import json, sys
state = json.load(open(sys.argv[1]))
assert state["lab"] == "template"
assert [h["n"] for h in state["hints"]] == [1, 2]
assert [c["n"] for c in state["catchup"]] == [1, 2]
assert state["predictions"]["told"]["value"] == 0
assert state["predictions"]["told"]["explain"] == "nobody shares"
END
echo '{' >.lab/state.json
expect_exit 2 'no JSON object' ringside lab hint
cd "$T" || exit 1

step "every lab: skeleton and solution compile and link"
for lab in "${labs[@]}"; do
	mkdir -p "$T/s/$lab" "$T/k/$lab"
	# shellcheck disable=SC2046
	cp $(printf "$ROOT/labs/$lab/solution/%s " $(files "$lab")) "$T/s/$lab"
	cp "$ROOT/labs/$lab"/skeleton/* "$T/k/$lab"
	for dir in "$T/s/$lab" "$T/k/$lab"; do
		# shellcheck disable=SC2046
		link "$ROOT" "$lab" "$dir" $(files "$lab") ||
			fail "$dir does not compile or link"
	done
	cmp -s "$T/s/$lab/ringsided" "$T/k/$lab/ringsided" &&
		[ -n "$(replaces "$lab")" ] && fail "$lab: the skeleton is the solution"
done

step "every kit lacks what it must"
for lab in "${labs[@]}"; do
	rm -rf "$T/kit"
	ringside lab kit "$lab" -o "$T/$lab.tar.gz" >/dev/null || fail "kit $lab"
	mkdir "$T/kit" && tar xf "$T/$lab.tar.gz" -C "$T/kit"
	top=$T/kit/ringside-lab-$lab
	[ -d "$top/labs/$lab/hints" ] || fail "no hints in the kit of $lab"
	find "$top" \( -name solution -o -name mutants -o -name INSTRUCTOR.md \
		-o -name '*.sed' -o -name '*.o' ! -path "$top/lib/$lab.o" \
		! -path "$top/lib/crash.o" \) \
		-print >"$T/found"
	[ -s "$T/found" ] && fail "in the kit of $lab: $(cat "$T/found")"
	[ -n "$(find "$top" -type l)" ] && fail "links lead out of the kit"
	env PATH="/usr/bin:/bin" "$top/bin/ringside" lab start "$lab" \
		"$T/kit/work" >/dev/null || fail "start in the kit of $lab"
	"$TOP/tests/lint/links" "$top" || fail "links in the kit of $lab"
	"$TOP/tests/lint/links" --named "$T/kit/work" ||
		fail "what $lab's README names is not in the student's directory"
	object=$(replaces "$lab")
	if [ -z "$object" ]; then
		tour "$top" "$T/kit/work"
		continue
	fi
	[ -e "$top/bin/ringsided" ] && fail "the kit of $lab has our ringsided"
	nm -g --defined-only "$BIN/$object" | awk '{ print $3 }' |
		grep -v '^__' | sort >"$T/symbols"
	[ -s "$T/symbols" ] || fail "$object has no symbols"
	while read -r file; do
		nm --defined-only "$file" 2>/dev/null | awk '{ print $3 }' |
			sort -u | comm -12 - "$T/symbols" >"$T/found"
		[ -s "$T/found" ] &&
			fail "$file has of the layer: $(cat "$T/found")"
	done < <(find "$top" -type f)
	# And no line of our code that is long enough to be no accident.
	source=$TOP/${object%.o}.c
	sed -E 's/^[ \t]+//' "$source" "$ROOT/labs/$lab"/solution/*.c |
		grep -E '^[a-z].{28,}[;{]$' | grep -vE '^(static|#|struct|enum|bool|int|void|uint)' |
		grep -vxFf <(sed -E 's/^[ \t]+//' "$ROOT/labs/$lab"/skeleton/*) |
		sort -u >"$T/lines"
	grep -rFIl -f "$T/lines" "$top" >"$T/found" && [ -s "$T/lines" ] &&
		fail "lines of the layer in $(cat "$T/found")"
	# What was written with it works with nothing else.
	mkdir "$T/kit/mine"
	cp "$T/s/$lab"/*.c "$T/kit/mine/"
	# shellcheck disable=SC2046
	link "$top" "$lab" "$T/kit/mine" $(files "$lab") ||
		fail "the solution of $lab does not link in the kit"
	"$T/kit/mine/ringsided" --version >/dev/null || fail "it does not run"
	cp "$T/s/$lab"/*.c "$T/kit/work/"
	env PATH="/usr/bin:/bin" "$top/bin/ringside" lab grade \
		--dir "$T/kit/work" >"$T/said" 2>&1
	case $? in
	0) ;;
	3) grep -q 'bubblewrap may not' "$T/said" || fail "$(cat "$T/said")" ;;
	*) fail "a solution in the kit of $lab: $(cat "$T/said")" ;;
	esac
done

step "a kit: catching up, kits of it, the same bytes again"
kit=$T/kit/ringside-lab-template/bin/ringside
rm -rf "$T/kit" && mkdir "$T/kit" && tar xf "$T/template.tar.gz" -C "$T/kit"
"$kit" lab start template "$T/k2" >/dev/null || fail "start"
expect_exit 2 'ask your teacher' "$kit" lab catchup 1 --dir "$T/k2"
ringside lab skeleton template --steps 1 -o "$T/steps" || fail "skeleton"
expect_exit 2 'no step 2' "$kit" lab catchup 2 --dir "$T/k2" --from "$T/steps"
"$kit" lab catchup 1 --dir "$T/k2" --from "$T/steps" >/dev/null || fail "catchup"
grep -q 's->uses++' "$T/k2/flight.c" || fail "step 1 is not there"
expect_exit 2 'is a kit itself' "$kit" lab kit template -o "$T/again.tar.gz"
[ -e "$T/again.tar.gz" ] && fail "a kit of a kit"
expect_exit 2 'no solution here' "$kit" lab skeleton template
ringside lab kit template -o "$T/again.tar.gz" >/dev/null || fail "kit"
cmp "$T/template.tar.gz" "$T/again.tar.gz" || fail "the kit differs"
expect_exit 1 'cannot be written' ringside lab kit template -o /proc/no/kit
sh "$T/kit/ringside-lab-template/setup" || echo "   (setup would install something)"

step "the doctor"
ringside lab doctor >"$T/out"
status=$?
cat "$T/out"
[ $status -le 1 ] || fail "the doctor ended with $status"
for thing in compiler headers linker LTTng recording pictures; do
	grep -qE "^ok +$thing" "$T/out" || fail "$thing is said not to be well"
done
# What is missing is told, with the package that has it.
mkdir "$T/few"
for program in gcc as ld cc1 collect2 fc-match; do
	path=$(command -v $program) && ln -s "$path" "$T/few/"
done
env PATH="$T/few" "$BIN/ringside" lab doctor >"$T/out" && fail "all is well?"
for package in bubblewrap lttng-tools babeltrace2 nbdkit; do
	grep -q "apt-get install $package" "$T/out" ||
		fail "the doctor does not name $package: $(cat "$T/out")"
done
