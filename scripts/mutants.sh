#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mutants.sh - mistakes sown in the code, one at a time, to see that the tests notice
#
#   scripts/mutants.sh [NAME...]        run them, of all that have no verdict, or of
#                                       these                         (make mutants)
#   scripts/mutants.sh --verdicts       what has become of them so far
#   scripts/mutants.sh --known          the same as lines for KNOWN
#   scripts/mutants.sh --list           their numbers, names, places, tests
#   scripts/mutants.sh --check          does each still fit the source?
#   scripts/mutants.sh --apply DIR      the sources with all of them, to a build directory
#
# The sets are in tools/testing/selftests/iommu/mutants/. One is
#
#   mutant NAME FILE FUNCTION TEST
#   # what is not so any more
#   - the text as it is, which is in the function once
#   + what becomes of it; without this line it is left out
#
# FILE is below drivers/iommu/iommufd/; TEST is what kunit.filter_glob takes, a glob of
# suites or of SUITE.CASE, or a program of tools/testing/selftests/iommu/. What the text
# ends in tells what it is: with ; or } it is statements, else an expression. White space
# does not count.
#
# All are compiled into one kernel, "mutants", which is "fast" with our KUnit suites; of these
# iommufd_seed=NUMBER switches one on, at boot or in /sys/module/kernel/parameters/. It
# is killed if a case of TEST fails, or the kernel warns or crashes, or comes to no end
# in PATIENCE seconds. With none switched on TEST has to pass, before and afterwards.
# LANES machines run at a time (default: one for each core).
#
# A verdict is kept, in $B/mutants.verdicts, and is true for the mutant, the FILE and the
# source of TEST as they were: a mutant of which one of these has changed has none. What
# else has changed since is not looked at: remove the file to begin anew. So all can be run
# in pieces: with MINUTES=n no machine is started after n minutes, and with KNOWN=FILE, what
# --known has printed on another machine, those in it count as run. Exit status 0: at least
# 95 % of all (or of those named) are killed.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"

OURS=drivers/iommu/iommufd
# For a TEST to end, in seconds
PATIENCE=${PATIENCE:-300}
VERDICTS=$B/mutants.verdicts

mapfile -t SETS < <(find "$REPO/tools/testing/selftests/iommu/mutants" -type f | sort)

entries() { # MODE [FROM [INTO]]
	awk -v mode="$1" -v from="${2-"$REPO/$OURS"}" -v into="${3-}" \
		-f "$SCRIPTS/mutants.awk" "${SETS[@]}"
}

# Kbuild takes a source that is in the build directory before that of the tree. What has
# not changed keeps its time.
apply() { # DIRECTORY, FROM
	local new=$1/mutants.new

	rm -rf "$new"
	(cd "$2" && find . -type d ! -path './test*' -exec mkdir -p "$new/{}" ';')
	entries apply "$2" "$new" || die "a mutant does not fit the source"
	rsync -rc --delete --exclude /test/ --include '*/' --include '*.c' \
		--exclude '*' "$new/" "$1/$OURS/"
	rm -rf "$new"
}

# From what run-mutants said: a line for each of the mutants, "NUMBER:NAME VERDICT",
# where the verdict "again" is of one that may have been killed by what another one left.
verdicts() { # NUMBER:NAME...
	tr -d '\r' | awk -v mutants="$*" '
	/^# mutant / { now = $3 }
	/^# hung/ { is[now] = "hung" }
	/^[0-9]+ / { is[$1] = $2; clean = $1 == 0 && $2 == "survived" && now != "" }
	END {
		num = split(mutants, list, " ")
		for (i = 1; i <= num; i++) {
			n = list[i] + 0
			v = n in is ? is[n] : n == now ? "crashed" : "again"
			# One that survived may have left something behind as well.
			if (i > 1 && v != "survived" && !clean)
				v = "again"
			print list[i], v
		}
	}'
}

