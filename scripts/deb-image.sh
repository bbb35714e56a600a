#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deb-image.sh - build a Debian kernel with our iommufd and our IOMMU drivers in it
#
#   scripts/deb-image.sh [--full]        (make deb-image [FULL=1])
#
# linux-image-VERSION-iommufd_*.deb goes to $B/deb-image, with the headers for DKMS beside
# it; their paths are on stdout. It is for this host's platform, and of the base tree's
# version.
#
# The configuration is that of the running kernel if it is a 6.12, else Debian's own for
# x86-64, which comes with its headers; or the file CONFIG. Of its modules those are built that
# are loaded now (or that the file LSMOD names, in the form of lsmod, from another
# machine), and all of VFIO: what is not loaded now does not work with this kernel, so
# plug in what is to work before. --full: all modules, which takes hours and 25 GB.
# Changed for us:
#
#   IOMMUFD=y, the container /dev/vfio/vfio on top of it (VFIO's own off), VFIO's device
#   files; IOMMUFD_VTD=y or IOMMUFD_SMMUV3=y
#   no debugging information; Debian's keys, which are not here, are not asked for
#
# Our VT-d driver has the units only when told so at boot; this is said at the end.

# shellcheck disable=SC1091,SC2154,SC2317
. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

full=''
case ${FULL-} in
1) full=1 ;;
'' | 0) ;;
*) die "FULL=$FULL: it is 1, or is not given" ;;
esac
case ${1-} in
'') ;;
--full) full=1 ;;
*) die "--full is the only option (--help)" ;;
esac
for_arch "$HOST_ARCH"
root=$B/deb-image
out=$root/build

case $arch in
x86_64) OURS="INTEL_IOMMU=y IRQ_REMAP=y IOMMUFD_VTD=y" ;;
# The base tree's driver is a module that is not to be loaded: see smmuv3.rst.
arm64) OURS="ARM_SMMU_V3=m IOMMUFD_SMMUV3=y" ;;
esac
OURS="$OURS IOMMUFD=y VFIO=m VFIO_GROUP=y VFIO_CONTAINER=n IOMMUFD_VFIO_CONTAINER=y
	VFIO_DEVICE_CDEV=y VFIO_PCI=m IOMMUFD_TEST=n IOMMUFD_KUNIT_TEST=n"
GENERAL="DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=n DEBUG_INFO_DWARF4=n DEBUG_INFO_DWARF5=n
	DEBUG_INFO_NONE=y LOCALVERSION_AUTO=n"

kbuild() {
	make -C "$TREE" O="$out" ARCH="$arch" -j"${JOBS:-$(nproc)}" "$@"
}

# The name of a file with the configuration to begin with
base_config() {
	local config

	if [ -n "${CONFIG-}" ]; then
		config=$CONFIG
	else
		config=/boot/config-$(uname -r)
		case $(uname -r) in
		6.12.*) ;;
		*) config='' ;;
		esac
	fi
	if [ -n "$config" ] && [ -f "$config" ]; then
		echo "$config"
		return
	fi
	[ -z "${CONFIG-}" ] || die "there is no file $CONFIG"
	[ "$arch" = x86_64 ] || die "the running kernel is not a 6.12, or has no file" \
		"/boot/config-$(uname -r): say CONFIG=FILE"
	"$SCRIPTS/setup.sh" --stock headers || return
	for config in "$B"/stock/headers/usr/src/linux-headers-*-amd64/.config; do
		[ ! -f "$config" ] || break
	done
	[ -f "$config" ] || die "Debian's headers have no configuration"
	echo "$config"
}

# NAME=VALUE...: y, m, n
set_options() {
	local option

	for option; do
		case ${option#*=} in
		y) "$TREE/scripts/config" --file "$out/.config" --enable "${option%=*}" ;;
		m) "$TREE/scripts/config" --file "$out/.config" --module "${option%=*}" ;;
		n) "$TREE/scripts/config" --file "$out/.config" --disable "${option%=*}" ;;
		esac || return
	done
}

# Each that did not come out as asked is named.
check_options() { # DIRECTORY NAME=VALUE...
	local dir=$1 option name got rc=0

	shift
	for option; do
		name=${option%=*}
		got=$(sed -n "s/^CONFIG_$name=//p" "$dir/.config")
		[ "${got:-n}" = "${option#*=}" ] && continue
		say "CONFIG_$name=${option#*=} was asked for, but it is ${got:-n}"
		rc=1
	done
	return "$rc"
}

