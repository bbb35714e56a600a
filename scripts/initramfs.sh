#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh - make the guest's root: busybox and our init
#
#   scripts/initramfs.sh [--arch x86_64|arm64]
#
# Prints the path of the image. Programs are not in it: the VM sees
# $B/programs ($B/arm64/programs) by 9p. What is in it lies in a directory beside it.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
image=$A/initramfs.cpio.gz
init=$SCRIPTS/guest/init
host_busybox=$(command -v busybox) || die "busybox is missing; run scripts/setup.sh"
busybox=$host_busybox
if [ "$arch" != "$HOST_ARCH" ]; then
	# Debian 12 has it in /bin, Debian 13 in /usr/bin.
	busybox=$A/packages/usr/bin/busybox
	[ -x "$busybox" ] || busybox=$A/packages/bin/busybox
	[ -x "$busybox" ] || die "$busybox is missing; run scripts/setup.sh $arch"
fi

make_image() {
	stamp=$(cat "$init" "$busybox" | cksum)
	if [ -f "$image" ] && [ "$stamp" = "$(cat "$image.stamp")" ]; then
		return
	fi
	rm -rf "$A/initramfs"
	mkdir -p "$A/initramfs/bin" "$A/initramfs/dev"
	cp "$busybox" "$A/initramfs/bin/busybox"
	cp "$init" "$A/initramfs/init"
	chmod 755 "$A/initramfs/init" "$A/initramfs/bin/busybox"
	(cd "$A/initramfs" && find . | "$host_busybox" cpio -o -H newc -R 0:0) \
		2>/dev/null | gzip -1 >"$image.new"
	mv "$image.new" "$image"
	echo "$stamp" >"$image.stamp"
}

mkdir -p "$A"
with_lock "${log_arch}initramfs" make_image
echo "$image"
