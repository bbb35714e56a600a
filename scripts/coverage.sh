#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# coverage.sh - which branches of our code the tests take
#
#   scripts/coverage.sh [--arch x86_64|arm64] [SUITE...]     (make coverage)
#
# SUITE is kunit, selftests or model: as in make check, all three by default. They run in
# one virtual machine, on a kernel of its own that counts (kernel "gcov": "fast", with
# failure injection; the branches that a sanitizer adds would be counted as ours). Prints
#
#   TAKEN of BRANCHES PERCENT % PLACE
#
# for each file and each directory of drivers/iommu/iommufd/, without its tests. fault/,
# map/ and each file of the ABI, which are those in no directory, have to reach
# COVERAGE_MIN per cent (85): the exit status says whether they do. Each branch that was
# never taken is in $B/log/coverage-missed.txt. Lines whose other branch is never to be
# taken, such as those of WARN_ON(), do not count (coverage.awk).
#
# That a branch was taken does not mean that a test would notice what is wrong with it:
# that is what scripts/mutants.sh is for.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

OURS=drivers/iommu/iommufd

for_arch_option "$@"
shift "$option_words"
[ $# -gt 0 ] || set -- kunit selftests model

# What is in the machine as /host/coverage
raw=$B/coverage/raw work=$B/coverage/gcov

programs_in() { # DIRECTORY
	local f
	for f in "$A/programs/$1"/*; do
		[ ! -x "$f" ] || echo "/programs/$1/${f##*/}"
	done
}

run() { # SUITE...
	local programs='' kunit=() rc=0 failed suite

	for suite; do
		case $suite in
		kunit) kunit=(--append "kunit.enable=1 kunit.filter_glob=iommufd*") ;;
		selftests) programs="$programs $(programs_in selftests)" ;;
		# The crowds are for figures, not for other branches.
		model) programs="$programs $(programs_in selftests-model | grep -v '_pasids$')" ;;
		*) die "no suite $suite: kunit, selftests, model (--help)" ;;
		esac
	done
	rm -rf "$raw"
	mkdir -p "$raw" "$LOG"
	# shellcheck disable=SC2086
	(cd "$B" && "$SCRIPTS/vm.sh" --arch "$arch" --kernel gcov --iommu none --mem 3072 \
		--timeout 7200 --log "${log_arch}coverage" ${kunit[@]+"${kunit[@]}"} \
		-- env HUGEPAGES=256 run-coverage /host/coverage/raw $programs) \
		>"$LOG/coverage.out" </dev/null || rc=$?
	failed=$(grep -c '^not ok' "$LOG/coverage.out") || :
	[ "$rc$failed" = 00 ] ||
		say "the tests did not all pass (status $rc, $failed cases): $LOG/coverage.out"
	[ -n "$(find "$raw" -name '*.gcda')" ] || die "the kernel has counted nothing"
}

# gcov looks for what a count is of beside it, and for sources where it was compiled.
report() {
	local out f

	out=$(kernel_dir gcov)
	rm -rf "$work"
	mkdir -p "$work"
	cp -a "$raw/." "$work"
	(cd "$work" && find . -name '*.gcda') | while read -r f; do
		cp "$out/$OURS/${f%.gcda}.gcno" "$work/${f%.gcda}.gcno"
	done
	(
		cd "$out" || exit
		find "$work" -name '*.gcda' -exec "${CROSS}gcov" -b -c -t {} ';'
	) 2>"$LOG/coverage.err" |
		awk -v min="${COVERAGE_MIN:-85}" -v missed="$LOG/coverage-missed.txt" \
			-f "$SCRIPTS/coverage.awk"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	"$SCRIPTS/kernel.sh" --arch "$arch" gcov >/dev/null
	"$SCRIPTS/programs.sh" --arch "$arch"
	run "$@"
	rc=0
	report >"$LOG/coverage.txt" || rc=$?
	cat "$LOG/coverage.txt"
	exit "$rc"
}
