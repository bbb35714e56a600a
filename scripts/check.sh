#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check.sh - every test
#
#   scripts/check.sh [--arch x86_64|arm64|all] [SUITE...]
#                      (make check ARCH=... SUITES="...")
#
# A suite is a script in scripts/check/ that prints TAP; it runs on x86-64, or, named
# arm64-NAME, on arm64. Without a SUITE those of the platform run, by default of both,
# one more at a time than there are cores (or LANES); with --arch arm64 each SUITE is
# arm64's, with or without arm64- in front. Only by name, for they say little that is
# not known from x86-64: arm64-upstream, arm64-fail_nth; qemu-container and
# arm64-qemu-container, as long as qemu; dpdk, stock and deb, which fetch DPDK,
# Debian's own kernel, or a Debian; image, which boots what make deb-image has built; and
# kcsan, which needs a kernel of its own.
#
# Each test case is counted; a suite that crashes, or runs no case at all, counts as
# one failed. Of what we did not write ourselves (QEMU, DPDK, Debian's kernel, upstream's
# kselftest) the versions that ran are printed at the end. The last line is always
#   N passed, N failed, N skipped
# and the exit status is 0 only if none failed and some passed.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

# The longest of each platform first, so that the machine has something to do to the end.
ALL_x86_64="model upstream vtd kunit static selftests qemu spin trace abi virtio fail_nth demo"
EXTRA_x86_64="qemu-container dpdk kcsan stock deb image"
ALL_arm64="arm64-selftests arm64-kunit arm64-smmuv3 arm64-virtio arm64-static arm64-qemu arm64-demo"
EXTRA_arm64="arm64-qemu-container arm64-upstream arm64-fail_nth"
# Each needs a core, but for when it waits, and 4 GB of memory at most.
LANES=${LANES:-$(awk -v cores="$(nproc)" '/^MemAvailable/ {
	n = int($2 / 4194304); if (n > cores) n = cores + 1; print n < 1 ? 1 : n }' \
	/proc/meminfo)}
case $LANES in
'' | *[!0-9]* | 0*) die "LANES is a number from 1, not $LANES" ;;
esac
if [ "${1-}" = --arch ]; then
	[ $# -ge 2 ] || die "--arch needs a value (--help)"
	ARCH=$2
	shift 2
fi
platform=${ARCH:-all}
[ "$platform" = all ] || for_arch "$platform"
# They name their own platforms to what runs from here on.
unset ARCH

suites='' kernels='' archs=''
for suite; do
	case $platform:$suite in
	arm64:arm64-*) ;;
	arm64:*) suite=arm64-$suite ;;
	x86_64:arm64-*) die "$suite is not for x86_64" ;;
	esac
	case " $ALL_x86_64 $EXTRA_x86_64 $ALL_arm64 $EXTRA_arm64 " in
	*" $suite "*) suites="$suites $suite" ;;
	*) die "there is no suite $suite; there are: $ALL_x86_64" \
		"$EXTRA_x86_64 $ALL_arm64 $EXTRA_arm64" ;;
	esac
done
if [ $# -eq 0 ]; then
	case $platform in
	x86_64) suites=$ALL_x86_64 ;;
	arm64) suites=$ALL_arm64 ;;
	all) suites="$ALL_x86_64 $ALL_arm64" ;;
	esac
fi
for suite in $suites; do
	case $suite in
	arm64-selftests) kernels="$kernels arm64-fast arm64-${KERNEL:-fast}" archs="$archs arm64" ;;
	arm64-demo | arm64-qemu*) kernels="$kernels arm64-fast" archs="$archs arm64" ;;
	arm64-*) kernels="$kernels arm64-debug" archs="$archs arm64" ;;
	kcsan) kernels="$kernels kcsan" archs="$archs x86_64" ;;
	image) archs="$archs x86_64" ;;
	# The guest of their guest is "fast".
	deb) kernels="$kernels fast deb" archs="$archs x86_64" ;;
	stock) kernels="$kernels fast stock" archs="$archs x86_64" ;;
	*) kernels="$kernels fast debug" archs="$archs x86_64" ;;
	esac
done
once() { printf '%s\n' "$@" | awk '!seen[$0]++' | xargs; }
# shellcheck disable=SC2086
kernels=$(once $kernels) archs=$(once $archs)

passed=0 failed=0 skipped=0 table='' failures='' notes=''
check_start=$(date +%s)

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }

row() { # NAME PASSED FAILED SKIPPED SECONDS
	table="$table$(printf '%-16s %8s %8s %8s %8s' "$1" "$2" "$3" "$4" \
		"$(minutes "$5")")
"
}

