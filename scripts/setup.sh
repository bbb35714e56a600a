#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# setup.sh - install what is needed and not there yet
#
#   scripts/setup.sh [x86_64|arm64|bench|image]...
#   scripts/setup.sh --client x86_64|arm64
#   scripts/setup.sh --dpdk
#   scripts/setup.sh --stock headers|image
#
# What the platforms named need, by default the host's, or the benchmark, or a kernel as a
# package. Debian 12 or 13, as root, on x86-64 or arm64. Asks apt only for what is
# missing. QEMU 10 or newer is in Debian 13; on Debian 12 it comes from
# bookworm-backports of the mirror that the machine already uses, by a temporary sources
# list and temporary list and archive directories, so apt's own configuration and lists
# stay as they are. Packages of a platform that is not the host's, for programs in the
# machine, are fetched in the same way and unpacked into the build directory, not
# installed. Without root it prints the command to run and exits 1.
#
# --client: QEMU as a program of the platform, to be run in a machine of it (make check's
# qemu). Where that is not the host's it is fetched and unpacked in the same way.
#
# --dpdk: DPDK's programs and the libraries that they need, of the host's platform, to be
# run in a machine (make check's dpdk): fetched and unpacked into the build directory.
#
# --stock: the headers of Debian's own kernel, or its image with all modules, of the version
# that the base tree's package has. Fetched and unpacked in the same way into $B/stock.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
. "$SCRIPTS/packages.sh"

client=''
if [ "${1-}" = --client ]; then
	[ $# = 2 ] || die "--client needs a platform (--help)"
	client=$2
	shift
fi
dpdk=''
if [ "${1-}" = --dpdk ]; then
	dpdk=yes
	shift
fi
stock=''
if [ "${1-}" = --stock ]; then
	case $#:${2-} in
	2:headers | 2:image) ;;
	*) die "--stock needs headers or image (--help)" ;;
	esac
	stock=$2
	shift 2
fi
[ $# -gt 0 ] || set -- "$HOST_ARCH"
archs='' extra=''
for a; do
	case $a in
	bench | image)
		extra="$extra $a"
		continue
		;;
	esac
	for_arch "$a"
	archs="$archs $a"
done
[ -n "$archs" ] || archs=$HOST_ARCH
for_arch "$HOST_ARCH"
userland=$(dpkg --print-architecture 2>/dev/null) || userland=$DEB_ARCH
[ "$userland" = "$DEB_ARCH" ] ||
	die "this Debian is $userland on a processor of $HOST_ARCH: $DEB_ARCH is needed"

export DEBIAN_FRONTEND=noninteractive
tmp=''
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# fetch_and_install APT ARGUMENT...: what is fetched may be left half way, what dpkg unpacks
# may not: Ctrl-C waits for it. To be run by logged, which has a shell of its own for it.
fetch_and_install() {
	apt=$1
	shift
	"$apt" install -y --no-install-recommends --download-only "$@" || return
	trap '' INT
	"$apt" install -y --no-install-recommends "$@"
}

apt_plain() {
	apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
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
	logged apt-install "installing packages" fetch_and_install apt_plain "$@" || {
		logged apt-update "reading apt's package lists" apt-get update -q
		logged apt-install "installing packages" fetch_and_install apt_plain "$@"
	} || what_now "$@"
}

# apt's own words are on the screen; what to do is not among them.
what_now() { # PACKAGE...
	if grep -qE 'Could not (resolve|connect)|Temporary failure|Network is unreachable' \
		"$LOG"/apt-*.log; then
		die "apt cannot reach the mirror it is set up for. With a network, or a" \
			"mirror that is there, in /etc/apt, start again."
	fi
	for p; do
		! all_have_candidates "$p" || continue
		case $p:$(debian_release) in
		"$BASE_PACKAGE:bookworm")
			die "$p is in Debian 12's security suite, which is not among apt's" \
				"sources: add a line for bookworm-security, then start again."
			;;
		*:bookworm | *:trixie)
			die "$p is not in the suites among apt's sources. Debian's own main" \
				"and security suites have it: add them, then start again."
			;;
		*) die "$p is not to be had: this set-up knows Debian 12 and 13." ;;
		esac
	done
	die "apt could not do it. When it can (apt-get install $*), start again:" \
		"what is done stays done."
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

# A directory that apt may use instead of its own.
make_aside() {
	tmp=$(mktemp -d)
	mkdir -p "$tmp/sources" "$tmp/lists/partial" "$tmp/cache/archives/partial"
	chmod -R 755 "$tmp"
}