# Where the cases of a TEST are: the files, below $REPO
sources() { # TEST
	local suite=${1%%.*} file name

	case $1 in
	iommufd_*)
		grep -roE '\.name = "iommufd_[a-z0-9_]+"' "$REPO/$OURS/test" --include='*.c' |
			sort -u | sed -E 's/^(.*):\.name = "(.*)"$/\2 \1/' |
			while read -r name file; do
				# shellcheck disable=SC2053
				[[ $name != $suite ]] || echo "$file"
			done
		;;
	*)
		file=$REPO/tools/testing/selftests/iommu/$1.c
		echo "$file"
		sed -n 's/^#include "\(.*_cases\.h\)"$/\1/p' "$file" |
			sed "s#^#${file%/*}/#"
		;;
	esac
}

# Of each mutant, its number, name, file, function and test, and what a verdict is for
keys() { # LIST
	local number name file function test was='' sum=''

	while read -r number name file function test; do
		[ "$test" = "$was" ] || sum=$(sources "$test" | xargs -d '\n' cat | cksum)
		was=$test
		echo "$number $name $file $function $test" "$(
			{
				awk -v name="$name" '/^mutant / { on = $2 == name } on && NF' \
					"${SETS[@]}"
				cat "$REPO/$OURS/$file"
				echo "$sum"
			} | cksum | tr ' ' -)"
	done < <(sort -k5,5 "$1") | sort -n
}

# The last verdict of each key counts.
verdict_of() { # NAME KEY
	cat ${KNOWN:+"$KNOWN"} "$VERDICTS" 2>/dev/null | awk -v name="$1" -v key="$2" \
		'$1 == name && $2 == key { v = $3 } END { print v }'
}

keep() { # NAME VERDICT
	local key

	key=$(awk -v name="$1" '$2 == name { print $6 }' "$work/all")
	echo "$2" >"$work/$1.is"
	echo "$1 $key $2" >>"$VERDICTS"
	say "  $(find "$work" -name '*.is' | wc -l) of $(wc -l <"$work/wanted"): $1: $2"
}

# Are the MINUTES over? $end is run()'s.
late() { [ "$end" != 0 ] && [ "$(date +%s)" -ge "$end" ]; }

# Mutants of one TEST, in one boot. What became of each is kept. One that crashes ends the
# boot, and the others are done again, one at a time.
group() { # TEST NUMBER:NAME...
	local test=$1 log vm said what again='' m v
	shift
	log=mutant-${1#*:}
	said=$work/$log.said
	vm=("$SCRIPTS/vm.sh" --arch x86_64 --kernel mutants --iommu none --mem 3072
		--timeout $((PATIENCE * ($# + 3))) --log "$log")
	case $test in
	iommufd_*)
		vm+=(--append "kunit.enable=1 kunit.filter_glob=$test")
		what=kunit
		;;
	*)
		what=$(cd "$B/programs" && echo selftests*/"$test")
		[ -x "$B/programs/$what" ] || die "there is no program $test"
		what=/programs/$what
		;;
	esac

	"${vm[@]}" -- run-mutants "$PATIENCE" "$what" "${@%%:*}" >"$said" 2>"$said.err" || :
	# Was it ended from outside? Then the mutant it was at has not crashed it.
	if grep -qE 'terminating on signal|\(QEMU: [1-9]' "$said.err"; then
		say "no verdict of $*: QEMU was ended: $LOG/vm-$log.log"
		return
	fi
	if ! grep -q '^0 survived' "$said"; then
		say "without a mutant: $test does not pass: $LOG/vm-$log.log"
		tail -n 5 "$said.err" >&2
		return
	fi
	while read -r m v; do
		[ "$v" = again ] && again="$again $m" || keep "${m#*:}" "$v"
	done < <(verdicts "$@" <"$said")
	# It is alone already: the machine did not come to it.
	[ $# -gt 1 ] || [ -z "$again" ] || {
		say "no verdict of $1: $LOG/vm-$log.log"
		return
	}
	for m in $again; do
		! late || break
		group "$test" "$m"
	done
}

# Those of one TEST together, but not all, so that every lane has something to do.
groups() {
	sort -k5,5 -k1,1n "$work/wanted" | awk '
	$5 != test || n == 12 {
		printf "%s%s", (NR > 1 ? "\n" : ""), $5
		test = $5
		n = 0
	}
	{ printf " %s:%s", $1, $2; n++ }
	END { print "" }'
}

# The result of those in LIST
result() { # LIST
	local n=0 killed=0 left=0 name file key is

	while read -r _ name file _ _ key; do
		n=$((n + 1))
		is=$(verdict_of "$name" "$key")
		case $is in
		'')
			left=$((left + 1))
			echo "not ok $n $name $file: no verdict"
			;;
		survived) echo "not ok $n $name $file: $is" ;;
		*)
			killed=$((killed + 1))
			echo "ok $n $name $file: $is"
			;;
		esac
	done <"$1"
	echo "1..$n"
	echo "# $n mutants, $killed killed: $((100 * killed / n)) %, $left without a verdict"
	[ $((100 * killed)) -ge $((95 * n)) ]
}

