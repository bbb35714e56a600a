#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench.sh - count what /dev/iommu costs, ours beside the base tree's own
#
#   scripts/bench.sh            make bench: all rows, about 25 min when all is built; then
#                               "rates"
#   scripts/bench.sh quick      BENCH=quick make bench: fewer and shorter rows
#   scripts/bench.sh locks      contended locks with 1 to 8 reporters, on the debug
#                               kernel, ours alone
#   scripts/bench.sh rates      faults a second with 1 to 8 reporters, as many as the host
#                               has CPUs, in a machine whose CPUs run at once; ours and
#                               upstream. Differs each time
#   scripts/bench.sh docs       all of that, "locks", and "profile" of what is left of a
#                               fault and of a page mapped and unmapped; then the table,
#                               the chart and these figures in Documentation are those
#   scripts/bench.sh profile KERNEL SET [ROW]
#                               which functions the instructions of a set are in, or of
#                               one row of it. LEAST=N: those with N or more (5)
#   scripts/bench.sh KERNEL SET...
#                               rows of these sets alone, of one kernel: fast, upstream
#                               or type1. iommu_bench --help lists the sets
#
# The program iommu_bench runs on our kernel, on the base tree as Debian ships it, with
# the same configuration but for the options that only ours has, and, where that can do
# the work, on the base tree with VFIO's own container (type1); all in the same
# emulated machine, whose clock counts instructions. So figures do not depend on the
# machine underneath, nor on what else it does.
#
# Results are in $B/bench: table.txt, chart.svg, chart.png and the rows of each machine;
# apart from these, for they differ each time, rates.txt and locks.txt.
# The exit status is 0 only if every check in the program held on ours: as many pages
# pinned after an unmap as before it, no DMA after it, no worker of io_uring.
# A target that was missed is said and is no error.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
for_arch x86_64

OUT=$B/bench
DOCS=$REPO/Documentation/driver-api/iommufd
what=${1:-${BENCH:-full}}
quick=''
plugin=''
failed=''

# Sets that want the mock alone in the machine, QEMU's device, several CPUs
MOCK="floor fault sleep uring demand queues invalidate devices pasids"
EDU="map4k arrays bulk second viommu memory areas hwpts"
SMP="smp"

# 1 GiB of scattered pages is made from 2.
memory=4608

machine_of() { # SET
	case " $EDU " in
	*" $1 "*) echo edu; return ;;
	esac
	case " $SMP " in
	*" $1 "*) echo smp; return ;;
	esac
	echo mock
}

# Sets of one kind of machine, on one kernel; rows to stdout
run() { # KERNEL MACHINE SET...
	local kernel=$1 machine=$2 options
	shift 2
	case $machine in
	mock) options="--iommu none" ;;
	smp) options="--iommu none --smp 8" ;;
	edu)
		options="--iommu vtd-base --device edu"
		[ "$kernel" != fast ] || options="--iommu vtd --device edu"
		;;
	esac
	# shellcheck disable=SC2086
	"$SCRIPTS/vm.sh" --kernel "$kernel" --icount --mem "$memory" $options $plugin \
		--sealed iommu_bench --timeout 3600 --log "bench-$kernel-$machine" -- \
		"exec iommu_bench $quick $([ "$kernel" != type1 ] || echo --type1) $*"
}

# The same, into a file; what fails is remembered.
measure() { # KERNEL MACHINE SET...
	local rows=$OUT/$1-$2.rows start
	start=$(date +%s)
	say "$1, $2: ${*:3}"
	if ! run "$@" >"$rows"; then
		say "$1, $2: failed"
		failed="$failed $1-$2"
	fi
	say "$1, $2: $(grep -c '^row' "$rows") rows in $(($(date +%s) - start)) s"
}

build() { # KERNEL...
	local kernel
	"$SCRIPTS/plan.sh" "$@" || return
	# shellcheck disable=SC2046
	"$SCRIPTS/setup.sh" x86_64 $(for kernel; do
		[ "$kernel" != upstream ] || echo bench
	done) || return
	for kernel; do
		"$SCRIPTS/kernel.sh" "$kernel" >/dev/null || return
	done
	"$SCRIPTS/programs.sh"
}

# Options that differ, without those that the difference is about
differing() { # KERNEL KERNEL
	diff <(grep '^CONFIG_' "$(kernel_dir "$1")/.config" | sort) \
		<(grep '^CONFIG_' "$(kernel_dir "$2")/.config" | sort) |
		sed -n "s/^< /  $1 alone: /p; s/^> /  $2 alone: /p"
}

