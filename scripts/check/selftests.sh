#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftests.sh - our kselftests, on the mock IOMMU

# shellcheck disable=SC2046
. "$(dirname "$0")/../check-lib.sh"

TEST_ENV=HUGEPAGES=256 vm_suite selftests none $(programs_in selftests)
