#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# upstream.sh - the base tree's own kselftest against our iommufd: no other
# IOMMU in the machine, huge pages for its dirty-tracking cases

. "$(dirname "$0")/../check-lib.sh"

tell_upstream
TEST_ENV=HUGEPAGES=256 vm_suite upstream none /programs/upstream/iommufd_upstream
