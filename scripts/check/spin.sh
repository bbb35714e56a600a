#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# spin.sh - the model of a page request's life, searched whole; seen to fail when a step of
# it is broken; and of one mind with KUnit about who waits for whom.
# tools/testing/selftests/iommu/spin/ has the model, and in "runs" what is searched.
#
#   scripts/check/spin.sh [NAME...]     of "runs"; without one all

. "$(dirname "$0")/../check-lib.sh"
on x86_64

model=$REPO/tools/testing/selftests/iommu/spin
code=$REPO/drivers/iommu/iommufd/fault
n=0
result() { # STATUS NAME: TAP
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n $2" || echo "not ok $n $2"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

steps() { grep -ohE 'fn: [a-z_]+\(\)' "$model"/*.pml | sed 's/fn: //; s/()//' | sort -u; }

# A definition begins in the first column.
names() {
	local rc=0 name
	while read -r name; do
		grep -qE "^([a-z].*[ *])?$name\(" "$code"/*.[ch] && continue
		echo "# no such function: $name"
		rc=1
	done < <(steps)
	[ "$(steps | wc -l)" -gt 40 ] || rc=1
	result "$rc" "every step of the model is a function of fault/"
}

# Whoever changes the state of a slot, or gives an answer.
movers() {
	awk '
	/^[a-z]/ && /\(/ && !/;$/ {
		name = $0
		sub(/\(.*/, "", name)
		sub(/.*[ *]/, "", name)
	}
	/fault_slot_move\(|(atomic_set|cmpxchg)\(&(queue->slots|slot).*word|ops->respond\(/ &&
		!/^[a-z]/ { print name }' "$code"/*.c "$code"/internal.h | sort -u
}

covered() {
	local rc=0 missing
	# All that is there before the first request
	missing=$(comm -13 <(steps) <(movers | grep -vx fault_queue_init))
	[ -z "$missing" ] || { echo "# not in the model: ${missing//$'\n'/ }"; rc=1; }
	[ "$(movers | wc -l)" -gt 6 ] || rc=1
	result "$rc" "every function that moves a slot or answers is a step of the model"
}

build() { # NAME GCC-OPTION
	local rc=0
	mkdir -p "$work/$1"
	(
		cd "$work/$1"
		spin -a "$model/$1.pml" && gcc "$2" -w -DSAFETY -DCOLLAPSE \
			-DMEMLIM=2000 -DVECTORSZ=4096 -o pan pan.c
	) >"$work/build" 2>&1 || rc=$?
	[ "$rc" = 0 ] || sed 's/^/# /' "$work/build"
	result "$rc" "$1.pml compiles"
}

# holds: the search came to its end and found nothing.
# breaks-N: it found an assertion or an end that is none.
search() { # NAME RESULT SETTING...
	local name=$1 want=$2 out=$work/out rc=0
	shift 2
	(cd "$work/fault" && env "$@" timeout 600 ./pan -m1000000 -n) >"$out" 2>&1 || rc=$?
	grep -E '^pan:.*(assert|invalid|limit|memory)|states, stored' "$out" |
		sed 's/^ */# /'
	case $want in
	holds)
		[ "$rc" = 0 ] && grep -q 'errors: 0$' "$out" &&
			! grep -qE 'max search depth too small|Search not completed' "$out"
		result $? "$name: nothing is violated"
		;;
	breaks-*)
		grep -qE '^pan:1: (assertion violated|invalid end state)' "$out"
		result $? "$name: a broken step of property ${want#breaks-} is noticed"
		;;
	*) result 1 "$name: $want is no result" ;;
	esac
}

# "HELD POINT OTHER WAITS" of each meeting that KUnit arranges
kunit_meetings() {
	sed -nE 's/^\t\{ DO_([A-Z]+), FAULT_POINT_([A-Z_]+), DO_([A-Z]+)(, (true))? \},$/\1 \2 \3 \5/p' \
		"$code/../test/fault_detach_kunit.c" | awk '{ print $1, $2, $3, ($4 == "true") + 0 }'
}

# Those that the model has. Left out is what cannot be in the kernel: a file is in use
# while it is read or written, so not closed but by a test, nor read or written when it is
# closed; and one device is moved by one thread at a time.
model_meetings() {
	local ops=(READ WRITE DETACH REPLACE CLOSE REPORT) held point other said
	local points=('' READ_CLAIMED READ_COPIED WRITE_CLAIMED DRAIN_ROUTED DRAIN_CLAIMED)

	for held in 0 1 2 3 4; do
		for point in 1 2 3 4 5; do
			for other in 0 1 2 3 4 5; do
				case ${ops[held]}-${ops[other]} in
				WRITE-CLOSE | CLOSE-READ | CLOSE-WRITE | CLOSE-CLOSE | \
					DETACH-DETACH | DETACH-REPLACE | \
					REPLACE-DETACH | REPLACE-REPLACE) continue ;;
				esac
				said=$(cd "$work/meet" && HELD=$held POINT_AT=$point OTHER=$other \
					timeout 60 ./pan -m100000 -w18 -n)
				grep -q 'errors: 0$' <<<"$said" ||
					echo "${ops[held]} ${points[point]} ${ops[other]} error"
				sed -n 's/^meeting .* //p' <<<"$said" | sort -u |
					sed "s/^/${ops[held]} ${points[point]} ${ops[other]} /"
				# What the first does not come to, no other meets
				grep -q ^meeting <<<"$said" || break
			done
		done
	done
}

meetings() {
	local rc=0
	kunit_meetings | sort >"$work/kunit"
	model_meetings | sort >"$work/model"
	diff "$work/kunit" "$work/model" >"$work/diff" || rc=1
	sed -n 's/^</# KUnit alone:/p; s/^>/# the model alone:/p' "$work/diff"
	[ "$(wc -l <"$work/model")" -gt 30 ] || rc=1
	result "$rc" "who waits for whom: $(wc -l <"$work/model") meetings, as KUnit arranges them"
}

set +e
wanted() { # NAME NAME...
	local name=$1
	shift
	[ $# -eq 0 ] && return
	case " $* " in
	*" $name "*) return ;;
	esac
	return 1
}

if [ $# -eq 0 ]; then
	names
	covered
	build meet -O0
	meetings
fi
build fault -O1
while read -r name want settings; do
	case $name in
	'' | '#') continue ;;
	esac
	# shellcheck disable=SC2086
	wanted "$name" "$@" && search "$name" "$want" $settings
done < <(grep -vE '^(#|$)' "$model/runs")
echo "1..$n"