# apt with lists and archives of its own there; what it installs is recorded by dpkg
# as ever.
apt_aside() {
	apt-get -q -o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/cache" \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# with nothing but the temporary sources
apt_backports() {
	apt_aside -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$tmp/sources" "$@"
}

# Those that are there already share a package of the same version, so they come along.
install_qemu_from_backports() { # PACKAGE...
	release=$(debian_release)
	for p in qemu-system-x86 qemu-system-arm; do
		case " $* " in
		*" $p "*) ;;
		*) ! installed "$p" || set -- "$@" "$p" ;;
		esac
	done
	make_aside
	backports_source "$release" "$tmp/sources" ||
		die "apt has no source for $release: install QEMU 10 or newer by hand"
	logged apt-backports "reading the backports lists" apt_backports update
	logged apt-qemu "installing QEMU" fetch_and_install apt_backports \
		-t "$release-backports" "$@" || what_now "$@"
	rm -rf "$tmp"
	tmp=''
}

# apt as it would be on the platform, with nothing installed
apt_foreign() { # DEB-ARCH APT-ARGUMENT...
	foreign=$1
	shift
	apt_aside -o APT::Architecture="$foreign" -o APT::Architectures="$foreign" \
		-o Dir::State::status=/dev/null "$@"
}

apt_foreign_cache() { # DEB-ARCH APT-CACHE-ARGUMENT...
	foreign=$1
	shift
	apt-cache -o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/cache" \
		-o APT::Architecture="$foreign" -o APT::Architectures="$foreign" \
		-o Dir::State::status=/dev/null "$@"
}

fetch_foreign() { # DEB-ARCH PACKAGE...: into $tmp/cache
	cd "$tmp/cache" && apt_foreign "$1" update && {
		a=$1
		shift
		apt_foreign "$a" download "$@"
	}
}

unpack_foreign() { # ARCH PACKAGE...
	for_arch "$1"
	to=$A/packages
	shift
	make_aside
	logged "apt-$DEB_ARCH" "fetching packages of $DEB_ARCH" \
		fetch_foreign "$DEB_ARCH" "$@" ||
		die "the mirror that apt uses gave no packages of $DEB_ARCH"
	rm -rf "$to"
	mkdir -p "$to"
	for p; do
		for deb in "$tmp/cache/${p}_"*"_$DEB_ARCH.deb"; do
			dpkg-deb -x "$deb" "$to"
		done
	done
	echo "$*" >"$to/list"
	rm -rf "$tmp"
	tmp=''
}

# With all that it needs to run, from a release's main suite and its backports
fetch_client() { # DEB-ARCH PACKAGE
	a=$1 p=$2
	set --
	if qemu_needs_backports; then
		release=$(debian_release)
		backports_source "$release" "$tmp/sources" || return
		set -- -t "$release-backports" -o Dir::Etc::sourcelist=/dev/null \
			-o Dir::Etc::sourceparts="$tmp/sources"
	fi
	apt_foreign "$a" "$@" update &&
		apt_foreign "$a" "$@" install -y --download-only \
			--no-install-recommends "$p"
}

unpack_client() { # ARCH
	for_arch "$1"
	qemu_for "$1"
	to=$A/client-qemu
	[ ! -f "$to/list" ] || return 0
	make_aside
	logged "apt-client-$DEB_ARCH" "fetching QEMU of $DEB_ARCH (about 32 MB)" \
		fetch_client "$DEB_ARCH" "$QEMU_PACKAGE" ||
		die "the mirror that apt uses gave no QEMU of $DEB_ARCH"
	rm -rf "$to"
	mkdir -p "$to"
	for deb in "$tmp"/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$to"
	done
	dpkg-deb -f "$tmp/cache/archives/${QEMU_PACKAGE}_"*.deb Version >"$to/list"
	rm -rf "$tmp"
	tmp=''
}

# What testpmd itself depends on, without what its package brings for developers; and
# the driver and the memory pool that it loads by name.
fetch_dpdk() { # DEB-ARCH
	a=$1
	cd "$tmp/cache" || return
	apt_foreign "$a" update && apt_foreign "$a" download dpdk-dev || return
	needs=$(dpkg-deb -f dpdk-dev_*.deb Depends | tr ',|' '\n\n' |
		awk '$1 != "libdpdk-dev" && $1 !~ /^python3/ { print $1 }')
	so=$(echo "$needs" | sed -n 's/^librte-eal//p')
	[ -n "$so" ] || return
	# shellcheck disable=SC2086
	apt_foreign "$a" install -y --download-only --no-install-recommends $needs \
		"librte-net-e1000-$so" "librte-mempool-ring$so"
}

