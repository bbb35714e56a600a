#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# deb.sh - make a Debian package that brings /dev/iommu to Debian's own 6.12 kernels
#
#   scripts/deb.sh          (make deb)
#
# iommufd-dkms_VERSION_all.deb goes to $B/stock; its path is on stdout. It has iommufd's
# source and scripts/stock/build.sh, by which DKMS builds the modules on the user's
# machine, from linux-source-6.12 there. The version is the time of the last commit.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

command -v dpkg-deb >/dev/null || die "dpkg-deb is missing: this is for Debian"
root=$B/stock/deb
git() { command git -c safe.directory='*' -C "$REPO" "$@"; }
if time=$(git log -1 --format=%ct 2>/dev/null) && [ -n "$time" ]; then
	MAINTAINER=$(git log -1 --format='%an <%ae>')
else
	time=$(find "$REPO/drivers" "$REPO/include" -type f -printf '%T@\n' |
		sort -n | tail -n 1)
	time=${time%.*} MAINTAINER='unknown <root@localhost>'
fi
VERSION=0.$(date -u -d "@$time" +%Y%m%d.%H%M%S)
# The same source gives the same package.
export SOURCE_DATE_EPOCH="$time"

# A name may have what means something to sed.
MAINTAINER=$(printf '%s\n' "$MAINTAINER" | sed 's:[&/\]:\\&:g')

# Debian's own formats have no comments.
fill() { # FILE TO MODE
	case $1 in
	control | copyright | triggers) drop='/^# SPDX/d;' ;;
	*) drop='' ;;
	esac
	sed "${drop}s/@VERSION@/$VERSION/g; s/@MAINTAINER@/$MAINTAINER/g" \
		"$SCRIPTS/deb/$1" >"$root/$2"
	chmod "$3" "$root/$2"
}

make_deb() {
	src=usr/src/iommufd-$VERSION
	doc=usr/share/doc/iommufd-dkms
	rm -rf "$root"
	mkdir -p "$root/DEBIAN" "$root/$src/scripts" "$root/usr/lib/iommufd-dkms" "$root/$doc"
	(cd "$REPO" && tar -cf - --exclude '*.o' --exclude '.*.cmd' \
		--exclude drivers/iommu/iommufd/test --exclude drivers/iommu/iommufd/vtd \
		--exclude drivers/iommu/iommufd/smmuv3 drivers/iommu/iommufd \
		include/linux/iommufd.h include/uapi/linux/iommufd.h scripts/stock) |
		tar -xf - -C "$root/$src"
	fill dkms.conf "$src/dkms.conf" 644
	fill control DEBIAN/control 644
	fill triggers DEBIAN/triggers 644
	fill postinst DEBIAN/postinst 755
	fill prerm DEBIAN/prerm 755
	fill report usr/lib/iommufd-dkms/report 755
	cp "$REPO/Documentation/driver-api/iommufd/stock.rst" "$root/$doc/README.rst"
	fill copyright "$doc/copyright" 644
	chmod -R u=rwX,go=rX "$root"
	find "$root" -exec touch -h -d "@$time" {} +
	dpkg-deb --root-owner-group --build "$root" "$B/stock" >&2
	echo "$B/stock/iommufd-dkms_${VERSION}_all.deb"
}

mkdir -p "$B/stock"
with_lock deb make_deb
