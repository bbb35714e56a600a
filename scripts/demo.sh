#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# demo.sh - the main job on a fresh machine, from nothing
#
#   scripts/demo.sh [--arch x86_64|arm64|all]        (make demo, make demo ARCH=all)
#
# Says what it will fetch and build and asks; installs, builds, then runs
# iommufd-demo in a virtual machine: on x86-64, the default, with an emulated Intel VT-d
# unit, on arm64 an SMMUv3, which our own driver drives, and one edu device. Exit status
# 0 only if every step of it happened.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

if [ "${1-}" = --arch ] && [ $# -ge 2 ]; then
	ARCH=$2
fi
case ${ARCH:-$HOST_ARCH} in
all) archs="x86_64 arm64" kernels="fast arm64-fast" ;;
*)
	for_arch "${ARCH:-$HOST_ARCH}"
	archs=$arch kernels=${log_arch}fast
	;;
esac

prepare() {
	"$SCRIPTS/kernel.sh" --arch "$arch" fast >/dev/null
	"$SCRIPTS/programs.sh" --arch "$arch"
	[ -x "$A/programs/iommufd-demo" ] || die "there is no program iommufd-demo"
}

run() { # WHAT VM-OPTION... -- COMMAND...
	say "starting a virtual machine, $arch: $1"
	shift
	start=$(date +%s)
	rc=0
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel fast --timeout 300 \
		--log "${log_arch}demo" "$@" || rc=$?
	if [ "$rc" -ne 0 ]; then
		say "The demo failed (status $rc). Kernel messages:" \
			"$LOG/vm-${log_arch}demo.log"
		exit 1
	fi
	say "The demo is complete: $(($(date +%s) - start)) s in the machine."
}

# shellcheck disable=SC2086
"$SCRIPTS/plan.sh" $kernels
# shellcheck disable=SC2086
"$SCRIPTS/setup.sh" $archs
for a in $archs; do
	for_arch "$a"
	prepare
done
for a in $archs; do
	for_arch "$a"
	case $arch in
	x86_64)
		run "Intel VT-d (emulated), one edu device" --iommu vtd --device edu \
			-- iommufd-demo
		;;
	arm64)
		run "Arm SMMUv3 (emulated), one edu device" --iommu smmuv3 \
			--device edu -- iommufd-demo
		;;
	esac
done
