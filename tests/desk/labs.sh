#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 1200
# level: all
# alone
# Each lab with code: its solution passes, its skeleton does not, and each of
# its mutants is killed by the check that its first line names.
. "${0%/*}/../lib.sh"
export RINGSIDE_LABS=$BIN/labs
[ -d "$RINGSIDE_LABS/labs/template" ] || fail "there is no $RINGSIDE_LABS"

# Who hangs is stopped sooner than students would be.
cp -rL "$BIN/labs" "$T/root"
sed -i 's/^seconds = .*/seconds = 10/' "$T"/root/labs/*/lab.ini

# grade ARG...: the exit code in $status, the words in $T/said
grade()
{
	ringside lab grade "$@" >"$T/said" 2>&1 </dev/null
	status=$?
	[ $status -eq 3 ] && grep -q 'bubblewrap may not' "$T/said" &&
		skip "bubblewrap may not confine programs here"
	return 0
}

for dir in "$TOP"/labs/[0-9]*; do
	lab=$(basename "$dir")
	grep -q '^replaces *= *src/' "$dir/lab.ini" || continue
	export RINGSIDE_LABS=$BIN/labs
	step "$lab: the solution"
	grade --lab "$lab" --solution
	[ $status -eq 0 ] || fail "$lab's solution: exit $status: $(cat "$T/said")"

	export RINGSIDE_LABS=$T/root
	step "$lab: the skeleton"
	ringside lab start "$lab" "$T/$lab" >"$T/said" 2>&1 || fail "$(cat "$T/said")"
	grade --dir "$T/$lab" --first
	[ $status -eq 1 ] || fail "$lab's skeleton: exit $status: $(cat "$T/said")"

	# What the README says that it says first; lines may be broken elsewhere.
	quote=$(sed -n 's/^    \(-> .*\)/\1/p' "$dir/README.md" | head -1)
	[ -n "$quote" ] || fail "README.md of $lab quotes no first message"
	grep -m 1 -A 3 -e '-> ' "$T/said" | tr -s ' \n' ' ' | grep -qF -- "$quote" ||
		fail "$lab's skeleton does not say \"$quote\" first: $(cat "$T/said")"

	for file in "$dir"/mutants/*; do
		mutant=$(basename "$file")
		mutant=${mutant%.*}
		check=$(sed -n '1,3s/.*killed by: *\([a-z0-9-]*\).*/\1/p' "$file")
		[ -n "$check" ] || fail "$file names no check"
		grep -q -- "$mutant" "$dir/INSTRUCTOR.md" ||
			fail "INSTRUCTOR.md of $lab does not speak of $mutant"
		grade --lab "$lab" --mutant "$mutant" --check "$check"
		[ $status -eq 1 ] ||
			fail "$lab's mutant $mutant: exit $status: $(cat "$T/said")"
		grep -qE "^  FAILED +0/[0-9]+ +$check( |\$)" "$T/said" ||
			fail "$lab's mutant $mutant lives: $check did not fail: $(cat "$T/said")"
		printf '   %s: killed by %s\n' "$mutant" "$check"
	done
done
