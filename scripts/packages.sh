# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034
# The packages this project needs, in one place. Sourced after lib.sh.

QEMU=${QEMU:-qemu-system-x86_64}
QEMU_PACKAGES="qemu-system-x86"
QEMU_MB=40

# name, MB to fetch with what it pulls in on a bare system
PACKAGES="
gcc 40
libc6-dev 6
make 1
flex 1
bison 1
bc 1
perl 8
xz-utils 1
rsync 1
ccache 1
libelf-dev 2
busybox-static 1
liburing-dev 1
libcap-dev 1
sparse 1
e2fsprogs 2
$BASE_PACKAGE 155
"

installed() {
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

# One missing package a line: name MB.
missing_packages() {
	echo "$PACKAGES" | while read -r name mb; do
		[ -n "$name" ] || continue
		installed "$name" || echo "$name $mb"
	done
}

qemu_version() {
	"$QEMU" --version 2>/dev/null |
		sed -n '1s/.*version \([0-9]*\).*/\1/p'
}

qemu_is_new_enough() {
	version=$(qemu_version)
	[ "${version:-0}" -ge 10 ]
}

debian_release() {
	# shellcheck disable=SC1091
	(. /etc/os-release && echo "${VERSION_CODENAME-}")
}

# Only Debian 12's own QEMU is too old.
qemu_needs_backports() { [ "$(debian_release)" = bookworm ]; }
