#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kunit.sh - our KUnit suites, at the boot of the debug kernel; on arm64 those of PCI
# functions once more with ACPI, where a host bridge is made in another way. What is
# long and does not depend on the processor runs on x86-64 alone.

. "$(dirname "$0")/../check-lib.sh"

rc=0
filter=''
if [ "$arch" = arm64 ]; then
	for module in smmuv3_mutants smmuv3_sweep map_exhaustive map_bounds; do
		filter=$filter${filter:+,}module!=${module}_kunit
	done
	filter=kunit.filter=$filter
fi
kunit() { # LOG-NAME SUITES PREFIX VM-OPTION...
	local log=$log_start$1 glob=$2 prefix=$3

	shift 3
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel debug --iommu none --timeout 1800 \
		--log "$log" --append "kunit.enable=1 kunit.filter_glob=$glob $filter" "$@" \
		-- run-tests || rc=$?
	tr -d '\r' <"$LOG/vm-$log.log" | awk -f "$SCRIPTS/check/ktap.awk" |
		sed -E "s/^(# (begin|end) |(not )?ok [0-9]+ )/&$prefix/"
}

kunit kunit "iommufd*" ""
[ "$arch" != arm64 ] || kunit kunit-acpi "iommufd_model_pci*" "acpi." --acpi
exit "$rc"
