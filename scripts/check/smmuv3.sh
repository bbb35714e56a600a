#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# smmuv3.sh - our SMMUv3 driver on QEMU's unit: the kernel's own DMA, with plugging
# during I/O; edu under vfio-pci, nested too; the same with UEFI and ACPI; and the
# interrupts of a machine without an ITS. QEMU's trace says what was translated.
#
#   scripts/check/smmuv3.sh [PART...]     user acpi v2m control disk
#
# MB: how much the disk is written and read, default 16. KERNEL: which one does so, debug
# or fast. A gigabyte, MB=1024 KERNEL=fast, takes three minutes on two cores that others
# use too: 74 s out, 36 s back, 700,000 translations, and the plugging.
# The unit has no PASIDs, stalls or page requests: those are tested on the model alone
# (kunit, model).

# shellcheck disable=SC1091,SC2034,SC2154
. "$(dirname "$0")/../check-lib.sh"
on arm64

set +e
DRIVER=smmuv3 SUITE=smmuv3 VM_IOMMU=smmuv3
TRACE_EVENTS=smmuv3_translate_success,smmuv3_translate_abort,smmuv3_record_event
TRACE_FAULT=smmuv3_record_event
. "$SUITE_DIR/../check-dma-lib.sh"

MB=${MB:-16} KERNEL=${KERNEL:-debug}

# As vtd.sh has it; of stage 1 alone, that of the kernel's own DMA. The StreamID is
# the requester's ID.
translations() { # NAME BB:DD.FF
	local bus=$((16#${2%%:*})) dev=${2#*:} sid

	sid=$(printf '0x%x' $((bus << 8 | 16#${dev%.*} << 3 | 16#${dev#*.})))
	awk -v sid="sid=$sid" '
	$1 == "smmuv3_translate_success" && $3 == sid && $NF == "stage=1" {
		all++
		moved += substr($4, index($4, "=")) != substr($5, index($5, "="))
	}
	END { print all + 0, moved + 0 }' "$LOG/vm-$(part_log "$1").trace"
}

# The root file system and what is plugged, under the leak detector. The base tree's
# pciehp is probed with pci_rescan_remove_lock held, and takes that under its own
# reset_lock when something is pulled: lockdep would stop there, so it is off by then.
disk() {
	local VM_TIMEOUT=$((1800 + MB * 5))

	run_command disk "$KERNEL" --mem 3072 --root $((MB + 200))M --qmp \
		--append iommu.strict=0 --device port \
		--device nvme:256M,bus=port1 \
		-- sh -c "export DRIVER=$DRIVER
			LEAKS=no run-dma root $MB DMA-FQ
			[ $KERNEL = fast ] || echo 0 >/proc/sys/kernel/prove_locking
			run-dma hotplug-disk 1"
	tell disk
	translated disk 1000
}

# Programs that are VMMs, with strict invalidation for the machine's own DMA
user() {
	local slot=edu,bus=port1,addr=0

	# shellcheck disable=SC2046
	run_command user debug --mem 3072 \
		--append iommufd.smmuv3_nest_noncoherent=1 --device edu \
		--device edu --device igb --device port \
		--device $slot.0,multifunction=on --device $slot.1 \
		-- env EDU=1 HUGEPAGES=64 TEST_ARGS="-V model" \
		run-tests $(programs_in selftests-vtd)
	tell user
}

# Without leave to nest, which is refused then. The interrupts' doorbell is found by the
# IORT; those that are forged, or let go of, would be faults, of which there are to be none.
acpi() {
	run_command acpi debug --acpi --device edu --device nvme \
		-- sh -c "DRIVER=$DRIVER LEAKS=no run-dma works
			EDU=1 TEST_ARGS='-V model' run-tests \
				/programs/selftests-vtd/iommu_smmuv3
			EDU=1 TEST_ARGS='-t beside_mappings' run-tests \
				/programs/selftests-vtd/iommu_msi"
	tell acpi
	translated acpi 100
}

# Interrupts by way of a GICv2m, which is another doorbell and looks at nobody who writes
# there: so a device is given on request alone.
v2m() {
	run_command v2m fast --machine gic-version=2 --device edu --device edu \
		--append iommufd.allow_unsafe_interrupts=1 \
		-- env EDU=1 run-tests /programs/selftests-vtd/iommu_msi
	tell v2m
}

# What the others rely on: with nothing in the tables the same DMA fails. An entry
# that aborts gives no events (IHI 0070, 5.2).
control() {
	run_command control debug --device nvme \
		--append nvme_core.admin_timeout=3 \
		-- sh -c "echo smmuv3-no-install \
				>/sys/module/iommufd/parameters/mutant
			DRIVER=$DRIVER LEAKS=no run-dma replug patience 30 works"
	[ "$rc" = 0 ] && grep -q '^not ok .*what is written is read back' \
		"$LOG/$(part_log control).out"
	result $? "control: with nothing in the tables the disk does not work"
	trace=$LOG/vm-$(part_log control).trace
	grep '^smmuv3_translate_abort' "$trace" | head -n 3 | sed 's/^/# /'
	grep -q '^smmuv3_translate_abort' "$trace"
	result $? "control: and the unit aborts"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	[ $# -gt 0 ] || set -- user acpi v2m control disk
	for part; do
		"$part"
	done
	echo "1..$n"
	exit
}
