#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# build.sh - build iommufd.ko, and VFIO with it, against a distribution's kernel
#
#   build.sh HEADERS SOURCE SOURCE-VERSION OUT [MAKE-ARGUMENT...]
#   build.sh --check HEADERS SOURCE-VERSION
#
# HEADERS: of the kernel, /lib/modules/VERSION/build say. SOURCE: the kernel's source,
# a directory, or the archive of Debian's package linux-source-6.12; SOURCE-VERSION: that
# of the package. OUT: a directory, made anew; the modules that were built are named on
# stdout, relative to it.
#
# iommufd is the one that lies around this script. VFIO is the base tree's, compiled as
# it is with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV: `struct vfio_device` is another
# one then, so every module that imports one of its symbols has to be one of these
# (lost.txt names those that are not). The container /dev/vfio/vfio stays VFIO's own.
#
# The 6.12.y kernels differ in what these modules use, so that the versions must be the
# same. --check: only say whether they are, and whether the kernel has what is needed.
# Exit status 3 if it cannot be for this kernel, 1 if the build failed.

set -eu
export LC_ALL=C

HERE=$(cd -- "$(dirname -- "$0")" && pwd)
TOP=$(cd -- "$HERE/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
cannot() { say "iommufd: $*"; exit 3; }

option() { # NAME: as the kernel was built
	sed -n "s/^CONFIG_$1=//p" "$headers/include/config/auto.conf"
}

# Sets $headers, $common (what all flavours share) and $release.
find_headers() { # HEADERS
	headers=$(readlink -f "$1") && [ -f "$headers/Module.symvers" ] ||
		cannot "there are no kernel headers at $1"
	release=$(cat "$headers/include/config/kernel.release" 2>/dev/null) ||
		release=$(sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' \
			"$headers/include/generated/utsrelease.h")
	# Debian's flavours include the Makefile of what they share by its path
	# in an installed system: these may be unpacked elsewhere.
	common=$(sed -n 's/^include \(.*\)\/Makefile$/\1/p' "$headers/Makefile")
	if [ -n "$common" ]; then
		common=${headers%/*}/${common##*/}
	else
		common=$headers
	fi
	[ -f "$common/Makefile" ] || cannot "there is no $common/Makefile"
}

# The version of the package that the kernel was built from
headers_version() {
	sed -n 's/.*LINUX_PACKAGE_ID " Debian \(.*\)"/\1/p' \
		"$headers/include/generated/package.h" 2>/dev/null
}

check() { # SOURCE-VERSION
	case $release in
	6.12.*) ;;
	*) cannot "$release is not a 6.12 kernel" ;;
	esac
	version=$(headers_version)
	[ -n "$version" ] || cannot "$release is not a kernel of Debian's"
	# In Debian 12 the name without a version is that of 6.1, but for its backports'.
	flavour=${release#*-} suite=''
	case $version in
	*deb12*) flavour=6.12-$flavour ;;
	*bpo12*) suite='-t bookworm-backports ' ;;
	esac
	newest="apt-get install ${suite}linux-source-6.12 linux-image-$flavour linux-headers-$flavour"
	[ "$version" = "$1" ] || cannot "the kernel $release is of version $version," \
		"the package linux-source-6.12 of ${1:-none}. They must be the same:
  apt-get install linux-source-6.12=$version
or, for the newest of both:
  $newest"
	[ -z "$(option IOMMUFD)" ] ||
		cannot "the kernel $release has an iommufd of its own"
	for name in VFIO VFIO_IOMMU_TYPE1 VFIO_PCI_CORE VFIO_PCI; do
		[ "$(option $name)" = m ] ||
			cannot "the kernel $release has no module for CONFIG_$name"
	done
	[ "$(option IOMMU_API)$(option PCI_MSI)$(option INTERVAL_TREE)$(option MMU_NOTIFIER)" = yyyy ] ||
		cannot "the kernel $release has no IOMMU API, MSI, interval trees or MMU notifiers"
	# Came within 6.12.y
	tr -d '\n' <"$common/include/linux/iommu.h" |
		grep -qE '\(\*set_dev_pasid\)\([^)]*old\)' ||
		cannot "the kernel $release is too old: its set_dev_pasid() is not" \
			"told the domain before. 6.12.107 and later are:
  apt-get update && $newest"
	grep -q '	iommu_replace_group_handle	' "$headers/Module.symvers" ||
		cannot "the kernel $release does not export iommu_replace_group_handle()"
}

