#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# base.sh - unpack the base tree and lay this repository over it
#
#   scripts/base.sh           $B/base/linux-source-6.12  the tree as Debian ships it
#                             $B/tree                    the same with our directories
#   scripts/base.sh --pristine
#                             the first, and $B/pristine/tree: the same once more
#
# $B is $IOMMUFD_BUILD, or build/ in this repository. All are made once; after
# that only files whose content changed are written, so that a rebuild is short.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

unpack_base() {
	[ -d "$BASE" ] && return
	tarball=/usr/src/$BASE_PACKAGE.tar.xz
	[ -f "$tarball" ] || die "$tarball is missing; run scripts/setup.sh"
	say "unpacking the base tree (1.7 GB, about 40 s)"
	rm -rf "$B/base/unpacking"
	mkdir -p "$B/base/unpacking"
	tar -xf "$tarball" -C "$B/base/unpacking"
	mv "$B/base/unpacking/$BASE_PACKAGE" "$BASE"
	rmdir "$B/base/unpacking"
}

# Hard links keep the copy small. Nothing may write through one: rsync replaces
# a file by renaming, and the compiler writes elsewhere (O=).
make_tree() {
	[ -d "$TREE" ] && return
	say "making the tree our directories are laid over"
	rm -rf "$TREE.making"
	cp -al "$BASE" "$TREE.making"
	for path in $REPLACED; do
		rm -rf "$TREE.making/${path%/}"
	done
	mv "$TREE.making" "$TREE"
}

# --checksum and no --times: an unchanged file keeps its time, so make does
# not build it again; a changed one is new now.
lay_over() {
	from=$(cat "$B/tree.from" 2>/dev/null || :)
	if [ -n "$from" ] && [ "$from" != "$REPO" ]; then
		say "note: the tree in $B was last laid over from $from"
	fi
	echo "$REPO" >"$B/tree.from"
	for path in $REPLACED $ADDED; do
		if [ ! -e "$REPO/$path" ]; then
			rm -rf "${TREE:?}/${path%/}"
			continue
		fi
		mkdir -p "$TREE/$(dirname "$path")"
		rsync -rlp --checksum --delete --exclude '*.o' --exclude '.*.cmd' \
			"$REPO/$path" "$TREE/$path"
	done
}

make_pristine() {
	[ -d "$PRISTINE" ] && return
	rm -rf "$PRISTINE.making"
	mkdir -p "${PRISTINE%/*}"
	cp -al "$BASE" "$PRISTINE.making"
	mv "$PRISTINE.making" "$PRISTINE"
}

base() {
	mkdir -p "$B/base"
	unpack_base
	if [ "${1-}" = --pristine ]; then
		make_pristine
		return
	fi
	make_tree
	lay_over
}

mkdir -p "$B"
with_lock tree base "$@"