list_all() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	entries list >"$work/list" || die "see the lines above"
	keys "$work/list" >"$work/all"
}

known() {
	local name key is

	while read -r _ name _ _ _ key; do
		is=$(verdict_of "$name" "$key")
		[ -z "$is" ] || echo "$name $key $is"
	done <"$work/all"
}

# shellcheck disable=SC2317
end_groups() {
	local pid

	trap - INT TERM HUP
	for pid in $(jobs -p); do
		kill -- "-$pid" 2>/dev/null || :
	done
	wait
	exit 130
}

run() {
	local lanes=0 name key line end=0 shown

	list_all
	: >"$work/wanted"
	shown=$work/all
	for name; do
		awk -v name="$name" '$2 == name { print; n++ } END { exit !n }' \
			"$work/all" >>"$work/wanted" || die "there is no mutant $name (--list)"
		shown=$work/wanted
	done
	[ $# -gt 0 ] || while read -r line; do
		read -r _ name _ _ _ key <<<"$line"
		[ -n "$(verdict_of "$name" "$key")" ] || echo "$line" >>"$work/wanted"
	done <"$work/all"
	if [ -s "$work/wanted" ]; then
		"$SCRIPTS/kernel.sh" --arch x86_64 mutants >/dev/null
		"$SCRIPTS/programs.sh" --arch x86_64
		[ -z "${MINUTES-}" ] || end=$(($(date +%s) + 60 * MINUTES))
		say "mutants: $(wc -l <"$work/wanted") of $(wc -l <"$work/all") to be run"
	fi
	trap end_groups INT TERM HUP
	while read -r line; do
		[ -n "$line" ] || continue
		[ "$lanes" -lt "$LANES" ] || { wait -n || :; lanes=$((lanes - 1)); }
		! late || break
		# In a process group of its own: what it has started ends with it on Ctrl-C.
		set -m
		# shellcheck disable=SC2086
		group $line </dev/null &
		set +m
		lanes=$((lanes + 1))
	done < <(groups)
	wait
	result "$shown"
}

# In braces: read whole before it runs, so an edit meanwhile does no harm.
{
	LANES=${LANES:-$(nproc)}
	case ${MINUTES-} in
	*[!0-9]* | 0*) die "MINUTES is a number from 1, not $MINUTES" ;;
	esac
	[ -z "${KNOWN-}" ] || [ -f "$KNOWN" ] || die "there is no file $KNOWN"
	case ${1-} in
	--list) entries list ;;
	--verdicts)
		list_all
		result "$work/all"
		;;
	--known)
		list_all
		known
		;;
	--check) entries check ;;
	--apply)
		[ $# = 2 ] || die "--apply needs a directory (--help)"
		mkdir -p "$2/$OURS"
		apply "$2" "$TREE/$OURS"
		;;
	--*) die "unknown option $1 (--help)" ;;
	*) run "$@" ;;
	esac
	exit
}
