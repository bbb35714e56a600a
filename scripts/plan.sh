#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# plan.sh - say what will be fetched, stored and built, and ask
#
#   scripts/plan.sh [KERNEL...]
#
# KERNEL: the kernels that will be needed: those of kernel.sh, with arm64- in front for
# arm64; modules or stock for modules of Debian's own, deb for a Debian to install their
# package in, deb-image for a kernel as a package;
# and with them what their platform needs, or, with upstream, the benchmark.
# Prints the packages, MB to fetch, GB of disk and minutes; exits 1 when the answer is
# no, or the disk too small. It does not ask when YES=1, when stdin is not a terminal,
# or when nothing is to do.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
. "$SCRIPTS/packages.sh"

archs='' extra=''
for kernel; do
	case $kernel in
	arm64-*) a=arm64 ;;
	*) a=x86_64 ;;
	esac
	[ "$kernel" != upstream ] || extra=bench
	[ "$kernel" != deb-image ] || extra=image a=$HOST_ARCH
	for_arch "$a"
	case " $archs " in
	*" $a "*) ;;
	*) archs="$archs $a" ;;
	esac
done

mb=0 disk=0 seconds=0 names='' steps=''
cores=$(nproc)

add() { # MB of disk, seconds, words
	disk=$((disk + $1))
	seconds=$((seconds + $2))
	steps="$steps
  - $3"
}

# shellcheck disable=SC2086
qemus=$(missing_qemus $archs)
# shellcheck disable=SC2086
missing="$(missing_packages $archs $extra)
$qemus"
while read -r name size; do
	[ -n "$name" ] || continue
	names="$names $name"
	mb=$((mb + size))
done <<EOF
$missing
EOF
if [ -n "$names" ]; then
	add $((mb * 3)) $((20 + mb / 4)) "install with apt:$names"
	if [ -n "$qemus" ] && qemu_needs_backports; then
		steps="$steps
    (QEMU from bookworm-backports of the mirror apt already uses, by a
    temporary sources list: apt's own configuration is not changed)"
	fi
fi
case $names in
*qemu-efi-aarch64*) disk=$((disk + 260)) ;;
esac
for a in $archs; do
	foreign_is_missing "$a" || continue
	mb=$((mb + FOREIGN_MB))
	add 10 10 "unpack for $a, into the build directory alone: $FOREIGN"
done
[ -d "$BASE" ] || add 1750 45 "unpack the base tree, linux-source-6.12"
for kernel; do
	case $kernel in
	deb-image)
		if [ "${FULL-}" = 1 ]; then
			add 25000 $((18000 / cores)) "build a kernel with all of Debian's modules, as a package"
		else
			add 4000 $((4000 / cores)) "build a kernel with the modules that are loaded here, as a package"
		fi
		continue
		;;
	deb)
		if [ ! -f "$B/stock/debian-${RELEASE:-$(debian_release)}/complete" ]; then
			mb=$((mb + 500))
			add 2500 600 "make a Debian of its own, with its kernel's headers and source"
		fi
		continue
		;;
	modules | stock)
		version=$(dpkg-query -W -f '${Version}' "$BASE_PACKAGE" 2>/dev/null) ||
			version=none
		if [ "$version" != "$(cat "$B/stock/headers/list" 2>/dev/null)" ]; then
			mb=$((mb + 17))
			add 100 $((20 + 120 / cores)) "fetch the headers of Debian's own kernel, and build modules for it"
		fi
		if [ "$kernel" = stock ] &&
		   [ "$version" != "$(cat "$B/stock/image/list" 2>/dev/null)" ]; then
			mb=$((mb + 107))
			add 330 30 "fetch Debian's own kernel"
		fi
		continue
		;;
	arm64-*)
		for_arch arm64
		image=$(kernel_dir "${kernel#arm64-}")/arch/arm64/boot/Image
		;;
	*)
		for_arch x86_64
		image=$(kernel_dir "$kernel")/vmlinux
		;;
	esac
	[ ! -f "$image" ] || continue
	case $kernel in
	*debug) add 1600 $((1500 / cores)) "build the $kernel kernel" ;;
	*) add 700 $((900 / cores)) "build the $kernel kernel" ;;
	esac
done

[ -n "$steps" ] || exit 0

say "To be done once:$steps
  to fetch: $mb MB   disk: $((disk / 1000)).$((disk / 100 % 10)) GB in $B   time: about $(((seconds + 59) / 60)) min on $cores cores"

# The packages may be on another file system; apt looks after that one.
place=$B
while [ ! -d "$place" ]; do
	place=$(dirname "$place")
done
[ -w "$place" ] || die "$place cannot be written to. Name another place:" \
	"IOMMUFD_BUILD=DIR make ..."
free=$(df -Pm "$place" | awk 'NR == 2 { print $4 }')
[ "${free:-$disk}" -ge "$disk" ] ||
	die "there are $((free / 1000)).$((free / 100 % 10)) GB free in $place." \
		"Make room there, or name another place: IOMMUFD_BUILD=DIR make ..."

[ "${YES-}" = 1 ] && exit 0
[ -t 0 ] || exit 0
printf 'Go on? [Y/n] ' >&2
read -r answer || answer=n
case $answer in
'' | y | Y | yes) exit 0 ;;
*) say "Nothing was changed."; exit 1 ;;
esac
