# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034
# Shared by the scripts here: paths, messages, locks, progress.
# A script sources it first:  . "$(dirname "$0")/lib.sh"

set -eu
unset CDPATH MAKEFLAGS MFLAGS MAKELEVEL
# What is built, and what a machine's root is made of, has the same modes for everybody.
umask 022

REPO=$(cd -- "${REPO_FROM:-$(dirname -- "$0")/..}" && pwd)
B=${IOMMUFD_BUILD:-$REPO/build}
case $B in
/*) ;;
*) B=$REPO/$B ;;
esac
SCRIPTS=$REPO/scripts
LOG=$B/log
BASE=$B/base/linux-source-6.12
TREE=$B/tree
# The base tree once more, and its kernels beside it: the sources are then "../tree" to
# the compiler as ours are.
PRISTINE=$B/pristine/tree
export IOMMUFD_BUILD="$B"
export LC_ALL=C

# The base tree's package, and the paths that this repository replaces in it.
BASE_PACKAGE=linux-source-6.12
REPLACED="drivers/iommu/iommufd/ include/linux/iommufd.h
	include/uapi/linux/iommufd.h tools/testing/selftests/iommu/"
# Laid over it: new places, nothing of the base tree gives way to them.
ADDED="tools/iommu/ Documentation/userspace-api/iommufd/
	Documentation/driver-api/iommufd/"

# The platform of this host, which is that of the machine too where none is asked for.
case $(uname -m) in
x86_64) HOST_ARCH=x86_64 ;;
aarch64) HOST_ARCH=arm64 ;;
*) HOST_ARCH='' ;;
esac

# for_arch ARCH: sets what depends on the platform of the machine, and on that of the
# host:
#   arch   its name     A    where its builds go     log_arch   the start of log names
#   TRIPLET  as compilers and library directories are called     DEB_ARCH  Debian's name
#   CROSS  what the names of its compiler and binutils start with
for_arch() {
	[ -n "$HOST_ARCH" ] || die "this host is $(uname -m), which is not supported:" \
		"Debian 12 or 13 on x86-64 or arm64 (aarch64) is"
	arch=$1
	case $arch in
	x86_64) A=$B TRIPLET=x86_64-linux-gnu DEB_ARCH=amd64 log_arch='' ;;
	arm64) A=$B/arm64 TRIPLET=aarch64-linux-gnu DEB_ARCH=arm64 log_arch=arm64- ;;
	all) die "one platform at a time: x86_64 or arm64" ;;
	*) die "there is no platform $arch: x86_64 and arm64 are" ;;
	esac
	CROSS=$TRIPLET-
	[ "$arch" != "$HOST_ARCH" ] || CROSS=''
}

# kernel_dir KERNEL: where it is built, after for_arch
kernel_dir() {
	case $1 in
	upstream | type1) echo "$A/pristine/$1" ;;
	stock) echo "$B/stock" ;;
	image) echo "$B/deb-image" ;;
	*) echo "$A/$1" ;;
	esac
}

# for_arch_option "$@": for_arch with the value of a leading --arch, or else of the
# environment's ARCH. Sets option_words, how many words it took.
for_arch_option() {
	option_words=0
	if [ "${1-}" = --arch ]; then
		[ $# -ge 2 ] || die "--arch needs a value (--help)"
		ARCH=$2 option_words=2
	fi
	for_arch "${ARCH:-$HOST_ARCH}"
}

say() { printf '%s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Kbuild refuses such a directory, but not before all has been fetched and unpacked.
case $B in
*[[:space:]:]*)
	die "the build directory, $B, has a space or a colon in its name, with which no" \
		"kernel can be built. Name another one: IOMMUFD_BUILD=DIR make ..."
	;;
esac

# help_if_asked "$@": prints the comment block at the top of the script.
help_if_asked() {
	case ${1-} in
	-h | --help)
		sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" | grep -vE '^(SPDX|shellcheck)'
		exit 0
		;;
	esac
}

# with_lock NAME COMMAND...: one caller at a time; says so when it waits.
with_lock() {
	mkdir -p "$B/lock"
	lock_file=$B/lock/$1
	shift
	(
		flock -n 9 || {
			say "waiting for another build to release ${lock_file##*/}"
			flock 9
		}
		"$@"
	) 9>"$lock_file"
}

# logged NAME WHAT COMMAND...: runs it with its output in $LOG/NAME.log, and the log's
# last lines when it fails. How far it is: on a terminal in one line, elsewhere in one
# about every thirty seconds; $OBJECTS, if it is set, is about how many it compiles.
logged() {
	log_file=$LOG/$1.log
	log_what=$2
	shift 2
	mkdir -p "$LOG"
	log_start=$(date +%s)
	(
		exec 9>&-
		step=30 begin='  ' end='\n'
		[ ! -t 2 ] || step=2 begin='\r  ' end='\033[K'
		while sleep $step && kill -0 $$ 2>/dev/null; do
			n=$(grep -cE '^  (CC|AS|LD|AR|HOSTCC|LDS) ' "$log_file" || :)
			[ "$n" = 0 ] && n='' || n=", $n${OBJECTS:+ of about $OBJECTS} objects"
			# shellcheck disable=SC2059
			printf "$begin%s$end" \
				"$log_what: $(($(date +%s) - log_start)) s$n" >&2
		done
	) &
	log_ticker=$!
	# Not in the background, where a shell has Ctrl-C ignored: a build would go on behind
	# the user's back, and the next one would be in the same directory.
	# Not behind "||" either, where a function would not end with what fails in it.
	case $- in
	*e*)
		set +e
		(set -e; "$@") </dev/null >"$log_file" 2>&1 9>&-
		log_rc=$?
		set -e
		;;
	*)
		("$@") </dev/null >"$log_file" 2>&1 9>&-
		log_rc=$?
		;;
	esac
	kill "$log_ticker" 2>/dev/null || :
	wait "$log_ticker" 2>/dev/null || :
	[ ! -t 2 ] || printf '\r\033[K' >&2
	if [ "$log_rc" -ne 0 ]; then
		say "$log_what failed (status $log_rc). The last lines of $log_file:"
		grep -nE '(error|Error|undefined reference|\*\*\*)' "$log_file" |
			head -n 5 >&2 || :
		tail -n 20 "$log_file" >&2
		return "$log_rc"
	fi
	say "$log_what: done in $(($(date +%s) - log_start)) s"
}
