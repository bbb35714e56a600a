#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deb.sh - the package of make deb in a Debian of its own: installed, built by DKMS there,
# its modules booted in Debian's kernel, with the kselftests, the demo and QEMU, and removed
#
#   [RELEASE=bookworm|trixie] scripts/check/deb.sh
#
# Only by name and as root, for debootstrap puts a Debian into the build directory (2 GB,
# of which 500 MB are fetched). The release is by default this host's.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
. "$SCRIPTS/packages.sh"
on x86_64

set +e
RELEASE=${RELEASE:-$(debian_release)}
SUITE=deb-$RELEASE TRACE_EVENTS='' TRACE_FAULT='' VM_IOMMU=vtd-base
. "$SUITE_DIR/../check-dma-lib.sh"
export STOCK_ROOT=$B/stock/debian-$RELEASE
case $RELEASE in
bookworm) headers=linux-headers-6.12-amd64 ;;
trixie) headers=linux-headers-amd64 ;;
*) die "RELEASE is bookworm or trixie, not $RELEASE" ;;
esac
MODULES="iommufd vfio vfio_iommu_type1 vfio-pci-core vfio-pci"

mirror() { # FIELD PATTERN: of apt's sources, the address of a suite
	apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null |
		awk -v want="$1" '$2 == want { print $1; exit }'
}

# DKMS wants /proc. It goes with the command.
inside() {
	local name proxies=()

	for name in http_proxy https_proxy no_proxy; do
		[ -z "${!name-}" ] || proxies+=("$name=${!name}")
	done
	unshare -m sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' \
		"$STOCK_ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		DEBIAN_FRONTEND=noninteractive LC_ALL=C "${proxies[@]}" "$@"
}

# The lists of packages may not be there yet.
get_debootstrap() {
	apt-get update -q || return
	apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 \
		debootstrap debian-archive-keyring
}

# Whole, or not there. Its Debian is the mirror's that apt uses.
make_root() {
	local new=$STOCK_ROOT.new debian security suite

	[ ! -f "$STOCK_ROOT/complete" ] || return 0
	suite=$(debian_release)
	debian=$(mirror "$suite")
	security=$(mirror "$suite-security")
	[ -n "$debian" ] && [ -n "$security" ] ||
		die "$suite and $suite-security are to be among apt's sources"
	rm -rf "$new" "$STOCK_ROOT"
	debootstrap --variant=minbase --include=ca-certificates,kmod "$RELEASE" "$new" \
		"$debian" || return
	mv "$new" "$STOCK_ROOT"
	printf 'deb %s %s main\n' "$debian" "$RELEASE" "$security" "$RELEASE-security" \
		>"$STOCK_ROOT/etc/apt/sources.list"
	# There is nothing here that would start services, or boot.
	printf '#!/bin/sh\nexit 101\n' >"$STOCK_ROOT/usr/sbin/policy-rc.d"
	chmod 755 "$STOCK_ROOT/usr/sbin/policy-rc.d"
	mkdir -p "$STOCK_ROOT/etc/initramfs-tools/conf.d"
	echo 'MODULES=list' >"$STOCK_ROOT/etc/initramfs-tools/conf.d/small"
	inside apt-get update -q &&
		inside apt-get install -y -q --no-install-recommends dkms "$headers" \
			linux-source-6.12 initramfs-tools &&
		touch "$STOCK_ROOT/complete"
}

tree_sum() { # of what the distribution has installed
	(cd "$kernel/kernel/drivers/vfio" && find . -type f -print0 | sort -z |
		xargs -0 sha256sum)
}

chosen() { # MODULE: the file that modprobe would load
	inside modprobe -S "${kernel##*/}" -D "$1" 2>&1 | awk -v name="$1" '
		{ file = $2; sub(/.*\//, "", file); gsub(/_/, "-", file) }
		BEGIN { gsub(/_/, "-", name) }
		index(file, name ".ko") == 1 { print $2 }'
}

all_chosen() { # PATTERN
	local module file rc=0

	for module in $MODULES; do
		[ "$module$1" != "iommufd/kernel/" ] || continue
		file=$(chosen "$module")
		case $file in
		*$1*) ;;
		*)
			echo "# $module: $file"
			rc=1
			;;
		esac
	done
	return $rc
}