unpack_dpdk() {
	for_arch "$HOST_ARCH"
	to=$A/client-dpdk
	[ ! -f "$to/list" ] || return 0
	make_aside
	logged apt-dpdk "fetching DPDK (about 30 MB)" fetch_dpdk "$DEB_ARCH" ||
		die "the mirror that apt uses gave no DPDK"
	rm -rf "$to"
	mkdir -p "$to"
	for deb in "$tmp"/cache/archives/*.deb "$tmp"/cache/dpdk-dev_*.deb; do
		dpkg-deb -x "$deb" "$to"
	done
	dpkg-deb -f "$tmp"/cache/dpdk-dev_*.deb Version >"$to/list"
	rm -rf "$tmp"
	tmp=''
}

# stock_names WHAT VERSION: the packages of that version of Debian's kernel. Two versions
# of one kernel.org release have different names.
stock_names() {
	apt_foreign amd64 update >&2 || return
	for abi in $(apt_foreign_cache amd64 pkgnames "linux-headers-${2%%-*}+" |
		sed -n 's/^linux-headers-\([^-]*\)-common$/\1/p'); do
		apt_foreign_cache amd64 madison "linux-headers-$abi-amd64" |
			grep -qF "| $2 |" || continue
		case $1 in
		headers) echo "linux-headers-$abi-amd64 linux-headers-$abi-common" \
			"linux-kbuild-$abi" ;;
		image) echo "linux-image-$abi-amd64" ;;
		esac
		return
	done
	echo "no linux-headers of the version $2 are among apt's sources" >&2
	return 1
}

fetch_stock() { # WHAT VERSION
	names=$(stock_names "$1" "$2") || return
	cd "$tmp/cache" || return
	# shellcheck disable=SC2086
	apt_foreign amd64 download $names
}

unpack_stock() { # WHAT
	for_arch x86_64
	version=$(dpkg-query -W -f '${Version}' "$BASE_PACKAGE" 2>/dev/null) ||
		die "$BASE_PACKAGE is missing; run scripts/setup.sh"
	to=$B/stock/$1
	[ "$version" != "$(cat "$to/list" 2>/dev/null)" ] || return 0
	case $1 in
	headers) what="the headers of Debian's kernel (17 MB)" ;;
	image) what="Debian's kernel (107 MB)" ;;
	esac
	make_aside
	logged "apt-stock-$1" "fetching $what" fetch_stock "$1" "$version" ||
		die "the mirror that apt uses has no kernel $version, which is the" \
			"version of $BASE_PACKAGE here. Bring both to the newest:" \
			"apt-get update && apt-get install $BASE_PACKAGE"
	rm -rf "$to"
	mkdir -p "$to"
	for deb in "$tmp"/cache/*.deb; do
		dpkg-deb -x "$deb" "$to"
	done
	echo "$version" >"$to/list"
	rm -rf "$tmp"
	tmp=''
}

print_the_command() {
	qemu=$2 note=''
	if [ -n "$qemu" ] && qemu_needs_backports; then
		qemu=$(for p in $2; do printf ' %s/bookworm-backports' "$p"; done)
		note="
For QEMU 10 the mirror's bookworm-backports suite must be among apt's sources
(scripts/setup.sh as root needs no such change)."
	fi
	say "Packages are missing and this is not root. Run as root:

  apt-get install --no-install-recommends$1$qemu
$note"
	exit 1
}

if [ -n "$stock" ]; then
	mkdir -p "$LOG"
	unpack_stock "$stock"
	exit
fi
if [ -n "$client" ] && [ "$client" != "$HOST_ARCH" ]; then
	mkdir -p "$LOG"
	unpack_client "$client"
	exit
fi

if [ -n "$dpdk" ]; then
	mkdir -p "$LOG"
	unpack_dpdk
	exit
fi

# shellcheck disable=SC2086
names=$(missing_packages $archs $extra | awk '{ printf " %s", $1 }')
# shellcheck disable=SC2086
qemus=$(missing_qemus $archs | awk '{ printf " %s", $1 }')
if [ -n "$names$qemus" ]; then
	command -v apt-get >/dev/null ||
		die "no apt-get here: this set-up knows Debian 12 and 13"
	[ "$(id -u)" = 0 ] || print_the_command "$names" "$qemus"
	# what_now looks for reasons in all of them: not for those of another time.
	rm -f "$LOG"/apt-*.log
fi

mkdir -p "$LOG"
if [ -n "$names" ]; then
	# shellcheck disable=SC2086
	install_missing $names
fi
if [ -n "$qemus" ]; then
	if qemu_needs_backports; then
		# shellcheck disable=SC2086
		install_qemu_from_backports $qemus
	else
		# shellcheck disable=SC2086
		install_missing $qemus
	fi
	for a in $archs; do
		qemu_for "$a"
		qemu_is_new_enough ||
			die "$QEMU is $(qemu_version), but 10 or newer is needed"
	done
fi
for a in $archs; do
	foreign_is_missing "$a" || continue
	# shellcheck disable=SC2086
	unpack_foreign "$a" $FOREIGN
done
