#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# soak.sh - the fuzzer of the user ABI, and what is at random on the models, for as long
# as wanted
#
#   scripts/soak.sh [--arch x86_64|arm64] [MINUTES]     (make soak MINUTES=n)
#
# 10 minutes by default. iommu_fuzz runs in virtual machines of up to 20 minutes, one
# after the other, with another seed each time, by turns with one thread and with four,
# on the debug kernel. That tells it what of drivers/iommu/iommufd a call has reached, and it
# goes on from there. What it has found worth keeping, with one thread, is in $B/soak/
# for the next time.
#
# From 30 minutes on every second round of the fuzzer is followed by the cases of hostile
# guests, of storms and of hardware that fails on the hardware models, with another seed
# each time and four times as long as in make check, as long as there is time for it, but
# once at least. An hour or more ends with what is not part of the MINUTES: KUnit, which
# has the rest of the hardware that fails; load (iommu_load) with eight processors on the
# kernel "fast", LOAD times that of make check (1000: 10^6 areas, 10^7 faults); and on
# x86-64 the kernel that looks for data races (KCSAN).
#
# Environment: SEED, the first seed, by default the time; LOAD; IOMMUFD_BUILD.
#
# The last lines are of what commit, kernel and QEMU they are, one for each part, and
#   soak: N minutes, N sequences, N calls, N faults, coverage N, cases N, reports: N
# where the minutes are those that it took, the calls are the fuzzer's, the faults are the
# page requests that the fuzzer and load have made, the coverage is the largest of a round,
# and the cases are all the others'. They are in $B/log/soak.txt too (arm64-soak.txt). A
# report is whatever the kernel warned of, what it lost (kmemleak), what the fuzzer says
# of a call, a case that failed, a part that did not come to its end, one in which nothing
# happened, no call or no case that passed, and a fuzzer without coverage to go by, without
# failures, or without a limit of memory. Of cases that were skipped it is told how many.
# Reports of the fuzzer are shown with the command that repeats them; if one thread was
# enough, a program that does the same is in $B/log/. The exit status is 0 if there is none.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

for_arch_option "$@"
shift "$option_words"
minutes=${1:-10}
case $minutes in
'' | *[!0-9]* | 0*) die "MINUTES is a number from 1, not $minutes" ;;
esac
kernel=debug
seed=${SEED:-$(date +%s)}
fuzz=$A/programs/selftests/iommu_fuzz
LOAD=${LOAD:-1000}
case $LOAD in
'' | *[!0-9]* | 0*) die "LOAD is a number from 1, not $LOAD" ;;
esac

sequences=0 calls=0 faults=0 coverage='-' cases=0 reports=0
log=${log_arch}soak

figure() { # NAME: of the fuzzer's last line about how far it is
	sed -nE "s/^# (so far|all): .* ([0-9]+) $1.*/\2/p; s/^# (so far|all): .*$1 ([0-9]+).*/\2/p" \
		"$out" | tail -n 1
}

minutes_since() { # START
	echo $((($(date +%s) - $1 + 59) / 60))
}

# What of the TAP in $out passed, failed and was skipped, in variables of these names; what
# failed is shown.
count() { # STATUS
	local counts

	# count.awk reads what vm.sh said from a file
	counts=$(tr -d '\r' <"$out" | awk -v status="$1" -v names="$out.failed" \
		-v vm=/dev/null -f "$SCRIPTS/check/count.awk")
	read -r passed failed skipped <<<"$counts"
	sed 's/^/  /' "$out.failed" >&2
}

# The next machine begins it anew. There is none if vm.sh found something missing.
keep_log() { # NAME SEED
	[ ! -f "$LOG/vm-$1.log" ] || cp "$LOG/vm-$1.log" "$LOG/vm-$1-$2.log"
}

# The first line of the summary: of what it is, and which seed has it begin so again
head_line() { # SEED
	local qemu=${QEMU_X86_64:-qemu-system-x86_64}

	[ "$arch" = x86_64 ] || qemu=${QEMU_ARM64:-qemu-system-aarch64}
	echo "soak: $arch, SEED=$1, commit" \
		"$(git -c safe.directory='*' -C "$REPO" describe --always --dirty 2>/dev/null ||
			echo unknown), Linux $(make -s -C "$BASE" kernelversion 2>/dev/null)," \
		"QEMU $("$qemu" --version 2>/dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p')"
}

# A line of the summary
part() { # NAME START TEXT
	summary="$summary$(printf 'soak: %-26s %3d minutes, %s' "$1" "$(minutes_since "$2")" "$3")
"
}

