#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# upstream-selftest.sh - build the base tree's own iommufd kselftest
#
#   scripts/upstream-selftest.sh [--arch x86_64|arm64]
#
# Its sources are compiled as they stand, but for two limits, one of time and one of
# number, against our headers: the test names
# drivers/iommu/iommufd/iommufd_test.h by a relative path, so the copies lie in
# a directory where that path leads to ours. Called by programs.sh, which
# exports the headers first.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
work=$A/upstream-selftest
tests=tools/testing/selftests
out=$A/programs/upstream

mkdir -p "$work/$tests/iommu" "$work/drivers/iommu/iommufd" "$out" "$LOG"
cp -u "$BASE/$tests/iommu"/iommufd.c "$BASE/$tests/iommu"/*.h "$work/$tests/iommu/"
cp -u "$BASE/$tests/kselftest.h" "$work/$tests/"
# The harness gives a case 30 seconds, too few for an emulated debug kernel.
sed 's/\(define TEST_TIMEOUT_DEFAULT\) 30/\1 600/' \
	"$BASE/$tests/kselftest_harness.h" >"$work/$tests/kselftest_harness.h"
# A debug kernel has more places where an allocation can fail than the 400 that the
# test takes for the end; it says itself that the number may have to grow.
sed 's/ASSERT_GT(400, nth_state->iteration)/ASSERT_GT(2000, nth_state->iteration)/' \
	"$BASE/$tests/iommu/iommufd_fail_nth.c" >"$work/fail_nth.new"
grep -q 'ASSERT_GT(2000' "$work/fail_nth.new" ||
	die "the base tree's fail_nth test is not the one this knows"
rsync --checksum "$work/fail_nth.new" "$work/$tests/iommu/iommufd_fail_nth.c"
# Only a header whose content changed makes the tests be compiled again.
rsync --checksum "$REPO/drivers/iommu/iommufd/iommufd_test.h" \
	"$work/drivers/iommu/iommufd/"
stamp=$(cat "$work/$tests"/*.h "$work/$tests/iommu"/* \
	"$work/drivers/iommu/iommufd/iommufd_test.h" \
	"$A/headers/include/linux/iommufd.h" | cksum)
if [ "$stamp" = "$(cat "$work/stamp" 2>/dev/null)" ]; then
	exit 0
fi
for test in iommufd iommufd_fail_nth; do
	logged "${log_arch}upstream-selftest-$test" "compiling upstream's $test" \
		"${CROSS}gcc" -O2 -Wall -Wno-unused-function -D_GNU_SOURCE -static \
		-I"$A/headers/include" -o "$out/${test}_upstream" \
		"$work/$tests/iommu/$test.c"
done
echo "$stamp" >"$work/stamp"
