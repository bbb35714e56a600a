#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# virtio.sh - our kselftests that need no mock, on QEMU's virtio-iommu with the base
# tree's driver: edu functions under vfio-pci, two of their own, and two in one slot behind a port
#
#   scripts/check/virtio.sh [PART...]     unit; on arm64 also regions
#
# unit: with the region for interrupts that the machine sets. Nothing remaps interrupts
# on x86-64, so that a device is given on request alone.
# regions: a machine without an ITS sets none, so that they can be chosen. Nor do its
# functions have MSIs, without which QEMU has no edu: what they do is tried without DMA.

# shellcheck disable=SC2046,SC2154
. "$(dirname "$0")/../check-lib.sh"

slot=edu,bus=port1,addr=0
unit() {
	VM_ARGS="--device edu --device edu --device port
		--device $slot.0,multifunction=on --device $slot.1
		--append iommufd.allow_unsafe_interrupts=1" \
	TEST_ENV="EDU=1 HUGEPAGES=64 TEST_ARGS=-Vmodel" \
		vm_suite virtio virtio $(programs_in selftests-vtd | grep -v smmuv3)
}

regions() {
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel debug --iommu virtio --machine its=off \
		--reserve 0xe0000000:0xe00fffff:0 --reserve 0xfee00000:0xfeefffff:1 \
		--timeout 1800 --log "${log_start}virtio-regions" --device e1000e \
		--append iommufd.allow_unsafe_interrupts=1 \
		-- env VIRTIO_NIC=1 VIRTIO_REGIONS=e0000000:e00fffff:0,fee00000:feefffff:1 \
		TEST_ARGS="-tregions_told -tregions_cannot_be_mapped -tregions_mapped_before" \
		run-tests /programs/selftests-vtd/iommu_virtio
}

if [ $# -eq 0 ]; then
	set -- unit
	[ "$arch" != arm64 ] || set -- unit regions
fi
rc=0
for part; do
	"$part" || rc=$?
done
exit "$rc"
