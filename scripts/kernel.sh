#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317
# kernel.sh - build one of the kernels
#
#   scripts/kernel.sh [--arch x86_64|arm64] KERNEL [TARGET...]
#
#   fast      our iommufd, optimised: demo, benchmark
#   debug     the same with KASAN, UBSAN, lockdep, kmemleak, fault injection
#   kcsan     our core and its mock alone, with KCSAN, which looks for data races; x86_64
#   gcov      "fast" with our KUnit suites that counts which branches of our iommufd are
#             taken (coverage.sh)
#   upstream  the base tree as shipped with the configuration of "fast", but for
#             the options that only our iommufd has
#   mutants   "fast" with our KUnit suites, and every mutant in it (mutants.sh)
#   type1     "upstream" with VFIO's own container, which excludes iommufd's
#
# "static" is "fast" with our KUnit suites in a directory of its own, for objects built
# with other flags (make check's W=1 and sparse).
#
# Without a TARGET the kernel is built, with its modules if any, and the path of what
# boots (vmlinux; Image on arm64) is the only line on stdout. A TARGET is passed to
# make:
#   scripts/kernel.sh debug drivers/iommu/iommufd/main.o
#   W=1 C=1 scripts/kernel.sh debug drivers/iommu/iommufd/
# Its output then goes to the terminal. Environment: ARCH (default: the host's); W, C, CF,
# V as in kbuild; JOBS (default: all cores); CONFIG_EXTRA, a file with further options;
# IOMMUFD_BUILD.
#
# The configuration is allnoconfig and scripts/config/*.config: base, the platform's;
# with our iommufd ours-PLATFORM; kunit but in "fast"; tick where tests run; then KERNEL and
# KERNEL-PLATFORM, where there is one. Of kcsan it is that one alone. It is an error when
# an option asked for there does not come out as asked.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
shift "$option_words"

flavour=${1-}
ours="base $arch ours-$arch"
case $flavour in
fast) fragments=$ours source=$TREE ;;
static) fragments="$ours kunit" source=$TREE ;;
mutants) fragments="$ours kunit tick" source=$TREE ;;
debug) fragments="$ours kunit tick debug" source=$TREE ;;
kcsan) fragments=kcsan source=$TREE ;;
gcov) fragments="$ours kunit tick gcov" source=$TREE ;;
upstream) fragments="base $arch" source=$PRISTINE ;;
type1) fragments="base $arch type1" source=$PRISTINE ;;
*) die "which kernel: fast, debug, kcsan, gcov, mutants, upstream or type1? (--help)" ;;
esac
shift
[ ! -f "$SCRIPTS/config/$flavour-$arch.config" ] ||
	fragments="$fragments $flavour-$arch"
name=$log_arch$flavour
out=$(kernel_dir "$flavour")
case $arch in
x86_64) boots=vmlinux target=vmlinux ;;
arm64) boots=arch/arm64/boot/Image target="vmlinux Image" ;;
esac

# Fixed names and time, and paths relative to $B: the same source gives the same
# object, so ccache hits, from another clone too (its directory is the user's).
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC'
export KBUILD_BUILD_USER=iommufd KBUILD_BUILD_HOST=iommufd
export KBUILD_BUILD_VERSION=1
export CCACHE_SLOPPINESS=time_macros CCACHE_NOHASHDIR=1
export CCACHE_BASEDIR="$B"
# Headers as the compiler names them: what is not there costs no run of the preprocessor,
# which is a fifth of the time of a build from nothing. Of two configurations nothing is
# the same then, though, for autoconf.h is in everything: upstream and type1, which are
# nearly one, share what the preprocessor finds the same.
# What an .incbin names (arm64's vDSO, say) is not seen then; it is the base tree's, whose
# version is in its Makefile.
case $flavour in
upstream | type1) unset CCACHE_DEPEND ;;
*) export CCACHE_DEPEND=1 CCACHE_EXTRAFILES="$source/Makefile" ;;
esac
ccache=''
if command -v ccache >/dev/null; then
	ccache="ccache "
	[ -n "${HOME-}" ] || export CCACHE_DIR="${CCACHE_DIR:-$B/ccache}"
