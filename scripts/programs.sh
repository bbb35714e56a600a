#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# programs.sh - build the static programs that run in the VM
#
#   scripts/programs.sh [--arch x86_64|arm64]
#
# $A is $B, or $B/arm64:
# tools/iommu                     to $A/programs
# tools/testing/selftests/iommu   to $A/programs/selftests, those that want a
#                                 real IOMMU to $A/programs/selftests-vtd, those
#                                 for hardware models to selftests-model
# upstream's own kselftest        to $A/programs/upstream
# Each directory's Makefile gets OUT (where binaries go), OUT_VTD, OUT_MODEL, KHDR
# (the exported kernel headers), TREE (the kernel tree, for kselftest_harness.h) and CC.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
HEADERS=$A/headers
PROGRAMS=$A/programs
SELFTESTS=$REPO/tools/testing/selftests/iommu

# The exported headers differ from the base tree's in one file, ours.
install_headers() {
	stamp=$(cksum <"$TREE/include/uapi/linux/iommufd.h")
	[ "$stamp" != "$(cat "$HEADERS/stamp" 2>/dev/null)" ] || return 0
	mkdir -p "$HEADERS"
	logged "${log_arch}headers" "exporting the kernel headers" \
		make -C "$TREE" O="$HEADERS/build" ARCH="$arch" -j"$(nproc)" \
		INSTALL_HDR_PATH="$HEADERS" headers_install
	echo "$stamp" >"$HEADERS/stamp"
}

build_in() { # NAME DIRECTORY OUT
	[ -f "$REPO/$2/Makefile" ] || return 0
	mkdir -p "$3"
	make -s -C "$REPO/$2" -j"$(nproc)" OUT="$3" CC="${CROSS}gcc" \
		OUT_VTD="$PROGRAMS/selftests-vtd" \
		OUT_MODEL="$PROGRAMS/selftests-model" \
		KHDR="$HEADERS/include" TREE="$TREE" \
		>"$LOG/$log_arch$1.log" 2>&1 && return
	say "building $2 failed. The last lines of $LOG/$log_arch$1.log:"
	tail -n 20 "$LOG/$log_arch$1.log" >&2
	return 1
}

# Libraries of the platform that the host does not have; the Makefiles add to these.
packages=$A/packages/usr
if [ "$arch" != "$HOST_ARCH" ]; then
	[ -d "$packages" ] || die "$packages is missing; run scripts/setup.sh $arch"
	export CPPFLAGS="-isystem $packages/include"
	export LDFLAGS="-L$packages/lib/$TRIPLET"
fi

# make check runs whatever is there: not what has another name by now.
drop_old() {
	for f in "$PROGRAMS"/selftests/* "$PROGRAMS"/selftests-vtd/* \
		"$PROGRAMS"/selftests-model/*; do
		name=${f##*/}
		[ -f "$SELFTESTS/$name.c" ] || [ -f "$SELFTESTS/${name%_vtd}.c" ] ||
			rm -f "$f"
	done
}

programs() {
	mkdir -p "$LOG" "$PROGRAMS/selftests-vtd" "$PROGRAMS/selftests-model"
	drop_old
	install_headers
	build_in programs-tools tools/iommu "$PROGRAMS"
	build_in programs-selftests tools/testing/selftests/iommu \
		"$PROGRAMS/selftests"
	"$SCRIPTS/upstream-selftest.sh" --arch "$arch"
	cp -u "$SCRIPTS"/guest/run-* "$PROGRAMS/"
}

"$SCRIPTS/base.sh"
with_lock "${log_arch}programs" programs
