#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh - make the guest's root: busybox and our init
#
#   scripts/initramfs.sh
#
# Prints the path of the image. Programs are not in it: the VM sees
# $B/programs by 9p.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

image=$B/initramfs.cpio.gz
init=$SCRIPTS/guest/init
busybox=$(command -v busybox) || die "busybox is missing; run scripts/setup.sh"

make_image() {
	stamp=$(cat "$init" "$busybox" | cksum)
	if [ -f "$image" ] && [ "$stamp" = "$(cat "$image.stamp")" ]; then
		return
	fi
	rm -rf "$B/initramfs"
	mkdir -p "$B/initramfs/bin" "$B/initramfs/dev"
	cp "$busybox" "$B/initramfs/bin/busybox"
	cp "$init" "$B/initramfs/init"
	chmod 755 "$B/initramfs/init" "$B/initramfs/bin/busybox"
	(cd "$B/initramfs" && find . | "$busybox" cpio -o -H newc -R 0:0) \
		2>/dev/null | gzip -1 >"$image.new"
	mv "$image.new" "$image"
	echo "$stamp" >"$image.stamp"
}

mkdir -p "$B"
with_lock initramfs make_image
echo "$image"
