#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qemu.sh - a client as it is shipped: Debian's QEMU, in a machine with our driver, gives
# two of its PCI functions to a guest of its own, which does DMA with both
#
#   scripts/check/qemu.sh [PART...]     iommufd, or by name: container
#
# iommufd: by -object iommufd. container: QEMU is not told of /dev/iommu and takes
# /dev/vfio/vfio, which is on top of it.
#
# Emulation within emulation: the guest is small, and the kernels are the fast ones.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
. "$SCRIPTS/packages.sh"
on x86_64

set +e
SUITE=qemu TRACE_EVENTS='' TRACE_FAULT='' DRIVER=vtd VM_IOMMU=vtd machine=q35
MB=4
# The machine has memory there, its guest has not.
OUTSIDE=0x40000000
. "$SUITE_DIR/../check-dma-lib.sh"
client=$A/programs/clients/qemu

# The program, what it loads, and firmware: the VM has no Debian.
copy_client() {
	local to=$client.new from='' program version lib file

	"$SCRIPTS/setup.sh" --client "$arch" || return
	qemu_for "$arch"
	if [ "$arch" = "$HOST_ARCH" ]; then
		program=$(command -v "$QEMU") || return
		version=$(dpkg-query -W -f '${Version}' "$QEMU_PACKAGE")
	else
		from=$A/client-qemu
		program=$from/usr/bin/${QEMU##*/}
		version=$(cat "$from/list")
	fi
	echo "# client: Debian's $QEMU_PACKAGE:$DEB_ARCH $version, $(debian_release)"
	rm -rf "$to"
	mkdir -p "$to/bin" "$to/lib" "$to/firmware"
	cp -L "$program" "$to/bin/qemu" || return
	if [ -n "$from" ]; then
		for lib in "$from"/lib/*/lib*.so.* "$from"/usr/lib/*/lib*.so.*; do
			[ ! -f "$lib" ] || cp -L "$lib" "$to/lib/" || return
		done
		for lib in "$from"/lib/*/ld-linux* "$from"/usr/lib/*/ld-linux*; do
			[ ! -f "$lib" ] || cp -L "$lib" "$to/lib/ld.so" || return
		done
	else
		ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do
			case $lib in
			*/ld-linux*) cp -L "$lib" "$to/lib/ld.so" ;;
			*) cp -L "$lib" "$to/lib/" ;;
			esac || exit
		done || return
	fi
	[ -x "$to/lib/ld.so" ] || return
	for file in bios-256k.bin kvmvapic.bin linuxboot_dma.bin pvh.bin; do
		cp -L "$from/usr/share/seabios/$file" "$to/firmware/" 2>/dev/null ||
			cp -L "$from/usr/share/qemu/$file" "$to/firmware/" || return
	done
	rm -rf "$client"
	mv "$to" "$client"
}

# What the guest boots
copy_guest() {
	local image=$A/fast/vmlinux root=$A/nested

	[ -f "$image" ] || image=$("$SCRIPTS/kernel.sh" --arch "$arch" fast) || return
	"$SCRIPTS/initramfs.sh" --arch "$arch" >/dev/null || return
	cp "$image" "$client/kernel" || return
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
	cp "$A/initramfs/bin/busybox" "$A/programs/edu_guest" "$A/programs/dma_traffic" \
		"$root/bin/" || return
	for applet in awk dd mount reboot sleep; do
		ln -s busybox "$root/bin/$applet"
	done
	cp "$SCRIPTS/guest/nested-init" "$root/init"
	echo "DISK_MB=$MB OUTSIDE=$OUTSIDE" >"$root/run.conf"
	(cd "$root" && find . | busybox cpio -o -H newc -R 0:0) 2>/dev/null |
		gzip -1 >"$client/initrd"
}

part() { # NAME ENVIRONMENT...
	local name=$1

	shift
	run_command "$name" fast --timeout 1800 --device edu --device nvme \
		-- env DRIVER="$DRIVER" DISK_MB="$MB" "$@" \
		run-qemu /programs/clients/qemu "$machine"
	tell "$name"
}

iommufd() { part iommufd IOMMUFD=yes; }
container() { part container IOMMUFD=no; }

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	[ $# -gt 0 ] || set -- iommufd
	copy_client && copy_guest
	rc=$?
	result "$rc" "there is a QEMU, a kernel and a guest's root"
	[ "$rc" = 0 ] || set --
	for part; do
		"$part"
	done
	echo "1..$n"
	exit
}