fi

kbuild() {
	make -C "$source" O="$out" ARCH="$arch" CROSS_COMPILE="$CROSS" \
		CC="$ccache${CROSS}gcc" HOSTCC="${ccache}gcc" \
		-j"${JOBS:-$(nproc)}" \
		${W:+W="$W"} ${C:+C="$C"} ${CF:+CF="$CF"} ${V:+V="$V"} "$@"
}

# All fragments in one; of two lines for an option the later one stands.
wanted_config() {
	for f in $fragments; do
		cat "$SCRIPTS/config/$f.config"
	done | cat - "${CONFIG_EXTRA:-/dev/null}" | awk '
		match($0, /CONFIG_[A-Za-z0-9_]+/) && /^(# )?CONFIG_/ &&
		(/=/ || / is not set$/) {
			name = substr($0, RSTART, RLENGTH)
			if (!(name in line)) order[++n] = name
			line[name] = $0
		}
		END { for (i = 1; i <= n; i++) print line[order[i]] }'
}

# Names every option that did not come out as asked.
check_config() {
	awk -v kernel="$name" '
	match($0, /CONFIG_[A-Za-z0-9_]+/) {
		name = substr($0, RSTART, RLENGTH)
		value = /=/ ? substr($0, index($0, "=") + 1) : "n"
		if (FNR == NR) {
			asked[name] = value
			order[++n] = name
		} else if (/^CONFIG_/ || / is not set$/) {
			got[name] = value
		}
	}
	END {
		for (i = 1; i <= n; i++) {
			name = order[i]
			is = name in got ? got[name] : "n"
			if (is == asked[name])
				continue
			printf "kernel %s: %s=%s was asked for, but it is %s\n",
				kernel, name, asked[name], is
			bad = 1
		}
		exit bad
	}' "$1" "$2" >&2
}

configure() {
	mkdir -p "$out"
	wanted_config >"$out/wanted.new"
	# The Kconfig of ours may have changed without any fragment doing so.
	cat "$source"/drivers/iommu/iommufd/Kconfig >"$out/kconfig.new"
	if [ -f "$out/.config" ] &&
		cmp -s "$out/wanted.new" "$out/wanted.config" &&
		cmp -s "$out/kconfig.new" "$out/wanted.kconfig"; then
		return
	fi
	rm -f "$out/wanted.config"
	logged "kernel-$name-config" "configuring the $name kernel" \
		kbuild KCONFIG_ALLCONFIG="$out/wanted.new" allnoconfig || return
	check_config "$out/wanted.new" "$out/.config" ||
		die "the configuration was not taken: see the lines above"
	mv "$out/wanted.new" "$out/wanted.config"
	mv "$out/kconfig.new" "$out/wanted.kconfig"
}

build() {
	[ -f "$source/drivers/iommu/iommufd/Kconfig" ] ||
		die "drivers/iommu/iommufd/Kconfig is missing"
	configure
	[ "$flavour" != mutants ] || "$SCRIPTS/mutants.sh" --apply "$out"
	if [ $# -gt 0 ]; then
		kbuild "$@" >&2
		return
	fi
	# The base tree's SMMUv3 driver is a module for its symbol alone.
	if grep '=m$' "$out/.config" | grep -qv CONFIG_ARM_SMMU_V3; then
		target="$target modules"
	fi
	# shellcheck disable=SC2086
	logged "kernel-$name" "building the $name kernel" kbuild $target
	echo "$out/$boots"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	if [ "$source" = "$PRISTINE" ]; then
		"$SCRIPTS/base.sh" --pristine
	else
		"$SCRIPTS/base.sh"
	fi
	with_lock "kernel-$name" build "$@"
	exit
}
