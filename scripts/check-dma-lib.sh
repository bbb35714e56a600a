# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# For suites in which devices do DMA through an emulated IOMMU: they run run-dma in a
# VM, and look in QEMU's trace for what was translated. Sourced after check-lib.sh.
#
# The suite sets SUITE (vtd: logs are check-vtd-PART), DRIVER (the directory that the
# driver has in sysfs), VM_IOMMU (vm.sh's --iommu), TRACE_EVENTS and TRACE_FAULT (of
# QEMU: the former with the latter, or nothing), and a function translations NAME RID.

n=0
result() { # STATUS NAME: TAP
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n $2" || echo "not ok $n $2"
}

part_log() { # NAME
	echo "$log_start$SUITE-$1"
}

# run NAME KERNEL VM-OPTION... -- ARGUMENT...: run-dma in a VM, as run_command does
# it with a command.
run() {
	local args=()

	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	run_command "${args[@]}" -- env DRIVER="$DRIVER" run-dma "$@"
}

# run_command NAME KERNEL VM-OPTION... -- COMMAND...: in a VM; tell says its lines.
# Sets $rc and $rids, "NAME BB:DD.FF" lines. VM_TIMEOUT: seconds, default 1800.
run_command() {
	local name=$1 kernel=$2 said vm=()

	said=$LOG/$(part_log "$name").out
	shift 2
	while [ "$1" != -- ]; do
		vm+=("$1")
		shift
	done
	shift
	rc=0
	[ -z "$TRACE_EVENTS" ] || vm+=(--qemu-trace "$TRACE_EVENTS")
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel "$kernel" --iommu "$VM_IOMMU" \
		--timeout "${VM_TIMEOUT:-1800}" --log "$(part_log "$name")" "${vm[@]}" -- "$@" \
		>"$said" 2>"$said.err" || rc=$?
	cat "$said.err" >&2
	rids=$(sed -n 's/^# rid //p' "$said")
}

# Its lines are ours, numbered anew and with NAME in front.
tell() { # NAME
	local verdict line

	while read -r verdict line; do
		case $verdict in
		not) result 1 "$1: ${line#ok [0-9]* }" ;;
		ok) result 0 "$1: ${line#[0-9]* }" ;;
		'#') echo "# $line" ;;
		# Of a program between "# begin" and "# end"
		1..*) echo "$verdict" ;;
		esac
	done < <(tr -d '\r' <"$LOG/$(part_log "$1").out")
	[ "$rc" = 0 ] || awk -f "$SCRIPTS/check/vm-said.awk" \
		"$LOG/$(part_log "$1").out.err" | sed 's/^/# /'
	result "$rc" "$1: the machine ran to its end, without a warning"
}

faults() { # NAME
	grep "^$TRACE_FAULT" "$LOG/vm-$(part_log "$1").trace"
}

# translated NAME LEAST: for each device that the VM named. Of its translations, how
# many gave another address: with a unit that passes through none does.
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
	! faults "$1" >/dev/null
	result $? "$1: no fault was recorded"
}