# What is taken of the base tree
WANTED="Makefile drivers/vfio drivers/iommu/iommu-priv.h drivers/iommu/iommu-pages.h
	lib/interval_tree.c"

take() { # SOURCE
	mkdir -p "$out/base"
	if [ -d "$1" ]; then
		# shellcheck disable=SC2086
		(cd "$1" && tar -cf - $WANTED) | tar -xf - -C "$out/base"
	else
		# shellcheck disable=SC2046
		tar -xf "$1" -C "$out/base" --strip-components=1 \
			$(printf 'linux-source-6.12/%s ' $WANTED)
	fi
	sublevel=$(sed -n 's/^SUBLEVEL = //p' "$out/base/Makefile")
	case $release in
	6.12."$sublevel"[!0-9]*) ;;
	*) cannot "the source at $1 is 6.12.$sublevel, the kernel is $release" ;;
	esac
}

# The paths are those of a kernel tree, with ours in its place: relative includes of
# either find what they look for.
lay_out() {
	mkdir -p "$out/drivers/iommu" "$out/lib"
	mv "$out"/base/drivers/iommu/*.h "$out/drivers/iommu/"
	mv "$out/base/drivers/vfio" "$out/drivers/"
	mv "$out/base/lib/interval_tree.c" "$out/lib/"
	rm -rf "$out/base"
	(cd "$TOP" && tar -cf - --exclude '*.o' --exclude '*.cmd' \
		--exclude drivers/iommu/iommufd/test \
		--exclude drivers/iommu/iommufd/vtd \
		--exclude drivers/iommu/iommufd/smmuv3 \
		drivers/iommu/iommufd include/linux/iommufd.h \
		include/uapi/linux/iommufd.h) | tar -xf - -C "$out"
	cp "$HERE/module.h" "$out/include/linux/"
	echo "$release" >"$out/include/release"
	cp "$HERE/span_iter.c" "$out/drivers/iommu/iommufd/"

	echo 'obj-m := drivers/iommu/iommufd/ drivers/vfio/' >"$out/Kbuild"
	# Each that may be built: one without would have another struct vfio_device, and the
	# versions of symbols in one build do not tell.
	for dir in drivers/iommu/iommufd $(cd "$out" &&
		find drivers/vfio -name Makefile | sed 's/\/Makefile$//'); do
		# A Kbuild goes before the Makefile that is there. The kernel's own
		# headers have an iommufd.h, too: ours are looked at first.
		cat >"$out/$dir/Kbuild" <<-'END'
		LINUXINCLUDE := -I$(KBUILD_EXTMOD)/include \
			-I$(KBUILD_EXTMOD)/include/uapi $(LINUXINCLUDE) \
			-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1
		include $(src)/Makefile
		END
	done
	[ -n "$(option INTERVAL_TREE_SPAN_ITER)" ] ||
		echo 'iommufd-y += span_iter.o' >>"$out/drivers/iommu/iommufd/Kbuild"
}

build() { # MAKE-ARGUMENT...
	set -- M="$out" CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y \
		CONFIG_VFIO_MDEV= -j"$(nproc)" "$@"
	# BTF is for those who trace; the modules do without.
	command -v pahole >/dev/null || set -- "$@" CONFIG_DEBUG_INFO_BTF_MODULES=
	# Not by -C: the paths in $headers/Makefile may be of another system.
	(cd "$headers" && exec make -f "$common/Makefile" "$@" modules) >&2
	(cd "$out" && find . -name '*.ko' | sed 's/^\.\///' | sort)
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	check_only=''
	if [ "${1-}" = --check ]; then
		check_only=1
		shift
	fi
	case $check_only:$# in
	1:2) find_headers "$1"; check "$2"; exit ;;
	1:* | :[0-3]) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" | grep -v '^SPDX' >&2; exit 2 ;;
	esac
	unset MAKEFLAGS MFLAGS MAKELEVEL
	find_headers "$1"
	check "$3"
	mkdir -p "$4"
	out=$(cd -- "$4" && pwd)
	source=$2
	shift 4
	# Made by this script before, or empty
	[ -f "$out/Kbuild" ] || rmdir "$out" || exit 1
	rm -rf "$out"
	mkdir -p "$out"
	take "$source"
	lay_out
	build "$@"
	exit
}
