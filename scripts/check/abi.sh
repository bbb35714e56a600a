#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# abi.sh - our kselftests that need no mock, on emulated VT-d with two edu
# functions under vfio-pci

# shellcheck disable=SC2046
. "$(dirname "$0")/../check-lib.sh"

VM_ARGS="--device edu --device edu" TEST_ENV="EDU=1 HUGEPAGES=64" \
	vm_suite abi vtd $(programs_in selftests-vtd)
