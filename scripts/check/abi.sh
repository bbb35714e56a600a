#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# abi.sh - our kselftests that need no mock, on emulated VT-d, by our driver, with edu functions
# under vfio-pci: two of their own, and two in one slot behind a port, which share a group
# and can be reset together; and a card that sends forged MSIs

# shellcheck disable=SC2046
. "$(dirname "$0")/../check-lib.sh"
on x86_64

slot=edu,bus=port1,addr=0
VM_ARGS="--device edu --device edu --device igb --device port
	--device $slot.0,multifunction=on --device $slot.1" TEST_ENV="EDU=1 HUGEPAGES=64" \
	vm_suite abi vtd $(programs_in selftests-vtd | grep -v iommu_foreign)
