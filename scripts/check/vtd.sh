#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vtd.sh - the kernel's own DMA through our VT-d driver on QEMU's unit: a root
# file system on NVMe, traffic between network cards, plugging during I/O, and a
# control run with nothing in the tables. QEMU's trace says what was translated.
#
#   scripts/check/vtd.sh [PART...]     strict lazy net plug debug last control
#
# With DRIVER=intel-iommu the base tree's driver is tested instead, but for the
# last two. edu under vfio-pci is in the suites abi and demo.

. "$(dirname "$0")/../check-lib.sh"
on x86_64

set +e
DRIVER=${DRIVER:-vtd}
case $DRIVER in
vtd) iommu=vtd ;;
intel-iommu) iommu=vtd-base ;;
*) die "DRIVER is vtd or intel-iommu" ;;
esac

SUITE=vtd VM_IOMMU=$iommu
TRACE_EVENTS=vtd_dmar_translate,vtd_dmar_fault TRACE_FAULT=vtd_dmar_fault
. "$SUITE_DIR/../check-dma-lib.sh"

# Of the translations of a requester: how many, and of how many the address was
# another one behind the unit.
translations() { # NAME RID
	awk -v rid="$2" '
	$1 == "vtd_dmar_translate" && $3 == rid {
		all++
		moved += $5 != $8
	}
	END { print all + 0, moved + 0 }' "$LOG/vm-$(part_log "$1").trace"
}

# A PRP list names 4 KiB pages: each is translated once at least.
root() { # NAME KERNEL MB STRICT TYPE
	run "$1" "$2" --root $(($3 + 200))M --append "iommu.strict=$4" \
		-- root "$3" "$5"
	tell "$1"
	translated "$1" $(($3 * 512))
}

net() {
	run net fast --device igb --device igb --device virtio-net -- net 64
	tell net
	translated net 10000
}

# Plugging during I/O. On the debug kernel it is too slow for its own time-outs.
plug() {
	run plug fast --root 300M --qmp --append iommu.strict=0 --device port \
		--device port --device nvme:256M,bus=port1 --device igb \
		--device igb,bus=port2 --device virtio-net \
		-- root 64 DMA-FQ hotplug 2
	tell plug
	translated plug 1000
}

# With the leak detector, and the rest on the debug kernel in small.
debug() {
	run debug debug --mem 3072 --root 300M --append iommu.strict=0 \
		--device igb --device igb --device virtio-net \
		-- root 32 DMA-FQ net 2
	tell debug
	translated debug 1000
}

# What the others rely on: the same DMA fails when nothing is in the tables.
control() {
	run works fast --device nvme --append nvme_core.admin_timeout=3 -- works
	[ "$rc" = 0 ] && ! grep -q '^not ok' "$LOG/check-vtd-works.out"
	result $? "control: with tables as they should be the disk works"

	run broken fast --device nvme --append nvme_core.admin_timeout=3 \
		--append iommufd.mutant=vtd-no-install -- patience 30 works
	[ "$rc" = 0 ] && grep -q '^not ok .*what is written is read back' \
		"$LOG/check-vtd-broken.out"
	result $? "control: with nothing in them it does not"
	faults broken | head -n 3 | sed 's/^/# /'
	faults broken >/dev/null
	result $? "control: and the unit records faults"
}

# Translation ends when no program can run any more. The base tree's driver does not say so.
last() {
	local was

	TRACE_EVENTS=$TRACE_EVENTS,vtd_dmar_enable run_command last fast --device igb -- true
	was=$(tr -d '\r' <"$LOG/vm-$(part_log last).log" |
		sed -n 's/.*\(reboot: machine restart\|DMA is untranslated\).*/\1/p' | xargs)
	result "$rc" "last: a machine starts and ends"
	[ "$was" = "reboot: machine restart DMA is untranslated" ] || echo "# $was"
	[ "$was" = "reboot: machine restart DMA is untranslated" ]
	result $? "last: the unit lets everything through when one CPU is left"
	grep "^vtd_dmar_enable" "$LOG/vm-$(part_log last).trace" | tail -n 1 | grep -q "enable 0"
	result $? "last: and that it does"
}

strict() { root strict fast 1024 1 DMA; }
lazy() { root lazy fast 1024 0 DMA-FQ; }

if [ $# -eq 0 ]; then
	set -- strict lazy net plug debug
	[ "$DRIVER" != vtd ] || set -- "$@" last control
fi
for part; do
	"$part"
done
echo "1..$n"
