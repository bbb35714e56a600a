#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftests.sh - our kselftests, on the mock IOMMU; what looks for memory that was freed
# and not set since, on a kernel where such memory comes back: KASAN keeps it. On arm64
# without the failure of every allocation in turn, which is long and does not depend on
# the processor: arm64-fail_nth has it.

# shellcheck disable=SC2046
. "$(dirname "$0")/../check-lib.sh"

apart="/programs/selftests/iommu_leak"
rc=0
[ "$arch" = x86_64 ] || apart="$apart /programs/selftests/iommu_fail_nth"
TEST_ENV=HUGEPAGES=256 vm_suite selftests none \
	$(programs_in selftests | grep -vxF "${apart// /$'\n'}") || rc=$?
VM_ARGS="--kernel fast" TEST_ENV=IOMMU_TEST_NO_KASAN=1 vm_suite leak none \
	/programs/selftests/iommu_leak || rc=$?
exit "$rc"
