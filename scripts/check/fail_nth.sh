#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fail_nth.sh - the base tree's fault-injection kselftest against our iommufd; on arm64
# ours as well, which on x86-64 is in the suite selftests

. "$(dirname "$0")/../check-lib.sh"

tell_upstream
ours=''
[ "$arch" = x86_64 ] || ours=/programs/selftests/iommu_fail_nth
# shellcheck disable=SC2086
vm_suite fail_nth none /programs/upstream/iommufd_fail_nth_upstream $ours
