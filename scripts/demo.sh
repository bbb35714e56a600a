#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# demo.sh - the main job on a fresh machine, from nothing
#
#   scripts/demo.sh        (make demo)
#
# Says what it will fetch and build and asks; installs, builds, then runs
# iommufd-demo in a virtual machine with an emulated Intel VT-d unit, which our own
# driver drives, and one edu device. Exit status 0 only if every step of it happened.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

"$SCRIPTS/plan.sh" fast
"$SCRIPTS/setup.sh"
"$SCRIPTS/kernel.sh" fast >/dev/null
"$SCRIPTS/programs.sh"
[ -x "$B/programs/iommufd-demo" ] || die "there is no program iommufd-demo"

say "starting a virtual machine: Intel VT-d (emulated), one edu device"
start=$(date +%s)
rc=0
"$SCRIPTS/vm.sh" --kernel fast --iommu vtd --device edu --timeout 300 \
	--log demo -- iommufd-demo || rc=$?
if [ "$rc" -ne 0 ]; then
	say "The demo failed (status $rc). Kernel messages: $LOG/vm-demo.log"
	exit 1
fi
say "The demo is complete: $(($(date +%s) - start)) s in the machine."