# Which sequence was it, and how is it run again?
tell_replay() { # THREADS
	local label name comm
	[ -f "$LOG/vm-$log.log" ] || return 0
	read -r label name <<<"$(sed -nE \
		's/.*iommu_fuzz: ([0-9]+): --replay ([0-9a-f.]+) .*/\1 \2/p' \
		"$LOG/vm-$log.log" | tail -n 1)"
	[ -n "$name" ] || return 0
	# What ended it is the last that the log has of this one. The OOM killer told of others.
	comm=$(sed -nE "s/.*Comm: ($label:[0-9]+) .*/\1/p" "$LOG/vm-$log.log" | tail -n 1)
	say "the last sequence${comm:+ (the kernel names sequence:call $comm)}:"
	say "  scripts/vm.sh --arch $arch --kernel $kernel --iommu none --mem 3072 --" \
		"selftests/iommu_fuzz --replay $name --threads $1"
	if [ "$1" = 1 ] && [ "$arch" = "$HOST_ARCH" ]; then
		"$fuzz" --replay "$name" --print >"$LOG/soak-$name.c" || return 0
		say "  as a program: $LOG/soak-$name.c"
	fi
}

round() { # SEED MINUTES THREADS
	local rc=0 n guided=--guided start s c f

	start=$(date +%s)
	say "soak: $(minutes_since "$began") of $minutes minutes: the fuzzer, seed $1," \
		"$3 thread(s), $2 minute(s)"
	[ "$3" != 1 ] || guided='--corpus /host/soak'
	# The fuzzer's corpus is beside the builds.
	(cd "$B" && "$SCRIPTS/vm.sh" --arch "$arch" --kernel "$kernel" --iommu none \
		--mem 3072 --timeout $(($2 * 60 * 2 + 900)) --log "$log" \
		-- env "TEST_ARGS=--seed $1 --minutes $2 --threads $3 $guided" \
		run-tests /programs/selftests/iommu_fuzz </dev/null || echo $? >"$out.rc") |
		tee "$out" | { grep --line-buffered \
			-E '^(# (so far|all|BAD|before|after|without)|not ok)' >&2 || :; }
	[ ! -s "$out.rc" ] || rc=$(cat "$out.rc")
	rm -f "$out.rc"
	# It prints no TAP: its status is one case, kmemleak another.
	count "$rc"
	n=$(grep -c '^# BAD: --replay' "$out") || :
	[ "$n" -ge "$failed" ] || n=$failed
	s=$(figure sequences) c=$(figure calls) f=$(figure faults)
	[ "$n" -gt 0 ] || { grep -q '^# all: ' "$out" && [ "${c:-0}" -gt 0 ]; } || n=1
	# Nothing has guided it, or what it was to do had no part of it.
	[ "$n" -gt 0 ] || { [ -n "$(figure coverage)" ] && ! grep -q '^# without ' "$out"; } || n=1
	[ "$n" = 0 ] || {
		keep_log "$log" "$1"
		tell_replay "$3"
	}
	reports=$((reports + n))
	sequences=$((sequences + ${s:-0}))
	calls=$((calls + ${c:-0}))
	faults=$((faults + ${f:-0}))
	part "fuzzer, $3 thread(s)" "$start" \
		"seed $1, ${s:-0} sequences, ${c:-0} calls, ${f:-0} faults, reports: $n"
	# Each round begins from nothing, and the last may be a short one.
	n=$(figure coverage)
	[ -z "$n" ] || { [ "$coverage" != - ] && [ "$coverage" -ge "$n" ]; } || coverage=$n
	# What does not start would be tried as often as there are minutes, each for none.
	[ "$rc" != 125 ] || left=0
}

# Runs a part that prints TAP, and shows the lines that PATTERN finds in it.
tap() { # NAME PATTERN COMMAND...
	local name=$1 pattern=$2 rc=0 start

	start=$(date +%s)
	shift 2
	say "soak: $(minutes_since "$began") of $minutes minutes: $name"
	("$@" </dev/null || echo $? >"$out.rc") | tee "$out" |
		{ grep --line-buffered -E "^(# begin |not ok|$pattern)" >&2 || :; }
	[ ! -s "$out.rc" ] || rc=$(cat "$out.rc")
	rm -f "$out.rc"
	count "$rc"
	# Cases that were all skipped have shown nothing.
	[ "$failed" -gt 0 ] || [ "$passed" -gt 0 ] || failed=1
	cases=$((cases + passed))
	reports=$((reports + failed))
	faults=$((faults + $(tr -d '\r' <"$out" |
		awk '/^# load: [0-9]+ faults: / { n += $3 } END { printf "%d", n }')))
	[ "$skipped" = 0 ] && skipped='' || skipped=" $skipped skipped,"
	part "$name" "$start" "$passed cases,$skipped reports: $failed"
	while read -r line; do
		summary="$summary  ${line#\# }
"
	done < <(tr -d '\r' <"$out" | grep -E "^($pattern)")
}

