#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image.sh - the kernel that make deb-image has made a package of: our driver has QEMU's
# VT-d unit, DMA of an edu function, and our kselftests that need no mock
#
#   scripts/check/image.sh [PART...]     demo tests
#
# Only by name, after make deb-image, whose package is unpacked and booted as it is. Of its
# modules it takes vfio-pci; what the machine needs else is in every kernel.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
on x86_64

set +e
SUITE=image TRACE_EVENTS='' TRACE_FAULT='' VM_IOMMU=vtd
. "$SUITE_DIR/../check-dma-lib.sh"
root=$B/deb-image

unpack() { # DEB
	[ ! "$root/installed" -nt "$1" ] || return 0
	rm -rf "$root/installed" "$root/installed.new"
	dpkg-deb -x "$1" "$root/installed.new" &&
		touch "$root/installed.new" &&
		mv "$root/installed.new" "$root/installed"
}

# The programs come with the initramfs: the kernel may have no 9p.
sealed() { # PROGRAM...
	local IFS=,
	echo "$*"
}

demo() {
	run_command demo image --sealed iommufd-demo --device edu -- iommufd-demo --part vtd
	sed 's/^/# /' "$LOG/$(part_log demo).out"
	result "$rc" "demo: DMA both ways, and blocked where it has to be"
	grep -q "iommufd's own .* driver" "$LOG/$(part_log demo).out"
	result $? "demo: our own driver has the unit"
}

tests() {
	local slot=edu,addr=1d programs

	mapfile -t programs < <(programs_in selftests-vtd | grep -v -e iommu_smmuv3 -e iommu_foreign)
	run_command tests image --mem 3072 --device edu --device edu \
		--device $slot.0,multifunction=on --device $slot.1 \
		--sealed "$(sealed run-tests "${programs[@]#/programs/}")" \
		-- env EDU=1 HUGEPAGES=64 run-tests "${programs[@]##*/}"
	cat "$LOG/$(part_log tests).out"
	result "$rc" "tests: the machine ran to its end, without a warning"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	[ $# -gt 0 ] || set -- demo tests
	deb=$(find "$root" -maxdepth 1 -name 'linux-image-*-iommufd_*.deb' \
		! -name '*-dbg_*' 2>/dev/null)
	if [ -f "$deb" ] && unpack "$deb"; then
		result 0 "there is a package: ${deb##*/}"
	else
		result 1 "there is a package: run make deb-image first"
		set --
	fi
	for part; do
		"$part"
	done
	exit
}
