#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vtd.sh - the kernel's own DMA through our VT-d driver on QEMU's unit: a root
# file system on NVMe, traffic between network cards, plugging during I/O, and a
# control run with nothing in the tables. QEMU's trace says what was translated.
#
#   scripts/check/vtd.sh [PART...]     strict lazy net plug debug control
#
# With DRIVER=intel-iommu the base tree's driver is tested instead, but for the
# control run. edu under vfio-pci is in the suites abi and demo.

. "$(dirname "$0")/../check-lib.sh"
on x86_64

set +e
DRIVER=${DRIVER:-vtd}
case $DRIVER in
vtd) iommu=vtd ;;
intel-iommu) iommu=vtd-base ;;
*) die "DRIVER is vtd or intel-iommu" ;;
esac

n=0
result() { # STATUS NAME: TAP
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n $2" || echo "not ok $n $2"
}

# run NAME KERNEL VM-OPTION... -- ARGUMENT...: run-vtd in a VM; its lines are ours,
# numbered anew and with NAME in front. Sets $rc and $rids, "NAME BB:DD.FF" lines.
run() {
	local name=$1 kernel=$2 said=$LOG/check-vtd-$1.out vm=()

	shift 2
	while [ "$1" != -- ]; do
		vm+=("$1")
		shift
	done
	shift
	rc=0
	"$SCRIPTS/vm.sh" --kernel "$kernel" --iommu "$iommu" --timeout 900 \
		--log "check-vtd-$name" --qemu-trace vtd_dmar_translate,vtd_dmar_fault \
		"${vm[@]}" -- env DRIVER="$DRIVER" run-vtd "$@" >"$said" || rc=$?
	rids=$(sed -n 's/^# rid //p' "$said")
}

tell() { # NAME
	local verdict line

	while read -r verdict line; do
		case $verdict in
		not) result 1 "$1: ${line#ok [0-9]* }" ;;
		ok) result 0 "$1: ${line#[0-9]* }" ;;
		'#') echo "# $line" ;;
		esac
	done < <(tr -d '\r' <"$LOG/check-vtd-$1.out")
	result "$rc" "$1: the machine ran to its end, without a warning"
}

# Of the translations of a requester: how many, and of how many the address was
# another one behind the unit. A unit that passes through has none of the latter.
translations() { # NAME RID
	awk -v rid="$2" '
	$1 == "vtd_dmar_translate" && $3 == rid {
		all++
		moved += $5 != $8
	}
	END { print all + 0, moved + 0 }' "$LOG/vm-check-vtd-$1.trace"
}

# translated NAME LEAST: for each device that the VM named
translated() {
	local device rid all moved

	[ -n "$rids" ] || result 1 "$1: devices did DMA"
	while read -r device rid; do
		[ -n "$device" ] || continue
		read -r all moved < <(translations "$1" "$rid")
		echo "# $1: $device is $rid: $all translations in QEMU's trace," \
			"$moved to another address"
		[ "$moved" -ge "$2" ] && [ $((moved * 10)) -ge $((all * 9)) ]
		result $? "$1: $device: QEMU translated"
	done <<<"$rids"
	! grep -q '^vtd_dmar_fault' "$LOG/vm-check-vtd-$1.trace"
	result $? "$1: no fault was recorded"
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
		--append iommufd.mutant=vtd-no-install -- works
	[ "$rc" = 0 ] && grep -q '^not ok .*what is written is read back' \
		"$LOG/check-vtd-broken.out"
	result $? "control: with nothing in them it does not"
	grep '^vtd_dmar_fault' "$LOG/vm-check-vtd-broken.trace" | head -n 3 |
		sed 's/^/# /'
	grep -q '^vtd_dmar_fault' "$LOG/vm-check-vtd-broken.trace"
	result $? "control: and the unit records faults"
}

strict() { root strict fast 1024 1 DMA; }
lazy() { root lazy fast 1024 0 DMA-FQ; }

if [ $# -eq 0 ]; then
	set -- strict lazy net plug debug
	[ "$DRIVER" != vtd ] || set -- "$@" control
fi
for part; do
	"$part"
done
echo "1..$n"
