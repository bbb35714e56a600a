#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh - make the guest's root: busybox and our init
#
#   scripts/initramfs.sh [--arch x86_64|arm64]
#   scripts/initramfs.sh --arch x86_64 --stock|--image
#
# Prints the path of the image. Programs are not in it: the VM sees
# $B/programs ($B/arm64/programs) by 9p. What is in it lies in a directory beside it.
#
# --stock: for Debian's own kernel, which is fetched, with our modules (modules.sh) and
# those of it that the machine needs. The kernel is $B/stock/vmlinuz. With STOCK_ROOT, a
# directory with an installed Debian, its kernel, and our modules as DKMS has installed
# them there; the kernel is $STOCK_ROOT.vmlinuz.
#
# --image: for the kernel that deb-image.sh has made a package of, with VFIO of it. The
# kernel is $B/deb-image/vmlinuz.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
shift "$option_words"
image=$A/initramfs.cpio.gz
init=$SCRIPTS/guest/init
if [ "$arch" = "$HOST_ARCH" ]; then
	busybox=$(command -v busybox) || die "busybox is missing; run scripts/setup.sh"
else
	# Debian 12 has it in /bin, Debian 13 in /usr/bin.
	busybox=$A/packages/usr/bin/busybox
	[ -x "$busybox" ] || busybox=$A/packages/bin/busybox
	[ -x "$busybox" ] || die "$busybox is missing; run scripts/setup.sh $arch"
fi

# Debian's kernel has file systems and disks as modules. Ours go before its own.
STOCK=$B/stock
MODULES="9p 9pnet_virtio nvme virtio_net iommufd vfio_iommu_type1 vfio-pci"

module_file() { # NAME: as it calls itself, or as its file is called
	name=$(echo "$1" | sed 's/[-_]/[-_]/g')
	found=''
	for dir in $ours "$theirs"; do
		[ -n "$found" ] || found=$(find "$dir" -name "$name.ko" -o \
			-name "$name.ko.xz" | head -n 1)
	done
	[ -n "$found" ] || die "there is no module $1"
	echo "$found"
}

add_module() { # NAME: after those that it needs
	case " $added " in
	*" $1 "*) return ;;
	esac
	added="$added $1"
	file=$(module_file "$1")
	to=$root/modules/$1.ko
	case $file in
	*.xz) xz -dc "$file" >"$to" ;;
	*) cp "$file" "$to" ;;
	esac
	for need in $(tr '\0' '\n' <"$to" | sed -n 's/^depends=//p' | tr , ' '); do
		add_module "$need"
	done
	echo "$1" >>"$root/modules/order"
}

make_stock() {
	# Debian 13 has the modules below /usr, Debian 12 has not.
	from=${theirs%/lib/modules/*}
	cp "${from%/usr}/boot/vmlinuz-$release" "$vmlinuz"
	mkdir -p "$root/modules"
	added=''
	for module in $MODULES; do
		add_module "$module"
	done
	[ -n "$ours" ] || return 0
	# Built for another VFIO: it must not load
	# DKMS may have put it aside.
	foreign=$(find "$theirs" ${STOCK_ROOT:+"$STOCK_ROOT/var/lib/dkms"} \
		-name vfio-pci-core.ko.xz ! -path '*/module/*' | head -n 1)
	xz -dc "$foreign" >"$root/modules/foreign"
}

make_image() {
	stamp=$(cat "$init" "$busybox" "$0" "$SCRIPTS/cpio.sh" $stock_stamp | cksum)
	if [ -f "$image" ] && [ "$stamp" = "$(cat "$image.stamp")" ]; then
		return
	fi
	rm -rf "$root"
	if [ "$root" != "$A/initramfs" ]; then make_stock; fi
	mkdir -p "$root/bin" "$root/dev"
	cp "$busybox" "$root/bin/busybox"
	cp "$init" "$root/init"
	chmod 755 "$root/init" "$root/bin/busybox"
	"$SCRIPTS/cpio.sh" "$root" >"$image.new"
	mv "$image.new" "$image"
	echo "$stamp" >"$image.stamp"
}

root=$A/initramfs stock_stamp='' theirs=''
case ${1-} in
--stock)
	if [ -n "${STOCK_ROOT-}" ]; then
		vmlinuz=$STOCK_ROOT.vmlinuz image=$STOCK_ROOT.initramfs.cpio.gz
		theirs=$(echo "$STOCK_ROOT"/lib/modules/6.12.*/kernel)
		ours=${theirs%/kernel}/updates
		[ -d "$ours" ] || die "there are no modules of ours in $STOCK_ROOT"
		stock_stamp=$(find "$ours" -name 'iommufd.ko*')
	else
		vmlinuz=$STOCK/vmlinuz image=$STOCK/initramfs.cpio.gz
		"$SCRIPTS/setup.sh" --stock image
		"$SCRIPTS/modules.sh" --quiet
		theirs=$(echo "$STOCK"/image/*lib/modules/*/kernel "$STOCK"/image/usr/lib/modules/*/kernel |
			tr ' ' '\n' | grep -v '\*' | head -n 1)
		ours=$STOCK/modules
		stock_stamp="$STOCK/image/list $STOCK/modules.stamp"
	fi
	;;
--image)
	vmlinuz=$B/deb-image/vmlinuz image=$B/deb-image/initramfs.cpio.gz
	theirs=$(echo "$B"/deb-image/installed/lib/modules/*/kernel) ours='' MODULES=vfio-pci
	[ -d "$theirs" ] || die "there is no package of make deb-image"
	stock_stamp=${theirs%/lib/*}/boot/vmlinuz-*
	;;
esac
if [ -n "$theirs" ]; then
	root=${image%.cpio.gz} release=${theirs%/kernel}
	release=${release##*/}
fi
mkdir -p "$A"
with_lock "${log_arch}initramfs" make_image
echo "$image"
