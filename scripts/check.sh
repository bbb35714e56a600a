#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check.sh - every test
#
#   scripts/check.sh [SUITE...]        (make check SUITES="...")
#
# A suite is a script in scripts/check/ that prints TAP; without arguments all
# of them run. Each test case is counted; a suite that crashes, or runs no case
# at all, counts as one failed. The last line is always
#   N passed, N failed, N skipped
# and the exit status is 0 only if none failed and some passed.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

ALL="static kunit upstream fail_nth selftests abi demo vtd"
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $ALL

passed=0 failed=0 skipped=0 table='' failures=''
check_start=$(date +%s)

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }

row() { # NAME PASSED FAILED SKIPPED SECONDS
	table="$table$(printf '%-12s %8s %8s %8s %8s' "$1" "$2" "$3" "$4" \
		"$(minutes "$5")")
"
}

count() { # PASSED FAILED SKIPPED
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

finish() {
	if [ -n "$failures" ]; then
		printf '\nFailed:\n%s' "$failures"
	fi
	printf '\n%-12s %8s %8s %8s %8s\n' suite passed failed skipped minutes
	printf '%s' "$table"
	printf '%-12s %8s %8s %8s %8s\n\n' all "$passed" "$failed" "$skipped" \
		"$(minutes $(($(date +%s) - check_start)))"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

fail_build() {
	count 0 1 0
	row builds - 1 - $(($(date +%s) - check_start))
	failures="  builds: $1
"
	finish
	exit 1
}

builds() {
	"$SCRIPTS/plan.sh" fast debug || fail_build "not wanted"
	"$SCRIPTS/setup.sh" || fail_build "the set-up failed"
	"$SCRIPTS/kernel.sh" fast >/dev/null || fail_build "the fast kernel"
	"$SCRIPTS/kernel.sh" debug >/dev/null || fail_build "the debug kernel"
	"$SCRIPTS/programs.sh" || fail_build "the programs"
	row builds - - - $(($(date +%s) - check_start))
}

# The pid is kept for Ctrl-C: the suite then ends its virtual machine itself.
run_suite() { # NAME
	tap=$LOG/check-$1.tap err=$LOG/check-$1.err
	suite_start=$(date +%s)
	rc=0
	"$SCRIPTS/check/$1.sh" >"$tap" 2>"$err" &
	suite_pid=$!
	(
		while sleep 30; do
			say "  $1: $(($(date +%s) - suite_start)) s," \
				"$(grep -cE '^(not )?ok ' "$tap" || :) cases"
		done
	) &
	ticker=$!
	wait "$suite_pid" || rc=$?
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	suite_pid=''

	counts=$(tr -d '\r' <"$tap" | awk -v status="$rc" -v names="$tap.failed" \
		-f "$SCRIPTS/check/count.awk")
	# shellcheck disable=SC2086
	{
		count $counts
		row "$1" $counts $(($(date +%s) - suite_start))
		say "$1: $(echo $counts | awk '{ print $1 " passed, " $2 \
			" failed, " $3 " skipped" }'), $tap"
	}
	[ -s "$tap.failed" ] || return 0
	failures="$failures$(sed "s/^/  $1: /" "$tap.failed")
"
	tail -n 30 "$err" >&2
}

suite_pid='' ticker=''
trap '[ -z "$suite_pid" ] || kill $suite_pid $ticker 2>/dev/null; exit 130' INT TERM HUP

for suite; do
	[ -x "$SCRIPTS/check/$suite.sh" ] ||
		die "there is no suite $suite; there are: $ALL"
done
mkdir -p "$LOG"
# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	builds
	for suite; do
		run_suite "$suite"
	done
	rc=0
	finish || rc=$?
	exit "$rc"
}
