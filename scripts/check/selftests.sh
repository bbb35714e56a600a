#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftests.sh - our kselftests, on the mock IOMMU
#
# On x86-64 they run on the debug kernel, but for two that are on the fast one: iommu_leak,
# which looks for memory that was freed and not set since, and so wants a kernel where
# such memory comes back, as KASAN keeps it; and iommu_hwpt_list, which tries devices and
# mappings in every order, for minutes on the debug kernel. On arm64 all run on the fast
# kernel, for there is nothing of the processor's in what the debug kernel looks for;
# KERNEL=debug has it there, too. Nor is every allocation made to fail in turn there,
# which is long: arm64-fail_nth does that.

# shellcheck disable=SC2046,SC2086
. "$(dirname "$0")/../check-lib.sh"

on_fast="/programs/selftests/iommu_leak /programs/selftests/iommu_hwpt_list"
apart=$on_fast kernel=debug
rc=0
[ "$arch" = x86_64 ] ||
	apart="$apart /programs/selftests/iommu_fail_nth" kernel=${KERNEL:-fast}
VM_ARGS="--kernel $kernel" TEST_ENV=HUGEPAGES=256 vm_suite selftests none \
	$(programs_in selftests | grep -vxF "${apart// /$'\n'}") || rc=$?
VM_ARGS="--kernel fast" TEST_ENV=IOMMU_TEST_NO_KASAN=1 vm_suite selftests-fast none $on_fast || rc=$?
exit "$rc"
