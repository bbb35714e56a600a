#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# coverage.sh - which branches of our code the tests take
#
#   scripts/coverage.sh [--arch x86_64|arm64] [SUITE...]     (make coverage)
#
# SUITE is kunit, selftests or model: as in make check; or devices: the kselftests of real
# PCI functions on QEMU's unit. All four by default. The first three run in one virtual
# machine, the devices in another, on a kernel of its own that counts (kernel "gcov":
# "fast", with failure injection; the branches that a sanitizer adds would be counted as
# ours). A branch was taken if it was in either. Prints
#
#   TAKEN of BRANCHES PERCENT % PLACE
#
# for each file and each directory of drivers/iommu/iommufd/, without its tests. fault/,
# map/ and each file of the ABI, which are those in no directory, have to reach
# COVERAGE_MIN per cent (85): the exit status says whether they do, and whether each
# file was counted. If a test failed, which it does not look at, the last line says so.
# Each branch that was never taken is in $B/log/coverage-missed.txt
# (arm64-coverage-missed.txt). Lines whose other branch is never to be taken, such as
# those of WARN_ON(), do not count (coverage.awk); and of msi_early.c nothing is asked
# on x86-64, where no interrupt is translated by an IOMMU's tables.
#
# That a branch was taken does not mean that a test would notice what is wrong with it:
# that is what scripts/mutants.sh is for.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

OURS=drivers/iommu/iommufd

for_arch_option "$@"
shift "$option_words"
[ $# -gt 0 ] || set -- kunit selftests model devices
for suite; do
	case $suite in
	kunit | selftests | model | devices) ;;
	*) die "no suite $suite: kunit, selftests, model, devices (--help)" ;;
	esac
done

min=${COVERAGE_MIN:-85}
case $min in
*[!0-9]* | ????*) die "COVERAGE_MIN is a number of per cent, not $min" ;;
esac

# What is in the machine as /host/coverage. Each platform's is apart: both may be counted
# at a time.
counts=coverage/${log_arch}raw
raw=$B/$counts work=$B/coverage/${log_arch}gcov log=$LOG/${log_arch}coverage

programs_in() { # DIRECTORY
	local f
	for f in "$A/programs/$1"/*; do
		[ ! -x "$f" ] || echo "/programs/$1/${f##*/}"
	done
}

boot() { # NAME PROGRAMS VM-OPTION... -- NAME=VALUE...
	local name=$1 programs=$2 vm=() rc=0 failed out=$log-$1.out

	shift 2
	while [ "$1" != -- ]; do
		vm+=("$1")
		shift
	done
	shift
	rm -f "$out.rc"
	# shellcheck disable=SC2086
	(cd "$B" && "$SCRIPTS/vm.sh" --arch "$arch" --kernel gcov --mem 3072 --timeout 7200 \
		--log "${log_arch}coverage-$name" ${vm[@]+"${vm[@]}"} \
		-- env "$@" run-coverage "/host/$counts/$name" $programs </dev/null ||
		echo $? >"$out.rc") | tee "$out" |
		{ grep --line-buffered -E '^(# begin |not ok)' >&2 || :; }
	[ ! -s "$out.rc" ] || rc=$(cat "$out.rc")
	failed=$(grep -c '^not ok' "$out") || :
	[ "$rc$failed" = 00 ] || {
		say "the tests did not all pass (status $rc, $failed cases): $out"
		unwell="$unwell# the tests did not all pass (status $rc, $failed cases): $out
"
	}
	[ -n "$(find "$raw/$name" -name '*.gcda')" ] || die "the kernel has counted nothing"
}

# As check/abi.sh and check/smmuv3.sh have it
devices() {
	local slot=edu,bus=port1,addr=0 vm
	vm=(--device edu --device edu --device igb --device port
		--device "$slot.0,multifunction=on" --device "$slot.1")

	if [ "$arch" = x86_64 ]; then
		boot devices "$(programs_in selftests-vtd | grep -v iommu_foreign)" \
			--iommu vtd "${vm[@]}" -- EDU=1 HUGEPAGES=64
	else
		boot devices "$(programs_in selftests-vtd)" --iommu smmuv3 \
			--append iommufd.smmuv3_nest_noncoherent=1 "${vm[@]}" \
			-- EDU=1 HUGEPAGES=64 "TEST_ARGS=-V model"
	fi
}

run() { # SUITE...
	local programs='' vm=(--iommu none) tests='' with_devices='' suite

	for suite; do
		case $suite in
		kunit)
			vm+=(--append "kunit.enable=1 kunit.filter_glob=iommufd*")
			tests=1
			;;
		selftests) programs="$programs $(programs_in selftests)" tests=1 ;;
		# The crowds are for figures, not for other branches.
		model)
			programs="$programs $(programs_in selftests-model | grep -v '_pasids$')"
			tests=1
			;;
		devices) with_devices=1 ;;
		esac
	done
	rm -rf "$raw"
	mkdir -p "$raw/tests" "$raw/devices" "$LOG"
	say "coverage: $*, on the kernel gcov of $arch"
	[ -z "$tests" ] || boot tests "$programs" "${vm[@]}" -- HUGEPAGES=256
	[ -z "$with_devices" ] || devices
}

# gcov looks for what a count is of beside it, and for sources where it was compiled.
report() {
	local out f apart=''

	[ "$arch" != x86_64 ] || apart=msi_early.c
	out=$(kernel_dir gcov)
	rm -rf "$work"
	mkdir -p "$work"
	cp -a "$raw/." "$work"
	(cd "$work" && find . -name '*.gcda') | while read -r f; do
		cp "$out/$OURS/$(cut -d/ -f3- <<<"${f%.gcda}").gcno" "$work/${f%.gcda}.gcno"
	done
	(cd "$out/$OURS" && find . -name '*.gcno' ! -path './test/*') |
		sed 's#^\./##; s#gcno$#c#' >"$work/sources"
	(
		cd "$out" || exit
		find "$work" -name '*.gcda' -exec "${CROSS}gcov" -b -c -t {} ';'
	) 2>"$log.err" |
		awk -v min="$min" -v apart="$apart" \
			-v sources="$work/sources" -v missed="$log-missed.txt" -f "$SCRIPTS/coverage.awk"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	# What is there of an earlier run is not what this one says.
	rm -f "$log.txt" "$log-missed.txt"
	"$SCRIPTS/kernel.sh" --arch "$arch" gcov >/dev/null
	"$SCRIPTS/programs.sh" --arch "$arch"
	rc=0 unwell=''
	run "$@"
	report >"$log.txt" || rc=$?
	printf '%s' "$unwell" >>"$log.txt"
	cat "$log.txt"
	exit "$rc"
}
