# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034
# The packages this project needs, in one place. Sourced after lib.sh.

# qemu_for ARCH: sets QEMU, its package and the MB to fetch.
qemu_for() {
	case $1 in
	x86_64)
		QEMU=${QEMU_X86_64:-qemu-system-x86_64}
		QEMU_PACKAGE=qemu-system-x86 QEMU_MB=40
		;;
	arm64)
		QEMU=${QEMU_ARM64:-qemu-system-aarch64}
		QEMU_PACKAGE=qemu-system-arm QEMU_MB=40
		;;
	esac
}

# name, MB to fetch with what it pulls in on a bare system; gcc and libc6-dev are for the
# host, whose programs take part in every build
PACKAGES="
gcc 40
libc6-dev 6
make 1
flex 1
bison 1
bc 1
perl 8
xz-utils 1
rsync 1
ccache 1
libelf-dev 2
busybox-static 1
liburing-dev 1
libcap-dev 1
sparse 1
e2fsprogs 2
spin 1
$BASE_PACKAGE 155
"

# The machine of arm64 has firmware for vm.sh --acpi.
PACKAGES_arm64="
qemu-efi-aarch64 3
"

# The compiler of a platform that is not the host's
CROSS_x86_64="
gcc-x86-64-linux-gnu 45
libc6-dev-amd64-cross 5
"
CROSS_arm64="
gcc-aarch64-linux-gnu 45
libc6-dev-arm64-cross 5
"

# For the benchmark: its chart as a PNG.
PACKAGES_bench="
librsvg2-bin 25
"

# For a kernel as a package (deb-image.sh)
PACKAGES_image="
dpkg-dev 4
debhelper 15
kmod 1
cpio 1
libssl-dev 3
openssl 2
zstd 1
python3 10
"

# That platform's own, which apt fetches and dpkg-deb unpacks into $A/packages: nothing
# of the host's dpkg or apt knows of another platform.
FOREIGN="busybox-static liburing-dev libcap-dev"
FOREIGN_MB=11

installed() {
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

# missing_packages ARCH|bench|image...: one missing package a line: name MB.
missing_packages() {
	{
		echo "$PACKAGES"
		for a; do
			[ "$a" != arm64 ] || echo "$PACKAGES_arm64"
			[ "$a" != bench ] || echo "$PACKAGES_bench"
			[ "$a" != image ] || echo "$PACKAGES_image"
			case $a in
			"$HOST_ARCH") ;;
			x86_64) echo "$CROSS_x86_64" ;;
			arm64) echo "$CROSS_arm64" ;;
			esac
		done
	} | while read -r name mb; do
		[ -n "$name" ] || continue
		installed "$name" || echo "$name $mb"
	done
}

# missing_qemus ARCH...: the same for QEMU, where it is too old as well.
missing_qemus() {
	for a; do
		qemu_for "$a"
		qemu_is_new_enough || echo "$QEMU_PACKAGE $QEMU_MB"
	done
}

# Unpacked whole, or not there.
foreign_is_missing() { # ARCH
	[ "$1" != "$HOST_ARCH" ] && (
		for_arch "$1"
		[ "$FOREIGN" != "$(cat "$A/packages/list" 2>/dev/null)" ]
	)
}

qemu_version() {
	"$QEMU" --version 2>/dev/null |
		sed -n '1s/.*version \([0-9]*\).*/\1/p'
}

qemu_is_new_enough() {
	version=$(qemu_version)
	[ "${version:-0}" -ge 10 ]
}

debian_release() {
	# shellcheck disable=SC1091
	(. /etc/os-release && echo "${VERSION_CODENAME-}")
}

# Only Debian 12's own QEMU is too old.
qemu_needs_backports() { [ "$(debian_release)" = bookworm ]; }
