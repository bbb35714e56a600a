#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# setup.sh - install what is needed and not there yet
#
#   scripts/setup.sh
#
# Debian 12 or 13, as root. Asks apt only for what is missing. QEMU 10 or newer
# is in Debian 13; on Debian 12 it comes from bookworm-backports of the mirror
# that the machine already uses, by a temporary sources list and temporary list
# and archive directories, so apt's own configuration and lists stay as they
# are. Without root it prints the command to run and exits 1.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
. "$SCRIPTS/packages.sh"

export DEBIAN_FRONTEND=noninteractive
tmp=''
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

apt_install() {
	apt-get install -y -q --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

all_have_candidates() {
	for p; do
		apt-cache policy "$p" 2>/dev/null |
			grep -q '^  Candidate: [^(]' || return 1
	done
}

install_missing() {
	if ! all_have_candidates "$@"; then
		logged apt-update "reading apt's package lists" apt-get update -q
	fi
	# Lists that are there may be stale: read them anew once.
	logged apt-install "installing packages" apt_install "$@" || {
		logged apt-update "reading apt's package lists" apt-get update -q
		logged apt-install "installing packages" apt_install "$@"
	}
}

# backports_source RELEASE DIR: apt's own entry for the release, whichever of
# the two forms it has, copied to DIR with the backports suite added. The copy
# keeps the address, the keys and the other options.
backports_source() {
	for name in "$1" stable oldstable; do
		for f in /etc/apt/sources.list.d/*.sources; do
			[ -f "$f" ] || continue
			awk -v suite="$name" -v release="$1" \
				-f "$SCRIPTS/deb822-backports.awk" "$f"
		done >"$2/backports.sources"
		[ -s "$2/backports.sources" ] && return
		rm -f "$2/backports.sources"

		cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
			2>/dev/null | awk -v suite="$name" -v release="$1" '
			$1 == "deb" {
				options = ""
				if (match($0, /\[[^]]*\]/))
					options = substr($0, RSTART, RLENGTH) " "
				line = $0
				sub(/\[[^]]*\]/, "", line)
				$0 = line
				if ($3 != suite) next
				print "deb", options $2, release, "main"
				print "deb", options $2, release "-backports main"
				exit
			}' >"$2/backports.list"
		[ -s "$2/backports.list" ] && return
		rm -f "$2/backports.list"
	done
	return 1
}

# apt with nothing of its own but the temporary sources; what it installs is
# recorded by dpkg as ever.
apt_aside() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$tmp/sources" \
		-o Dir::State::lists="$tmp/lists" \
		-o Dir::Cache="$tmp/cache" \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

install_qemu_from_backports() {
	release=$(debian_release)
	tmp=$(mktemp -d)
	mkdir -p "$tmp/sources" "$tmp/lists/partial" "$tmp/cache/archives/partial"
	chmod -R 755 "$tmp"
	backports_source "$release" "$tmp/sources" ||
		die "apt has no source for $release: install QEMU 10 or newer by hand"
	logged apt-backports "reading the backports lists" apt_aside update
	# shellcheck disable=SC2086
	logged apt-qemu "installing QEMU" apt_aside install -y \
		--no-install-recommends -t "$release-backports" $QEMU_PACKAGES
	rm -rf "$tmp"
	tmp=''
}

print_the_command() {
	qemu='' note=''
	if ! qemu_is_new_enough; then
		qemu=" $QEMU_PACKAGES"
		if qemu_needs_backports; then
			qemu=" $QEMU_PACKAGES/bookworm-backports"
			note="
For QEMU 10 the mirror's bookworm-backports suite must be among apt's sources
(scripts/setup.sh as root needs no such change)."
		fi
	fi
	say "Packages are missing and this is not root. Run as root:

  apt-get install --no-install-recommends$1$qemu
$note"
	exit 1
}

names=$(missing_packages | awk '{ printf " %s", $1 }')
if [ -z "$names" ] && qemu_is_new_enough; then
	exit 0
fi
command -v apt-get >/dev/null ||
	die "no apt-get here: this set-up knows Debian 12 and 13"
[ "$(id -u)" = 0 ] || print_the_command "$names"

mkdir -p "$LOG"
if [ -n "$names" ]; then
	# shellcheck disable=SC2086
	install_missing $names
fi
if ! qemu_is_new_enough; then
	if qemu_needs_backports; then
		install_qemu_from_backports
	else
		# shellcheck disable=SC2086
		install_missing $QEMU_PACKAGES
	fi
	qemu_is_new_enough ||
		die "QEMU is $(qemu_version), but 10 or newer is needed"
fi