# The same package but for its version, which is older than any
older_deb() { # DEB INTO
	local dir version

	dir=$(mktemp -d)
	version=$(dpkg-deb -f "$1" Version)
	dpkg-deb -R "$1" "$dir" &&
		mv "$dir/usr/src/iommufd-$version" "$dir/usr/src/iommufd-0.1" &&
		grep -rlF "$version" "$dir" | xargs -d '\n' sed -i "s/$version/0.1/g" &&
		dpkg-deb --root-owner-group --build "$dir" "$2" >/dev/null
	rm -rf "$dir"
}

install_older() { # DEB
	older_deb "$1" "$STOCK_ROOT/iommufd-dkms.deb"
	inside apt-get install -y -q --no-install-recommends /iommufd-dkms.deb \
		>"$LOG/check-$SUITE-older.log" 2>&1
	inside dkms status iommufd | grep -q "0\.1.*${kernel##*/}.*: installed"
	result $? "an older package of ours is installed"
}

install() {
	local deb module said rc=0

	deb=$("$SCRIPTS/deb.sh" 2>/dev/null)
	install_older "$deb"
	cp "$deb" "$STOCK_ROOT/iommufd-dkms.deb"
	inside apt-get install -y -q --no-install-recommends /iommufd-dkms.deb \
		>"$LOG/check-$SUITE-install.log" 2>&1
	result $? "the package is installed: ${deb##*/}"
	grep '^iommufd: ' "$LOG/check-$SUITE-install.log" | sed 's/^/# /'
	echo "# $(inside dkms status iommufd)"
	echo "# client: DKMS $(inside dpkg-query -W -f '${Version}' dkms) of Debian's $RELEASE," \
		"for ${kernel##*/}"
	inside dkms status iommufd | grep -q "${kernel##*/}.*: installed"
	result $? "DKMS has built it for ${kernel##*/}"
	[ "$(inside dkms status iommufd | wc -l)" = 1 ] &&
		[ ! -e "$STOCK_ROOT/usr/src/iommufd-0.1" ]
	result $? "and nothing of the older one is left"
	all_chosen /updates/dkms/
	result $? "modprobe finds the package's modules"
	for module in $MODULES; do
		inside modinfo -k "${kernel##*/}" -F version "$module" |
			grep -q '+iommufd$' || rc=1
	done
	result "$rc" "modinfo says that they are"
	inside modinfo -k "${kernel##*/}" -F sig_id vfio | grep -q PKCS
	result $? "DKMS has signed them: $(inside modinfo -k "${kernel##*/}" -F signer vfio)"
	said=$(inside depmod -n "${kernel##*/}" 2>&1 >/dev/null | grep -E 'iommufd|vfio')
	[ -z "$said" ]
	result $? "depmod finds nothing wrong with them${said:+: $said}"
	grep -q "^iommufd:   kvmgt no longer loads" "$LOG/check-$SUITE-install.log"
	result $? "what is lost is named"
	inside /usr/lib/iommufd-dkms/report --enrolment | grep -q 'mokutil --import'
	result $? "and the way to enrol the key, where that is needed"
	secure_boot
}

# What the firmware says is in a file of 5 bytes; mokutil is not in this Debian.
secure_boot() {
	local vars=/tmp/efivars said rc=0
	local name=$vars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c

	mkdir -p "$STOCK_ROOT$vars"
	printf '\006\000\000\000\001' >"$STOCK_ROOT$name"
	said=$(inside env EFIVARS="$vars" /usr/lib/iommufd-dkms/report)
	grep -q 'apt-get install mokutil' <<<"$said" &&
		grep -q 'mokutil --import' <<<"$said" || rc=1
	result "$rc" "with Secure Boot on, the report has the way, mokutil or not"
	printf '\006\000\000\000\000' >"$STOCK_ROOT$name"
	! inside env EFIVARS="$vars" /usr/lib/iommufd-dkms/report | grep -q mokutil
	result $? "with Secure Boot off it is silent"
	rm -rf "${STOCK_ROOT:?}$vars"
}

# As dpkg does if, say, there is no room for the new version's files
given_up() {
	local control=/var/lib/dpkg/info/iommufd-dkms

	inside sh -c "$control.prerm upgrade 9 && $control.postinst abort-upgrade 9" \
		>"$LOG/check-$SUITE-given-up.log" 2>&1
	result $? "an upgrade is begun and given up"
	inside dkms status iommufd | grep -q "${kernel##*/}.*: installed" &&
		all_chosen /updates/dkms/
	result $? "which leaves the modules where they were"
}

# Of another version than the source
mismatch() {
	local other=$STOCK_ROOT/lib/modules/6.12.1+other-amd64

	mkdir -p "$other"
	cp -a "$STOCK_ROOT"/usr/src/linux-headers-*-amd64 \
		"$STOCK_ROOT/usr/src/linux-headers-6.12.1+other-amd64"
	sed -i 's/Debian [^"]*/Debian 6.12.1-1/' \
		"$STOCK_ROOT/usr/src/linux-headers-6.12.1+other-amd64/include/generated/package.h"
	ln -s /usr/src/linux-headers-6.12.1+other-amd64 "$other/build"
	mkdir "$other/kernel"
	inside /etc/kernel/header_postinst.d/dkms 6.12.1+other-amd64 \
		>"$LOG/check-$SUITE-mismatch.log" 2>&1
	result $? "a kernel of another version than the source can be installed"
	! inside dkms status iommufd | grep -qF 6.12.1+other
	result $? "and gets no modules"
	inside /usr/lib/iommufd-dkms/report 2>&1 |
		grep -A9 '^iommufd: 6.12.1+other' >"$LOG/check-$SUITE-mismatch.log"
	grep -q 'apt-get install linux-source-6.12=6.12.1-1' "$LOG/check-$SUITE-mismatch.log"
	result $? "the report says why, and what helps"
	rm -rf "$other" "$STOCK_ROOT/usr/src/linux-headers-6.12.1+other-amd64"
}

boot() {
	run_command modules stock --device edu -- run-stock
	tell modules
	"$SUITE_DIR/stock.sh" tests demo qemu
	result $? "the kselftests, the demo and QEMU came to their end"
}

remove() {
	inside apt-get remove -y -q iommufd-dkms >"$LOG/check-$SUITE-remove.log" 2>&1
	result $? "the package is removed"
	grep '^iommufd: ' "$LOG/check-$SUITE-remove.log" | sed 's/^/# /'
	all_chosen /kernel/ && [ -z "$(chosen iommufd | grep /)" ]
	result $? "modprobe finds the kernel's own modules again, and no iommufd"
	[ "$(tree_sum)" = "$before" ]
	result $? "which are as they were, $(wc -l <<<"$before") of them"
	[ -z "$(find "$STOCK_ROOT"/usr/src "$STOCK_ROOT"/var/lib/dkms "$kernel" \
		"$STOCK_ROOT"/usr/lib -name '*iommufd*' ! -path '*/linux-headers-*')" ]
	result $? "nothing is left of it"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	if [ "$(id -u)" != 0 ]; then
		echo "ok 1 deb # SKIP a Debian of its own can be made by root alone"
		exit
	fi
	command -v debootstrap >/dev/null || {
		logged apt-debootstrap "installing debootstrap" get_debootstrap || exit
	}
	logged "check-$SUITE-root" "making a Debian of its own ($RELEASE)" make_root
	rc=$?
	result "$rc" "there is a Debian $RELEASE with its 6.12 kernel"
	[ "$rc" = 0 ] || exit
	kernel=$(echo "$STOCK_ROOT"/lib/modules/6.12.*)
	inside apt-get purge -y -q iommufd-dkms >/dev/null 2>&1
	before=$(tree_sum)
	install
	given_up
	mismatch
	boot
	remove
	exit
}