versions() {
	local kernel
	echo "Guest instructions, per operation. QEMU $("${QEMU_X86_64:-qemu-system-x86_64}" --version |
		sed -n '1s/.*version \([0-9.]*\).*/\1/p'), -icount shift=0, $(gcc --version | head -n 1)"
	for kernel in fast upstream type1; do
		[ ! -f "$LOG/vm-bench-$kernel-edu.log" ] ||
			sed -n "s/.*Command line: /$kernel: /p" \
				"$LOG/vm-bench-$kernel-edu.log" | head -n 1 | tr -d '\r'
	done
	echo "Page tables of the rows on edu: second stage of an emulated VT-d unit; ours by
drivers/iommu/iommufd/vtd, upstream and type1 by drivers/iommu/intel."
	echo "Options that differ:"
	differing fast upstream
	differing upstream type1
}

table() { # FORMAT
	local all=1
	[ -z "$quick" ] || all=0
	awk -v format="$1" -v all="$all" -f "$SCRIPTS/bench/table.awk" \
		COLUMN=ours "$OUT"/fast-*.rows COLUMN=upstream "$OUT"/upstream-*.rows \
		COLUMN=type1 "$OUT"/type1-*.rows COLUMN=rows "$SCRIPTS/bench/rows.txt"
}

everything() {
	local kernel mock=$MOCK edu=$EDU
	build fast upstream type1
	if [ -n "$quick" ]; then
		mock="floor fault uring" edu="map4k bulk second"
	fi
	# The command lines are looked up there: not those of another run.
	rm -rf "$OUT" "$LOG"/vm-bench-{fast,upstream,type1}-{mock,edu,smp}.log
	mkdir -p "$OUT"
	for kernel in fast upstream; do
		# shellcheck disable=SC2086
		measure "$kernel" mock $mock
		# shellcheck disable=SC2086
		measure "$kernel" edu $edu
		[ -n "$quick" ] || measure "$kernel" smp "$SMP"
	done
	[ -n "$quick" ] || measure type1 edu map4k arrays bulk viommu memory areas
	: >>"$OUT/type1-edu.rows"
	versions >"$OUT/versions.txt"
	{
		cat "$OUT/versions.txt"
		echo
		table text
		[ -z "$failed" ] || echo "Failed, so that rows may be missing:$failed"
	} >"$OUT/table.txt"
	table chart | awk -f "$SCRIPTS/bench/chart.awk" >"$OUT/chart.svg"
	rsvg-convert -o "$OUT/chart.png" "$OUT/chart.svg"
	cat "$OUT/table.txt"
	say "The chart: $OUT/chart.svg, $OUT/chart.png"
	[ -n "$quick" ] || rates || failed="$failed rates"
}

# Real CPUs that take turns as the host sees fit: what is counted is contention. A
# machine that failed has said so, and has no locks: awk's status is enough.
locks() {
	local rc=0
	build debug || return
	mkdir -p "$OUT"
	"$SCRIPTS/vm.sh" --kernel debug --iommu none --smp 8 --mem 3072 \
		--log bench-locks -- "cp /programs/iommu_bench /tmp/ &&
			echo 1 >/proc/sys/kernel/lock_stat &&
			/tmp/iommu_bench --quick smp &&
			echo 0 >/proc/sys/kernel/lock_stat && cat /proc/lock_stat" |
		awk -f "$SCRIPTS/bench/locks.awk" >"$OUT/locks.txt" || rc=$?
	cat "$OUT/locks.txt"
	return "$rc"
}

# Not of the table: it depends on the machine underneath, and on what else that does.
rates() {
	local kernel cpus
	cpus=$(nproc)
	[ "$cpus" -le 8 ] || cpus=8
	if [ "$cpus" -lt 2 ]; then
		say "faults a second: not on a host with one CPU"
		return
	fi
	build fast upstream || return
	mkdir -p "$OUT"
	for kernel in fast upstream; do
		say "$kernel: faults a second"
		"$SCRIPTS/vm.sh" --kernel "$kernel" --iommu none --smp "$cpus" --mem 3072 \
			--log "bench-rates-$kernel" -- "cp /programs/iommu_bench /tmp/ &&
				exec /tmp/iommu_bench --rate smp" \
			>"$OUT/$kernel.rates" || return
	done
	awk -f "$SCRIPTS/bench/rates.awk" "$OUT/fast.rates" "$OUT/upstream.rates" \
		>"$OUT/rates.txt" || return
	cat "$OUT/rates.txt"
}

