#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# trace.sh - what page requests did while kselftests ran, as tracepoints tell it, is a
# run of the model (tools/testing/selftests/iommu/spin/trace.pml); and is none any more
# when something in it is changed.

. "$(dirname "$0")/../check-lib.sh"
on x86_64

model=$REPO/tools/testing/selftests/iommu/spin
n=0
result() { # STATUS NAME: TAP
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n $2" || echo "not ok $n $2"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
set +e

build() {
	(
		cd "$work" && spin -a "$model/trace.pml" && gcc -O0 -w -DSAFETY \
			-DCOLLAPSE -DMEMLIM=2000 -DVECTORSZ=8192 -o pan pan.c
	) >"$work/build" 2>&1
	local rc=$?
	[ "$rc" = 0 ] || sed 's/^/# /' "$work/build"
	result "$rc" "the model compiles"
}

record() {
	"$SCRIPTS/vm.sh" --kernel fast --iommu none --log check-trace --timeout 1800 \
		--append kunit.enable=0 -- env \
		TEST_ARGS="-v nested_blocking -t queue_of_depth_one" \
		run-traced /programs/selftests/iommu_fault \
		>"$work/said"
	local rc=$?
	grep -qE '^not ok|^# trace lost events' "$work/said" && rc=1
	tr -d '\r' <"$work/said" | sed -n 's/^# trace //p' >"$LOG/check-trace.events"
	result "$rc" "the tests pass, and all they did is in the trace"
}

# The assertion that fails is the last one, which says that the trace is at its end.
accepts() { # FILE
	# It leaves a trail where it is
	(cd "$work" && TRACE=$1 timeout 120 ./pan -m1000000 -n -E) >"$work/out" 2>&1
	grep -qF 'assertion violated (ti!=t_len)' "$work/out"
}

# No run leads to the end, and all runs were looked at.
refuses() { # FILE
	(cd "$work" && TRACE=$1 timeout 120 ./pan -m1000000 -n -E) >"$work/out" 2>&1 &&
		grep -q 'errors: 0$' "$work/out" &&
		! grep -qE 'max search depth too small|Search not completed' "$work/out"
}

accept_all() {
	local rc=0 file figures
	figures=$(awk -v out="$work/t" -f "$model/trace.awk" "$LOG/check-trace.events")
	echo "# $figures"
	for file in "$work"/t-*.trace; do
		accepts "$file" && continue
		echo "# no run of the model:"
		sed 's/^/#   /' "$file"
		rc=1
	done
	# shellcheck disable=SC2086
	set -- $figures
	[ "${2:-0}" -ge 10 ] && [ "${6:-0}" -ge 100 ] || rc=1
	result "$rc" "each trace is a run of the model"
}

# change NAME AWK-PROGRAM: of each trace that it changes, the result is refused
change() {
	local name=$1 rc=0 changed=0 file
	for file in "$work"/t-*.trace; do
		[ "$(wc -l <"$file")" -le 80 ] || continue
		awk "$2" "$file" >"$work/changed"
		cmp -s "$file" "$work/changed" && continue
		[ "$changed" -lt 5 ] || break
		changed=$((changed + 1))
		refuses "$work/changed" && continue
		echo "# a run of the model all the same:"
		sed 's/^/#   /' "$work/changed"
		rc=1
	done
	[ "$changed" -gt 0 ] || rc=1
	result "$rc" "$name: refused, $changed times"
}

# shellcheck disable=SC2016
{
build
record
accept_all
change "answered twice" '{ print } $1 == 5 { print }'
change "answered and drained" '{ print } $1 == 5 { $1 = 7; print }'
change "answered unread" '$1 != 4'
change "read twice" '{ print } NR > 1 && $1 == 4 { print }'
change "read before it was whole" 'NR > 1 && $1 == 3 { held = $0; next }
	{ print } $1 == 4 && held { print held; held = "" }'
change "drained twice" '{ print } $1 == 7 { print }'
change "another group is answered" 'NR > 1 && $1 == 5 { $4++ } { print }'
change "refused though there was room" 'NR == 1 { $0 = "16 16 16 16" } { print }'
}
echo "1..$n"