count() { # PASSED FAILED SKIPPED
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

finish() {
	printf '\n%-16s %8s %8s %8s %8s\n' suite passed failed skipped minutes
	printf '%s' "$table"
	printf '%-16s %8s %8s %8s %8s\n\n' all "$passed" "$failed" "$skipped" \
		"$(minutes $(($(date +%s) - check_start)))"
	[ -z "$notes" ] || printf '%s\n' "$notes"
	# Last, because a CI may keep no more than the last lines
	if [ -n "$failures" ]; then
		printf 'Failed:\n%s\n' "$failures"
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

fail_build() {
	count 0 1 0
	row builds - 1 - $(($(date +%s) - check_start))
	failures="  builds: $1
"
	finish
	exit 1
}

builds() {
	# shellcheck disable=SC2086
	"$SCRIPTS/plan.sh" $kernels || fail_build "not wanted"
	# shellcheck disable=SC2086
	"$SCRIPTS/setup.sh" $archs || fail_build "the set-up failed"
	for kernel in $kernels; do
		case $kernel in
		# The suite makes it.
		deb) continue ;;
		stock)
			"$SCRIPTS/initramfs.sh" --arch x86_64 --stock >/dev/null ||
				fail_build "modules for Debian's kernel"
			continue
			;;
		arm64-*) set -- arm64 "${kernel#arm64-}" ;;
		*) set -- x86_64 "$kernel" ;;
		esac
		"$SCRIPTS/kernel.sh" --arch "$@" >/dev/null ||
			fail_build "the $kernel kernel"
	done
	for arch in $archs; do
		"$SCRIPTS/programs.sh" --arch "$arch" ||
			fail_build "the programs for $arch"
	done
	row builds - - - $(($(date +%s) - check_start))
}

# A job is NAME:PID:SECONDS. Each is a session of its own: what it has started ends
# with it on Ctrl-C.
start_suite() { # NAME
	case $1 in
	arm64-*) arch=arm64 ;;
	*) arch=x86_64 ;;
	esac
	ARCH=$arch setsid "$SCRIPTS/check/${1#arm64-}.sh" >"$LOG/check-$1.tap" \
		2>"$LOG/check-$1.err" 8>&- &
	jobs="$jobs $1:$!:$(date +%s)"
	say "$1: running"
}

end_suite() { # NAME PID SECONDS
	tap=$LOG/check-$1.tap
	rc=0
	wait "$2" || rc=$?
	awk -f "$SCRIPTS/check/vm-said.awk" "$LOG/check-$1.err" >"$tap.vm"
	counts=$(tr -d '\r' <"$tap" | awk -v status="$rc" -v names="$tap.failed" \
		-v vm="$tap.vm" -f "$SCRIPTS/check/count.awk")
	# shellcheck disable=SC2086
	{
		count $counts
		row "$1" $counts "$3"
		say "$1: $(echo $counts | awk '{ print $1 " passed, " $2 \
			" failed, " $3 " skipped" }'), $tap"
	}
	# What was left out or done wrong on purpose, and how much of it was noticed
	figures=$(grep -oE '(swept [0-9]+, caught [0-9]+, redundant [0-9]+|mutants [0-9]+, noticed [0-9]+ .*)$' \
		"$tap" | awk '{ kind[$1] = $0 } END { for (k in kind) print kind[k] }')
	[ -z "$figures" ] || notes="$notes$(echo "$figures" | sed "s/^/$1: /")
"
	clients=$(sed -n 's/^# client: //p' "$tap" | tr -d '\r' | awk '!seen[$0]++')
	[ -z "$clients" ] || notes="$notes$(echo "$clients" | sed "s/^/$1: client: /")
"
	[ -s "$tap.failed" ] || return 0
	failures="$failures$(sed "s/^  /      /; t; s/^/  $1: /" "$tap.failed")
"
	tail -n 30 "$LOG/check-$1.err" >&2
}

# Takes out of $jobs what has ended.
reap() {
	now=$(date +%s) left=''
	for job in $jobs; do
		name=${job%%:*} pid=${job#*:} since=${job##*:}
		pid=${pid%:*}
		if kill -0 "$pid" 2>/dev/null; then
			left="$left $job"
		else
			end_suite "$name" "$pid" $((now - since))
		fi
	done
	jobs=$left
}

tell_jobs() {
	for job in $jobs; do
		name=${job%%:*}
		say "  $name: $(($(date +%s) - ${job##*:})) s," \
			"$(grep -cE '^(not )?ok ' "$LOG/check-$name.tap" || :) cases"
	done
}

# Wait until fewer than this many run.
wait_below() { # NUMBER
	while reap && [ "$(echo "$jobs" | wc -w)" -ge "$1" ]; do
		sleep 1
		ticks=$((ticks + 1))
		[ $((ticks % 30)) -ne 0 ] || tell_jobs
	done
}

jobs='' ticks=0
# shellcheck disable=SC2317
end_jobs() {
	for job in $jobs; do
		pid=${job#*:}
		kill -- "-${pid%:*}" 2>/dev/null || :
	done
	wait
	exit 130
}
trap end_jobs INT TERM HUP

# The logs, of the suites and of their machines, are where the suites' names say: two runs
# would write to the same files, and count each other's cases.
mkdir -p "$LOG" "$B/lock"
exec 8>"$B/lock/check"
flock -n 8 || die "tests run already in $B. For others beside them: IOMMUFD_BUILD=DIR make ..."

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	builds 8>&-
	for suite in $suites; do
		wait_below "$LANES"
		start_suite "$suite"
	done
	wait_below 1
	rc=0
	finish || rc=$?
	exit "$rc"
}