# The same machine with a plugin that counts; then its addresses become functions.
profile() { # KERNEL SET [ROW]
	local map dir=$B/bench-profile program=$A/programs/iommu_bench
	local index address times
	build "$1" || return
	mkdir -p "$dir"
	rm -f "$dir/counted"
	${CC:-cc} -O2 -shared -fPIC -o "$dir/count.so" \
		"$REPO/tools/iommu/bench/count_instructions.c" || return
	plugin="--qemu-plugin $dir/count.so,out=$dir/counted"
	quick="--quick${3:+ --row $3}"
	run "$1" "$(machine_of "$2")" "$2" >&2 || return
	map=$(kernel_dir "$1")/System.map
	while read -r _ index address times; do
		echo "$index $times $(addr2line -ifse "$program" "0x$address" |
			tail -n 2 | tr '\n' ' ' | sed 's/ $//')"
	done < <(grep '^stretch' "$dir/counted") >"$dir/stretches"
	{
		# The addresses of the program have digits enough as they are.
		nm "$program" | cat - "$map" |
			awk 'length($1) == 16 && $2 ~ /^[tTwW]$/ { print $1, 0, $3 }'
		sed -n 's/^at \([^ ]*\) /\1 at /p' "$dir/counted"
	} | sort >"$dir/sorted"
	awk -v least="${LEAST:-5}" -f "$SCRIPTS/bench/profile.awk" \
		"$dir/stretches" "$dir/sorted"
}

# What is left, where: of the row's own calls the first @calls stretches of each of the
# functions, which time one call each; what follows the last one is not of the row.
remains() { # SET ROW LEAST CALLS FUNCTION...
	echo "$2"
	LEAST=$3 profile fast "$1" "$2" >"$OUT/profile.$2" || return
	awk -v calls="$4" -v functions=" ${*:5} " '
		/^[^ ]/ { on = index(functions, " " $1 " ") && seen[$1]++ < calls }
		on { print; n++ }
		END { exit !n }' "$OUT/profile.$2"
}

profiles() {
	remains map4k map4k.pair 20 1 target_map target_unmap &&
		remains fault fault.1 5 4 one_round &&
		remains fault fault.256 $((5 * 256)) 4 one_round
}

# A result into the page: what the standard input says goes where the marker is, the first
# time; later runs only change the file that it names.
publish() { # RESULT
	# Every file of the repository says its licence; the page leaves that line out.
	{
		echo "# SPDX-License-Identifier: GPL-2.0"
		cat "$OUT/$1.txt"
	} >"$DOCS/benchmark-$1.txt"
	sed -i -e "/^\.\. $1: /r /dev/stdin" -e "/^\.\. $1: /d" "$DOCS/benchmark.rst"
}

docs() {
	# All at once: whether to go on is asked before anything runs.
	build fast upstream type1 debug
	everything
	cp "$OUT/chart.svg" "$DOCS/benchmark.svg"
	cp "$OUT/chart.png" "$DOCS/benchmark.png"
	publish table <<-'EOF'
		.. image:: benchmark.svg
		   :alt: Instructions per operation as a part of upstream's, one bar a row

		The chart (as a PNG: ``benchmark.png``) and the table are of one run:

		.. literalinclude:: benchmark-table.txt
		   :language: none
		   :lines: 2-
	EOF
	! grep -qs reporter "$OUT/rates.txt" || publish rates <<-'EOF'
		.. literalinclude:: benchmark-rates.txt
		   :language: none
		   :lines: 2-
	EOF
	locks || failed="$failed locks"
	# Somebody who waited is a result; no lock at all is none.
	! grep -qs '^lock ' "$OUT/locks.txt" || publish locks <<-'EOF'
		.. literalinclude:: benchmark-locks.txt
		   :language: none
		   :lines: 2-
	EOF
	if ! (profiles) >"$OUT/profile.txt"; then
		failed="$failed profile"
		return
	fi
	publish profile <<-'EOF'
		.. literalinclude:: benchmark-profile.txt
		   :language: none
		   :lines: 2-
	EOF
}

case $what in
full) everything ;;
quick) quick=--quick; everything ;;
locks) locks ;;
rates) rates ;;
profile)
	[ $# -ge 3 ] || die "profile of which kernel and set? (--help)"
	profile "${@:2}"
	;;
docs) docs ;;
fast | upstream | type1)
	[ $# -ge 2 ] || die "which sets? (--help)"
	build "$what"
	shift
	for set; do
		run "$what" "$(machine_of "$set")" "$set" || failed="$failed $set"
	done
	;;
*) die "full, quick, locks, rates, docs, or a kernel and sets, not $what (--help)" ;;
esac
[ -z "$failed" ] || die "failed:$failed"
