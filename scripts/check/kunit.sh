#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kunit.sh - our KUnit suites, at the boot of the debug kernel

. "$(dirname "$0")/../check-lib.sh"

rc=0
"$SCRIPTS/vm.sh" --kernel debug --iommu none --timeout 1200 --log check-kunit \
	--append "kunit.enable=1 kunit.filter_glob=iommufd*" -- run-tests || rc=$?
tr -d '\r' <"$LOG/vm-check-kunit.log" | awk -f "$SCRIPTS/check/ktap.awk"
exit "$rc"