# Each question about what is new is answered with what it proposes.
trim() {
	yes '' | LSMOD=$1 LMC_KEEP="drivers/vfio:drivers/iommu" kbuild localmodconfig
	[ "${PIPESTATUS[1]}" = 0 ]
}

configure() {
	local from=$1 loaded=$2

	mkdir -p "$out"
	cp "$from" "$out/.config" && chmod u+w "$out/.config" || return
	kbuild olddefconfig || return
	[ -z "$loaded" ] || trim "$loaded" || return
	"$TREE/scripts/config" --file "$out/.config" --set-str LOCALVERSION -iommufd \
		--set-str SYSTEM_TRUSTED_KEYS '' --set-str SYSTEM_REVOCATION_KEYS '' \
		--set-str MODULE_SIG_KEY certs/signing_key.pem || return
	# shellcheck disable=SC2086
	set_options $GENERAL $OURS || return
	kbuild olddefconfig
}

modules_loaded() {
	local file=$root/lsmod

	if [ -n "${LSMOD-}" ]; then
		[ -f "$LSMOD" ] || die "there is no file $LSMOD"
		file=$LSMOD
	else
		# It fails where the kernel has no modules at all, as a container's may.
		lsmod >"$file" 2>/dev/null || :
	fi
	[ "$(wc -l <"$file")" -gt 1 ] || die "no module is loaded here, so that nothing can" \
		"be told from that: say LSMOD=FILE, of the machine that it is for, or FULL=1"
	echo "$file"
}

# What is in the package is what was asked for.
verify() { # DEB
	local dir=$root/check

	rm -rf "$dir"
	mkdir -p "$dir"
	dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$dir" --wildcards './boot/*' || return
	cp "$dir"/boot/config-* "$dir/.config" || return
	# shellcheck disable=SC2086
	check_options "$dir" $OURS || return
	case $arch in
	x86_64) grep -q ' vtd_attach$' "$dir"/boot/System.map-* ;;
	arm64) grep -q ' smmuv3_attach_dev$' "$dir"/boot/System.map-* ;;
	esac || { say "our driver is not in the kernel"; return 1; }
	rm -rf "$dir"
}

build() {
	local from loaded='' time deb

	from=$(base_config) || exit 1
	say "The configuration is that of $from"
	if [ -z "$full" ]; then
		loaded=$(modules_loaded) || exit 1
		say "with the modules of $loaded: $(($(wc -l <"$loaded") - 1))"
	fi
	logged deb-image-config "configuring" configure "$from" "$loaded" || exit 1
	# shellcheck disable=SC2086
	check_options "$out" $OURS || die "the configuration was not taken: see above"

	time=$(git -c safe.directory='*' -C "$REPO" log -1 --format=%ct 2>/dev/null) ||
		time=$(date +%s)
	rm -f "$root"/*.deb
	KDEB_PKGVERSION=$(kbuild -s kernelversion)-$(date -u -d "@$time" +%Y%m%d%H%M%S)
	export KDEB_PKGVERSION
	KDEB_CHANGELOG_DIST=$(. "$SCRIPTS/packages.sh"; debian_release) \
		logged deb-image "building the kernel and its package" kbuild bindeb-pkg ||
		exit 1
	deb=$(find "$root" -maxdepth 1 -name 'linux-image-*-iommufd_*.deb' ! -name '*-dbg_*')
	[ -f "$deb" ] || die "no package came out: $LOG/deb-image.log"
	verify "$deb" || die "$deb is not what was asked for"
	find "$root" -maxdepth 1 -name 'linux-*-iommufd_*.deb' | sort
}

tell() {
	say "
To install: apt-get install $root/linux-image-*.deb
(and $root/linux-headers-*.deb for DKMS).
The distribution's kernel stays, and is in the boot menu. To remove: apt-get purge
linux-image-VERSION."
	[ "$arch" != x86_64 ] || say "
Our VT-d driver has the units if the kernel is booted with

  intel_iommu=off iommufd.vtd=on

(GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub). Without, the kernel's own
has them: there are no page faults for user space then."
	say "
The kernel is not signed: a machine with Secure Boot on does not boot it, unless you sign
it (sbsign, of the package sbsigntool) with a key that you have enrolled (mokutil --import)."
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	"$SCRIPTS/base.sh"
	mkdir -p "$root" "$LOG"
	with_lock deb-image build
	tell
	exit
}
