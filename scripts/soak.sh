#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# soak.sh - the fuzzer of the user ABI, and what is at random on the models, for as long
# as wanted
#
#   scripts/soak.sh [--arch x86_64|arm64] [MINUTES]     (make soak MINUTES=n)
#
# 10 minutes by default. iommu_fuzz runs in virtual machines of up to 20 minutes, one
# after the other, with another seed each time, by turns with one thread and with four,
# on the debug kernel; with KCOV=1 on one that also tells what of drivers/iommu/iommufd
# was reached, so that the fuzzer can go on from there (kernel "kcov", to be built once).
# What it has found worth keeping is in $B/soak/ then, for the next time.
#
# From 30 minutes on every second round of the fuzzer is followed by the cases of hostile
# guests and of load on the hardware models, with another seed each time and four times
# as long as in make check; on x86-64 an hour or more ends with a run on the kernel that
# looks for data races (KCSAN), which is not part of the MINUTES.
#
# Environment: SEED, the first seed, by default the time; KCOV; IOMMUFD_BUILD.
#
# The last line is
#   soak: N minutes, N sequences, N calls, coverage N, reports: N
# where the calls and the coverage are the fuzzer's. A report is whatever the kernel
# warned of, what it lost (kmemleak), what the fuzzer says of a call, and a case that
# failed. Those of the fuzzer are shown with the command that repeats them; if one thread
# was enough, a program that does the same is in $B/log/. The exit status is 0 if there
# is none.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
shift "$option_words"
minutes=${1:-10}
case $minutes in
'' | *[!0-9]* | 0) die "MINUTES is a number from 1, not $minutes" ;;
esac
kernel=debug
[ -z "${KCOV-}" ] || kernel=kcov
seed=${SEED:-$(date +%s)}
fuzz=$A/programs/selftests/iommu_fuzz

sequences=0 calls=0 coverage='-' reports=0

figure() { # NAME: of the fuzzer's last line about how far it is
	sed -nE "s/^# (so far|all): .* ([0-9]+) $1.*/\2/p; s/^# (so far|all): .*$1 ([0-9]+).*/\2/p" \
		"$out" | tail -n 1
}

# Which sequence was it, and how is it run again?
tell_replay() { # THREADS
	local name comm
	name=$(sed -nE 's/.*iommu_fuzz: [0-9]+: --replay ([0-9a-f.]+) .*/\1/p' \
		"$LOG/vm-soak.log" | tail -n 1)
	comm=$(sed -nE 's/.*Comm: ([0-9]+:[0-9]+) .*/\1/p' "$LOG/vm-soak.log" | head -n 1)
	[ -n "$name" ] || return 0
	say "the last sequence${comm:+ (the kernel names sequence:call $comm)}:"
	say "  scripts/vm.sh --kernel $kernel --iommu none --mem 3072 --" \
		"selftests/iommu_fuzz --replay $name --threads $1"
	if [ "$1" = 1 ] && [ "$arch" = "$HOST_ARCH" ]; then
		"$fuzz" --replay "$name" --print >"$LOG/soak-$name.c"
		say "  as a program: $LOG/soak-$name.c"
	fi
}

round() { # SEED MINUTES THREADS
	local rc=0 n corpus=''

	say "soak: seed $1, $3 thread(s), $2 minute(s)"
	[ "$kernel:$3" != kcov:1 ] || corpus='--corpus /host/soak'
	# The fuzzer's corpus is beside the builds.
	(cd "$B" && "$SCRIPTS/vm.sh" --arch "$arch" --kernel "$kernel" --iommu none \
		--mem 3072 --timeout $(($2 * 60 * 2 + 900)) --log soak \
		-- env "TEST_ARGS=--seed $1 --minutes $2 --threads $3 $corpus" \
		run-tests /programs/selftests/iommu_fuzz) </dev/null |
		tee "$out" | grep --line-buffered -E '^(# (so far|all|BAD|before|after)|not ok)' >&2 || :
	rc=${PIPESTATUS[0]}
	n=$(grep -cE '^(# BAD: --replay|not ok)' "$out") || :
	[ "$rc" = 0 ] || n=$((n + 1))
	[ "$n" = 0 ] || {
		cp "$LOG/vm-soak.log" "$LOG/vm-soak-$1.log"
		tell_replay "$3"
	}
	reports=$((reports + n))
	n=$(figure sequences)
	sequences=$((sequences + ${n:-0}))
	n=$(figure calls)
	calls=$((calls + ${n:-0}))
	n=$(figure coverage)
	[ -z "$n" ] || coverage=$n
}

# A seed is told by each case that has one.
models() { # SEED
	local rc=0 n programs

	say "soak: seed $1, the models"
	programs=$(cd "$A/programs" && printf '/programs/%s ' \
		selftests-model/iommu_*_hostile selftests-model/iommu_*_stress)
	# shellcheck disable=SC2086
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel "$kernel" --iommu none --mem 3072 \
		--timeout 7200 --log soak-models \
		-- env IOMMU_TEST_SEED="$1" IOMMU_TEST_SCALE=4 run-tests $programs \
		</dev/null >"$out" || rc=$?
	grep -E '^(# (seed|a flood)|not ok)' "$out" >&2 || :
	n=$(grep -c '^not ok' "$out") || :
	[ "$rc" = 0 ] || n=$((n + 1))
	[ "$n" = 0 ] || cp "$LOG/vm-soak-models.log" "$LOG/vm-soak-models-$1.log"
	reports=$((reports + n))
}

races() {
	local rc=0 n

	say "soak: data races (KCSAN)"
	"$SCRIPTS/kernel.sh" kcsan >/dev/null
	ARCH=x86_64 "$SCRIPTS/check/kcsan.sh" </dev/null >"$out" || rc=$?
	grep '^not ok' "$out" >&2 || :
	n=$(grep -c '^not ok' "$out") || :
	[ "$rc" = 0 ] || n=$((n + 1))
	reports=$((reports + n))
}

{
	"$SCRIPTS/plan.sh" fast && "$SCRIPTS/setup.sh" "$arch"
	"$SCRIPTS/kernel.sh" --arch "$arch" "$kernel" >/dev/null
	"$SCRIPTS/programs.sh" --arch "$arch"
	mkdir -p "$LOG" "$B/soak"
	out=$LOG/soak.out
	left=$minutes threads=1
	while [ "$left" -gt 0 ]; do
		now=$(((left + 1) / 2))
		[ "$now" -le 20 ] || now=20
		round "$seed" "$now" "$threads"
		left=$((left - now))
		if [ "$threads" != 1 ] && [ "$minutes" -ge 30 ]; then
			start=$(date +%s)
			models "$seed"
			left=$((left - ($(date +%s) - start + 59) / 60))
		fi
		seed=$((seed + 1)) threads=$((5 - threads))
	done
	[ "$minutes" -lt 60 ] || [ "$arch" != x86_64 ] || races
	echo "soak: $minutes minutes, $sequences sequences, $calls calls, coverage $coverage, reports: $reports"
	[ "$reports" = 0 ]
	exit
}
