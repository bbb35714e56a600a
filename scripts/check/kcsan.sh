#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kcsan.sh - data races: page faults and PASIDs, on the kernel that looks for them (KCSAN,
# by the rules of the kernel's memory model). A report with a function of ours is a
# failure; those between others are counted. Only by name: it needs a kernel of its own,
# which has the core and its mock; the backends are not in it.
#
# With names of parts only these: kunit mock; and fuzz, by name alone (make soak): the
# fuzzer's, four threads for FUZZ_MINUTES (10) from SEED (1).

. "$(dirname "$0")/../check-lib.sh"
on x86_64

rc=0
# Those of page faults, and of PASIDs
suites='iommufd_[fp]a*'
programs='vpasid pasid stress viommu_race'

# A watch at each 1000th access, not 4000th. Programs go into the initramfs: the kernel
# has no network file system. vm.sh tells other trouble from reports, and says 0 if there
# are only those.
vm() { # NAME PROGRAMS VM-OPTION... -- COMMAND...
	local log=${log_start}kcsan-$1 sealed=$2
	shift 2
	"$SCRIPTS/vm.sh" --kernel kcsan --iommu none --smp 4 --mem 3072 \
		--timeout 2400 --log "$log" --append kcsan.skip_watch=1000 \
		--sealed "run-tests$sealed" "$@" || rc=$?
}

races() { # NAME
	echo "# begin kcsan-$1"
	tr -d '\r' <"$LOG/vm-${log_start}kcsan-$1.log" |
		awk -v ours="$work/ours" -f "$SCRIPTS/check/kcsan.awk"
	echo "# end kcsan-$1 0"
}

kunit() {
	vm kunit '' --append "kunit.enable=1 kunit.filter_glob=$suites" -- run-tests
	tr -d '\r' <"$LOG/vm-${log_start}kcsan-kunit.log" | awk -f "$SCRIPTS/check/ktap.awk"
	races kunit
}

mock() {
	local sealed='' names='' p
	for p in $programs; do
		sealed=$sealed,selftests/iommu_$p names="$names iommu_$p"
	done
	# shellcheck disable=SC2086
	vm mock "$sealed" -- run-tests $names
	races mock
}

fuzz() {
	vm fuzz ,selftests/iommu_fuzz -- env \
		"TEST_ARGS=--seed ${SEED:-1} --minutes ${FUZZ_MINUTES:-10} --threads 4" \
		run-tests iommu_fuzz
	races fuzz
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Functions by their names: a report has no files
find "$(kernel_dir kcsan)/drivers/iommu/iommufd" -name '*.o' -exec nm {} + |
	awk '$2 ~ /^[tT]$/ { print $3 }' | sed 's/\.\(constprop\|isra\|part\|cold\).*//' |
	sort -u >"$work/ours"
[ "$(wc -l <"$work/ours")" -gt 500 ] || die "the functions of the kcsan kernel are not found"

[ $# -gt 0 ] || set -- kunit mock
for part; do
	"$part"
done
exit "$rc"
