#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# demo.sh - the main job on a fresh machine, from nothing
#
#   scripts/demo.sh [--arch x86_64|arm64|all]        (make demo, make demo ARCH=all)
#
# Says what it will fetch and build and asks; installs, builds, then runs
# iommufd-demo in a virtual machine, by default of the host's platform: on x86-64 with an
# emulated Intel VT-d unit, on arm64 an SMMUv3, which our own driver drives, and one edu
# device. Exit status 0 only if every step of it happened.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

case $#:${1-} in
0:) ;;
2:--arch) ARCH=$2 ;;
*) die "--arch and a platform are all it takes, not $* (--help)" ;;
esac
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

# Colours for eyes alone
colour=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	colour=--colour
fi

shown=''
run() { # IOMMU VM-OPTION...
	what=$1
	say "
Starting a virtual machine: $arch, $what (emulated by QEMU), one edu device"
	shift
	start=$(date +%s)
	rc=0
	# shellcheck disable=SC2086
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel fast --timeout 900 \
		--log "${log_arch}demo" --device edu "$@" \
		-- iommufd-demo $colour || rc=$?
	if [ "$rc" -ne 0 ]; then
		say "The demo failed (status $rc). Kernel messages:" \
			"$LOG/vm-${log_arch}demo.log"
		exit 1
	fi
	shown="$shown
  $arch, $what: every comparison held, $(($(date +%s) - start)) s"
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
	x86_64) run "Intel VT-d" --iommu vtd ;;
	arm64) run "Arm SMMUv3" --iommu smmuv3 ;;
	esac
done
say "
The demo is complete:$shown
Next: make shell for a machine to try things in, make check for every test, and
Documentation/userspace-api/iommufd/ for what a program can ask of /dev/iommu."
