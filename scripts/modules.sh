#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# modules.sh - build iommufd, and VFIO with it, as modules for Debian's own kernel
#
#   scripts/modules.sh [--quiet]         (make modules)
#
# Against the headers of Debian's kernel for x86-64 (linux-headers-6.12*-amd64), which are
# fetched into the build directory, in the version of the base tree's package. The modules
# are in $B/stock/modules; their names are on stdout. scripts/stock/build.sh does the work
# and says more; make deb packs the same for another machine. --quiet: no names.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

[ "$HOST_ARCH" = x86_64 ] ||
	die "the headers of Debian's x86-64 kernel have programs of x86-64:" \
		"they do not run on this host"
STOCK=$B/stock
out=$STOCK/modules

stamp() {
	{
		cat "$STOCK/headers/list"
		cd "$REPO" || exit
		find scripts/stock drivers/iommu/iommufd include -type f \
			! -path '*/test/*' ! -path '*/vtd/*' ! -path '*/smmuv3/*' \
			! -name '*.o' ! -name '*.cmd' ! -name importers.sh \
			! -name lost.txt | sort | xargs cksum
	} | cksum
}

build() {
	now=$(stamp)
	[ "$now" != "$(cat "$out.stamp" 2>/dev/null)" ] || return 0
	rm -f "$out.stamp"
	# As Debian's headers have it
	! command -v ccache >/dev/null || export DEBIAN_KERNEL_USE_CCACHE=1
	set -- "$STOCK"/headers/usr/src/linux-headers-*-amd64
	rm -rf "$out"
	OBJECTS=72 logged stock-modules "building modules for Debian's kernel" \
		"$SCRIPTS/stock/build.sh" "$1" "$BASE" "$(cat "$STOCK/headers/list")" \
		"$out" || exit 1
	echo "$now" >"$out.stamp"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	"$SCRIPTS/base.sh"
	"$SCRIPTS/setup.sh" --stock headers
	with_lock stock-modules build
	[ "${1-}" != --quiet ] || exit 0
	say "For Debian's $(cat "$out/include/release") ($(cat "$STOCK/headers/list")):"
	find "$out" -name '*.ko' | sort
	say "Lost, for VFIO is another one:"
	grep -v '^#' "$SCRIPTS/stock/lost.txt" | while read -r name _ what; do
		say "  $name: $what"
	done
	exit
}
