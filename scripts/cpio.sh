#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpio.sh - what is in a directory as an archive that the kernel unpacks at boot
#
#   scripts/cpio.sh DIRECTORY >IMAGE
#
# All belongs to root, also the directory, which is the machine's root; times and inode
# numbers are not those of the host. Of the same content it is the same archive, so what
# make bench counts does not depend on where the build directory is. Made by the base
# tree's usr/gen_init_cpio.c and compressed (gzip).

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
set -o pipefail

[ $# = 1 ] || die "which directory? (--help)"

maker=$B/gen_init_cpio

make_maker() {
	source=$BASE/usr/gen_init_cpio.c
	[ ! -x "$maker" ] || return 0
	[ -f "$source" ] || "$SCRIPTS/base.sh"
	gcc -O2 "$source" -o "$maker.new"
	mv "$maker.new" "$maker"
}

list() {
	find . | sort | while read -r file; do
		if [ -d "$file" ]; then
			echo "dir $file $(stat -c %a "$file") 0 0"
		else
			echo "file $file $file $(stat -c %a "$file") 0 0"
		fi
	done
}

with_lock cpio make_maker
cd "$1" || exit
list | "$maker" -t 0 - | gzip -n -1
