#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dpdk.sh - a client as it is shipped: Debian's DPDK. testpmd, which knows nothing of
# /dev/iommu, takes two network cards by way of /dev/vfio/vfio and forwards between them
#
#   scripts/check/dpdk.sh
#
# Run by name: it fetches DPDK's libraries. On VT-d, for the host's own platform.

# shellcheck disable=SC1091,SC2034,SC2154,SC2317
. "$(dirname "$0")/../check-lib.sh"
on x86_64

set +e
SUITE=dpdk TRACE_EVENTS='' TRACE_FAULT='' DRIVER=vtd VM_IOMMU=vtd
. "$SUITE_DIR/../check-dma-lib.sh"
client=$A/programs/clients/dpdk

copy_client() {
	local from=$A/client-dpdk to=$client.new lib

	[ "$arch" = "$HOST_ARCH" ] || die "DPDK is run on the host's own platform"
	"$SCRIPTS/setup.sh" --dpdk || return
	echo "# client: Debian's dpdk-dev $(cat "$from/list"), $(debian_release)"
	rm -rf "$to"
	mkdir -p "$to/bin" "$to/lib"
	cp -L "$from/usr/bin/dpdk-testpmd" "$to/bin/" || return
	find "$from" -name 'lib*.so.*' -not -path '*/gconv/*' -exec cp -L {} "$to/lib/" \; 2>/dev/null
	for lib in "$from"/lib/*/ld-linux* "$from"/usr/lib/*/ld-linux*; do
		[ ! -f "$lib" ] || cp -L "$lib" "$to/lib/ld.so" || return
	done
	[ -x "$to/lib/ld.so" ] || return
	rm -rf "$client"
	mv "$to" "$client"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	. "$SCRIPTS/packages.sh"
	copy_client
	rc=$?
	result "$rc" "there is a DPDK"
	if [ "$rc" = 0 ]; then
		run_command testpmd fast --device igb --device igb \
			-- env DRIVER="$DRIVER" run-dpdk /programs/clients/dpdk
		tell testpmd
	fi
	echo "1..$n"
	exit
}