# A seed is told by each case that has one.
models() { # SEED
	local programs
	programs=$(cd "$A/programs" && printf '/programs/%s ' \
		selftests-model/iommu_*_hostile selftests-model/iommu_*_stress)
	# shellcheck disable=SC2086
	tap "models, seed $1" '# a flood' "$SCRIPTS/vm.sh" --arch "$arch" \
		--kernel "$kernel" --iommu none --mem 3072 --timeout 3600 --log "$log-models" \
		-- env HUGEPAGES=64 IOMMU_TEST_SEED="$1" IOMMU_TEST_SCALE=4 run-tests $programs
	[ "$failed" = 0 ] || keep_log "$log-models" "$1"
}

# A suite of make check, which may run beside us: its logs are our own.
suite() { # NAME PATTERN SUITE [PART...]
	local script=$SCRIPTS/check/$3.sh

	tap "$1" "$2" env ARCH="$arch" SEED="$seed" LOG_START=soak "$script" "${@:4}"
}

hardware() { suite KUnit '# .*(test_total: swept|[a-z]+: mutants) [0-9]+,' kunit; }

# On the kernel that is quick: what the debug kernel keeps of each object is not for 10^6.
load() {
	tap "load" '# load:' "$SCRIPTS/vm.sh" --arch "$arch" --kernel fast --iommu none \
		--smp 8 --mem 4096 --timeout 5400 --log "$log-load" \
		-- env IOMMU_TEST_SCALE="$LOAD" run-tests /programs/selftests/iommu_load
}

# With ten minutes of the fuzzer
races() { suite "data races (KCSAN)" '# (reports|all)' kcsan kunit mock fuzz; }

# What is there before the first machine
prepare() {
	local kernels=$kernel k

	if [ "$minutes" -ge 60 ]; then
		kernels="$kernels fast"
		[ "$arch" != x86_64 ] || kernels="$kernels kcsan"
	fi
	# shellcheck disable=SC2086,SC2046
	"$SCRIPTS/plan.sh" $(printf "$log_arch%s " $kernels)
	"$SCRIPTS/setup.sh" "$arch"
	for k in $kernels; do
		"$SCRIPTS/kernel.sh" --arch "$arch" "$k" >/dev/null
	done
	"$SCRIPTS/programs.sh" --arch "$arch"
}

# Two of one platform would write to the same files, and count each other's reports.
mkdir -p "$LOG" "$B/lock" "$B/soak"
exec 7>"$B/lock/$log"
flock -n 7 || die "a soak of $arch runs already in $B. For another one beside it:" \
	"IOMMUFD_BUILD=DIR make soak"

{
	# What one said that did not come to its end is not what another one before it said.
	rm -f "$LOG/$log.txt"
	prepare 7>&-
	# What is committed meanwhile is in none of what runs.
	head=$(head_line "$seed")
	out=$LOG/$log.out summary=''
	rm -f "$out.rc"
	began=$(date +%s)
	left=$minutes threads=1 took=0
	while [ "$left" -gt 0 ]; do
		now=$left
		[ "$threads" != 1 ] || now=$(((left + 1) / 2))
		[ "$now" -le 20 ] || now=20
		left=$((left - now))
		round "$seed" "$now" "$threads"
		if [ "$threads" != 1 ] && [ "$minutes" -ge 30 ] && [ "$left" -ge "$took" ]; then
			start=$(date +%s)
			models "$seed"
			took=$(minutes_since "$start")
			left=$((left - took))
		fi
		seed=$((seed + 1)) threads=$((5 - threads))
	done
	if [ "$minutes" -ge 60 ]; then
		hardware
		load
		[ "$arch" != x86_64 ] || races
	fi
	{
		echo "$head"
		printf '%s' "$summary"
		echo "soak: $(minutes_since "$began") minutes, $sequences sequences, $calls calls," \
			"$faults faults, coverage $coverage, cases $cases, reports: $reports"
	} | tee "$LOG/$log.txt"
	[ "$reports" = 0 ]
	exit
}
