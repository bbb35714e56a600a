#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# stock.sh - Debian's own kernel, with our iommufd and VFIO built for it as modules: our
# kselftests that need no mock, DMA of an edu function, and QEMU. The kernel's own driver
# has the unit, so there are no page faults.
#
#   scripts/check/stock.sh [PART...]     modules tests demo qemu
#
# Only by name, for it fetches 125 MB: the kernel and its headers, in the version of the
# base tree's package. With STOCK_ROOT (initramfs.sh) all but "modules" is of what DKMS has
# built there.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
on x86_64

set +e
SUITE=stock${STOCK_ROOT:+-${STOCK_ROOT##*/}} TRACE_EVENTS='' TRACE_FAULT='' VM_IOMMU=vtd-base
. "$SUITE_DIR/../check-dma-lib.sh"
STOCK=$B/stock

# "NAME depends=..." for each module of the image that wants a symbol of VFIO. It takes a
# while, once for an image.
importers() {
	local list=$STOCK/importers

	if [ ! -f "$list" ] || [ "$STOCK/image/list" -nt "$list" ]; then
		find "$STOCK/image" -name '*.ko*' ! -path '*/drivers/vfio/*' -print0 |
			xargs -0 -P "$(nproc)" -n 50 "$SUITE_DIR/../stock/importers.sh" \
				>"$list.new" || return
		mv "$list.new" "$list"
	fi
	cat "$list"
}

# Each module that stands on VFIO is built anew, or named.
lost() {
	local name file needs rc=0 seen=0 own=()

	while read -r name needs; do
		seen=$((seen + 1))
		grep -q "^$name " "$SCRIPTS/stock/lost.txt" && continue
		echo "# $name $needs"
		rc=1
	done < <(importers)
	[ "$seen" -gt 0 ] || rc=1
	result "$rc" "each other module of the image that wants a symbol of VFIO is named: $seen"
	# Of VFIO's own those that want a symbol of it, and vfio itself; for a driver of one
	# kind of device (pci/mlx5 say) it is enough that it is named.
	rc=0 seen=0
	mapfile -t own < <(find "$STOCK/image" -path '*/drivers/vfio/*' -name '*.ko*')
	for file in "${own[@]}"; do
		name=${file##*/} && name=${name%%.ko*}
		[ "$name" = vfio ] || [ -n "$("$SUITE_DIR/../stock/importers.sh" "$file")" ] ||
			continue
		seen=$((seen + 1))
		find "$STOCK/modules" -name "$name.ko" | grep -q . && continue
		grep -q "^$name " "$SCRIPTS/stock/lost.txt" && continue
		echo "# not built: $name"
		rc=1
	done
	[ "$seen" -ge 4 ] || rc=1
	result "$rc" "each of VFIO's own that stands on it is built: $seen"
}

# Another version of the source must be refused: structures differ.
versions() {
	local headers said rc

	headers=$(echo "$STOCK"/headers/usr/src/*-amd64)
	said=$("$SCRIPTS/stock/build.sh" --check "$headers" 6.12.1-1 2>&1)
	rc=$?
	sed 's/^/# /' <<<"$said"
	[ "$rc" = 3 ] && grep -q 'apt-get install linux-source-6.12=' <<<"$said"
	result $? "a source of another version is refused, with the command that helps"
	"$SCRIPTS/stock/build.sh" --check "$headers" "$(cat "$STOCK/headers/list")"
	result $? "the same version is not"
	# But for the weak function that says ENOTTY
	! nm "$STOCK/modules/drivers/iommu/iommufd/iommufd.ko" | grep -v ' W ' |
		grep -E 'kunit|iommufd_test|iommufd_fail_attr|mock_|(vtd|smmuv3)_'
	result $? "there is no test code in the modules"
}

modules() {
	lost
	versions
	run_command modules stock --device edu -- run-stock
	tell modules
}

tests() {
	local slot=edu,addr=1d programs

	mapfile -t programs < <(programs_in selftests-vtd | grep -v iommu_smmuv3)
	run_command tests stock --mem 3072 --device edu --device edu \
		--device $slot.0,multifunction=on --device $slot.1 \
		-- env EDU=1 HUGEPAGES=64 run-tests "${programs[@]}"
	cat "$LOG/$(part_log tests).out"
	result "$rc" "tests: the machine ran to its end, without a warning"
}

demo() {
	run_command demo stock --device edu -- iommufd-demo --part vtd
	sed 's/^/# /' "$LOG/$(part_log demo).out"
	result "$rc" "demo: DMA both ways, and blocked where it has to be"
	grep -q 'another driver than iommufd' "$LOG/$(part_log demo).out"
	result $? "demo: the kernel's own driver has the unit"
}

qemu() {
	QEMU_SUITE=qemu-$SUITE "$SUITE_DIR/qemu.sh" stock stock-container | grep -v '^1\.\.' |
		sed -E 's/^((not )?ok) [0-9]+ /\1 - /'
	[ "${PIPESTATUS[0]}" = 0 ]
	result $? "qemu: the suite came to its end"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	[ $# -gt 0 ] || set -- modules tests demo qemu
	"$SCRIPTS/initramfs.sh" --arch x86_64 --stock >/dev/null
	rc=$?
	result "$rc" "there is Debian's kernel, and modules for it"
	[ "$rc" = 0 ] || set --
	for part; do
		"$part"
	done
	exit
}
