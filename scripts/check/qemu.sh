#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qemu.sh - a client as it is shipped: Debian's QEMU, in a machine with our driver, gives
# three of its PCI functions to a guest of its own, which does DMA with each; on VT-d and,
# as arm64-qemu, on SMMUv3
#
#   scripts/check/qemu.sh [PART...]     iommufd, or by name: container (the suite
#                                       qemu-container), stock, stock-container
#
# iommufd: by -object iommufd. container: QEMU is not told of /dev/iommu and takes
# /dev/vfio/vfio, which is on top of it. stock, stock-container: the same in a machine of
# Debian's own kernel with our modules. Its own driver has the unit, and the container is
# VFIO's own.
#
# Emulation within emulation: the guest is small, and the kernels are the fast ones.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
. "$SCRIPTS/packages.sh"
on x86_64 arm64

set +e
# Others have another name, and so files of their own: suites run side by side.
SUITE=${QEMU_SUITE:-qemu} TRACE_EVENTS='' TRACE_FAULT=''
MB=4 NET_MB=1
# OUTSIDE: the machine has memory there, its guest has not.
case $arch in
x86_64)
	DRIVER=vtd VM_IOMMU=vtd machine=q35 boots=vmlinux OUTSIDE=0x40000000
	firmware="bios-256k.bin kvmvapic.bin linuxboot_dma.bin pvh.bin"
	;;
arm64)
	DRIVER=smmuv3 VM_IOMMU=smmuv3 machine=virt boots=arch/arm64/boot/Image
	OUTSIDE=0x60000000 firmware=''
	;;
esac
. "$SUITE_DIR/../check-dma-lib.sh"
client=$A/programs/clients/$SUITE

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
	for file in $firmware; do
		cp -L "$from/usr/share/seabios/$file" "$to/firmware/" 2>/dev/null ||
			cp -L "$from/usr/share/qemu/$file" "$to/firmware/" || return
	done
	rm -rf "$client"
	mv "$to" "$client"
}

# What the guest boots
copy_guest() {
	local image root=$A/nested/$SUITE

	image=$(kernel_dir fast)/$boots
	[ -f "$image" ] || image=$("$SCRIPTS/kernel.sh" --arch "$arch" fast) || return
	"$SCRIPTS/initramfs.sh" --arch "$arch" >/dev/null || return
	cp "$image" "$client/kernel" || return
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
	cp "$A/initramfs/bin/busybox" "$A/programs/edu_guest" "$A/programs/dma_traffic" \
		"$root/bin/" || return
	for applet in awk dd ifconfig mount nc reboot sh sleep; do
		ln -s busybox "$root/bin/$applet"
	done
	cp "$SCRIPTS/guest/nested-init" "$root/init"
	echo "DISK_MB=$MB NET_MB=$NET_MB OUTSIDE=$OUTSIDE" >"$root/run.conf"
	(cd "$root" && find . | busybox cpio -o -H newc -R 0:0) 2>/dev/null |
		gzip -1 >"$client/initrd"
}

part() { # NAME ENVIRONMENT...
	local name=$1

	shift
	run_command "$name" "${KERNEL:-fast}" --timeout 1800 --device edu --device nvme \
		--device igb --device virtio-net \
		-- env DRIVER="$DRIVER" DISK_MB="$MB" NET_MB="$NET_MB" "$@" \
		run-qemu "/programs/clients/$SUITE" "$machine"
	tell "$name"
}

iommufd() { part iommufd IOMMUFD=yes; }
stock() { KERNEL=stock DRIVER=intel-iommu VM_IOMMU=vtd-base part stock IOMMUFD=yes; }
stock-container() {
	KERNEL=stock DRIVER=intel-iommu VM_IOMMU=vtd-base part stock-container IOMMUFD=no
}
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
