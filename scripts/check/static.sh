#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# static.sh - what can be said without running: W=1 and sparse are silent,
# checkpatch --strict too but for scripts/check/accepted.txt, nothing outside
# test/ leans on the test build, what the headers have is in the descriptions for
# syzkaller and but for scripts/check/fuzz.txt in the fuzzer's tables, the tests that
# promises.rst names are there, the mutants fit the source, a kernel's warnings are told
# from its remarks, our data races from others', and make soak counts what goes wrong.
# On arm64 that which depends on the platform: what is compiled for it alone.

. "$(dirname "$0")/../check-lib.sh"

ours=drivers/iommu/iommufd
n=0
result() { # STATUS NAME: TAP
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n $2" || echo "not ok $n $2"
}

# Compiled anew, for the warnings are not kept.
warnings() {
	local log=$LOG/check-${log_arch}static-build.log rc=0
	find "$A/static/$ours" -name '*.o' -delete 2>/dev/null || :
	W=1 C=2 "$SCRIPTS/kernel.sh" --arch "$arch" \
		static -k "$ours/" >"$log" 2>&1 || rc=$?
	result "$rc" "it compiles"
	rc=0
	grep -E "($ours|iommufd\.h).*(warning|error):" "$log" |
		sort -u | sed 's/^/# /' | grep . && rc=1
	result "$rc" "gcc W=1 and sparse have nothing to say"
}

our_sources() {
	(cd "$REPO" && find $ours include tools scripts \
		-name '*.[ch]' -o -name 'Kconfig' | sort)
}

# accepted.txt: a shell pattern of paths, a checkpatch type, then the reason.
is_accepted() { # PATH TYPE
	local pattern type _
	while read -r pattern type _; do
		# shellcheck disable=SC2053
		[[ $pattern != '#' && $1 == $pattern && $2 == "$type" ]] &&
			return 0
	done <"$SCRIPTS/check/accepted.txt"
	return 1
}

# One run for all files: its word lists take longer to read than a file.
checkpatch() {
	local said=$LOG/check-static-checkpatch.log file line type rc
	local files bad=$LOG/check-static-bad.c
	mapfile -t files < <(our_sources)
	# The last one is bad: if nothing is said of that, it has not come so far.
	printf 'int x; \n' >"$bad"
	(cd "$REPO" && perl "$BASE/scripts/checkpatch.pl" --strict --terse \
		--show-types --no-summary --no-tree -f "${files[@]}" "$bad") \
		>"$said" 2>&1 || :
	rc=0
	grep -qF "$bad:1: ERROR:TRAILING_WHITESPACE:" "$said" || rc=1
	result "$rc" "checkpatch has read all ${#files[@]} files, and one that is bad"
	for file in "${files[@]}"; do
		rc=0
		while read -r line; do
			# PATH:LINE: LEVEL:TYPE: message
			type=${line#*: *:}
			is_accepted "$file" "${type%%:*}" && continue
			echo "# $line"
			rc=1
		done < <(grep -F "$file:" "$said" || :)
		result "$rc" "checkpatch $file"
	done
}

# Test code is compiled in or not; the rest must be the same without it.
leaning() {
	local rc=0 used
	grep -rnE '(#if|#elif|IS_ENABLED|IS_REACHABLE).*CONFIG_IOMMUFD_TEST' \
		"$REPO/$ours" --include='*.[ch]' | sed "s#^$REPO/##" |
		grep -vE "^$ours/(test/|failpoint\.h)" |
		sed 's/^/# /' | grep . && rc=1
	result "$rc" "only fail points ask for CONFIG_IOMMUFD_TEST"

	rc=0
	cd "$A/static/$ours" || return
	used=$(comm -12 \
		<("${CROSS}nm" -g --defined-only test/*.o | awk 'NF == 3 { print $3 }' |
			sort -u) \
		<(find . -name '*.o' ! -path './test/*' ! -name iommufd.o \
			! -name built-in.a -exec "${CROSS}nm" -gu {} + |
			awk 'NF == 2 { print $2 }' | sort -u) |
		grep -vxE 'iommufd_fail_attr|iommufd_mutant') || :
	[ -z "$used" ] || { echo "# used outside test/: $used" | tr "\n" " "; echo; rc=1; }
	result "$rc" "no object outside test/ needs one of test/"
}

# Driver and model are written from the specification by different hands: an
# object or a header of one that the other uses would let a misreading hide.
# What joins them is test/vtd_model_door.c and test/smmuv3_model_door.c alone.
globals() { # OBJECT...: names that they define for others
	"${CROSS}nm" -g --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u
}

needs() { # OBJECT...: names that they want of others
	"${CROSS}nm" -gu "$@" | awk 'NF == 2 { print $2 }' | sort -u
}

apart() { # DRIVER HEADERS: a driver's directory, and what a model may not include
	local driver=$1 headers=$2 rc=0 used
	if ! cd "$A/static/$ours" ||
	   ! ls "$driver"/*.o test/model/"$driver"*.o >/dev/null; then
		result 1 "there are objects of the $driver driver and of its model"
		return
	fi
	used=$(comm -12 <(globals "$driver"/*.o) <(needs test/model/*.o))
	[ -z "$used" ] || { echo "# the model uses: $used" | tr "\n" " "; echo; rc=1; }
	used=$(comm -12 <(globals test/model/*.o) <(needs "$driver"/*.o))
	[ -z "$used" ] || { echo "# the driver uses: $used" | tr "\n" " "; echo; rc=1; }
	result "$rc" "no object of the $driver driver needs one of a model, nor the other way"

	rc=0
	cd "$REPO/$ours" || return
	grep -nE "#include.*($headers)" test/model/*.[ch] |
		sed 's/^/# /' | grep . && rc=1
	grep -nE '#include.*model' "$driver"/*.[ch] | sed 's/^/# /' | grep . && rc=1
	result "$rc" "no header of the $driver driver in a model, nor the other way"

	# Both sides' headers in one file: what joins them, and tests over that
	rc=0
	used=$(grep -lE "#include.*\.\./$driver/" test/*.[ch] |
		xargs grep -lE "#include.*\"model/$driver" |
		grep -vx "test/${driver}_model_door\.[ch]") || :
	[ -z "$used" ] || { echo "# sees both: $used" | tr "\n" " "; echo; rc=1; }
	result "$rc" "only ${driver}_model_door joins the $driver driver and its model"
}

# A case of a kselftest, of a KUnit suite, a search of the model, a suite here, or a mutant.
test_exists() { # PLACE CASE
	local place=$1 name=$2 file tests=$REPO/tools/testing/selftests/iommu
	case $place in
	spin) grep -qE "^$name (holds|breaks-[1-4]) " "$tests/spin/runs" ;;
	check) [ -f "$SCRIPTS/check/$name.sh" ] ;;
	mutant) grep -qrE "^mutant $name " "$tests/mutants" ;;
	iommu_*)
		# Cases for several vendors are in a header of theirs.
		# shellcheck disable=SC2046
		[ -f "$tests/$place.c" ] && (cd "$tests" && grep -qE \
			"^TEST(_F|_SIGNAL)?(_TIMEOUT|_SIGNAL)?\(([a-z0-9_]+, )?$name[,)]" \
			"$place.c" $(sed -n 's/^#include "\(.*_cases\.h\)"$/\1/p' "$place.c"))
		;;
	*)
		file=$(grep -rlE "\.name = \"$place\"" "$REPO/$ours/test" --include='*_kunit*.c')
		[ -n "$file" ] && grep -qE "KUNIT_CASE[A-Z_]*\($name[,)]" "$file"
		;;
	esac
}

# Each promise has a test, and each test that is named is there.
promises() {
	local rc=0 doc=$REPO/Documentation/userspace-api/iommufd/promises.rst name
	while read -r name; do
		test_exists "${name%%:*}" "${name#*:}" && continue
		echo "# no such test: $name"
		rc=1
	done < <(grep -oE '`[a-z0-9_]+:[a-z0-9_-]+`' "$doc" | tr -d '`' | sort -u)
	result "$rc" "every test that a promise names is there"

	# The rows of the tables: promise, assumption, tests, mistakes
	rc=0
	awk '
	function row() {
		if (column == 4 && !header && !tests) {
			print "# no test: " text
			bad = 1
		}
		rows += column == 4 && !header
	}
	/^   \* - / { row(); column = 1; tests = 0; text = $0; header = /- promise$/; next }
	/^     -/ { column++ }
	column == 3 && /``[a-z0-9_]+:[a-z0-9_-]+``/ { tests++ }
	/^[^ ]/ { row(); column = 0 }
	END { row(); exit bad || rows < 20 }' "$doc" || rc=1
	result "$rc" "every promise has a test"
}

# The descriptions for syzkaller have each command of the header, and each structure
# with its members in their order.
syzkaller() {
	local rc=0 header=$REPO/include/uapi/linux/iommufd.h name
	local txt=$REPO/tools/testing/selftests/iommu/syzkaller/dev_iommu.txt

	while read -r name; do
		grep -qF "ioctl\$$name(fd fd_iommu, cmd const[$name]," "$txt" && continue
		echo "# no description of $name"
		rc=1
	done < <(sed -nE 's/^#define (IOMMU_[A-Z_]+) _IO\(.*/\1/p' "$header")
	# What else a union has stands for the same bytes.
	diff <(awk '
		/^struct iommu[a-z0-9_]* \{/ { s = $2; print s; next }
		/^}/ { s = "" }
		/union {/ { in_union = 1; next }
		/^\t}/ { in_union = 0 }
		s && /^\t+__[a-z0-9_]+ .*;/ && in_union < 2 {
			sub(/\[.*/, ""); sub(/;.*/, ""); print s, $2
			in_union *= 2
		}' "$header" | sort) \
		<(awk '
		/^iommu[a-z0-9_]* {$/ && !/^iommu_(vevent|probe_answer) / { s = $1; print s; next }
		/^}/ { s = "" }
		s && /^\t/ { print s, $1 }' "$txt" | sort) | sed 's/^/# /' | grep . && rc=1
	result "$rc" "syzkaller's descriptions are those of the header"
}

# What headers say, as NAME or STRUCT.MEMBER (STRUCT.OPERATION.MEMBER of the mock)
of_headers() { # HEADER...
	sed -nE 's/^#define (IOMMU(FD_MODEL)?_[A-Z0-9_]+) (IOMMUFD_MODEL)?_IO\(.*/\1/p
		s/^\t(IOMMU_TEST_OP_[A-Z0-9_]+)( = [0-9]+)?,$/\1/p' "$@"
	awk '
	/^struct [a-z0-9_]+ \{/ { s = $2; next }
	/^}/ { s = "" }
	s && /^\t+struct \{/ { inner = 1; n = 0; next }
	inner && /^\t+} [a-z0-9_]+;/ {
		sub(/;/, "")
		for (i = 1; i <= n; i++)
			print s "." $2 "." m[i]
		inner = 0
	}
	s && /^\t+(__[a-z0-9_]+|char) [a-z0-9_]+(\[.*\])?;/ {
		sub(/[[;].*/, "")
		if (inner)
			m[++n] = $2
		else
			print s "." $2
	}' "$@"
}

# The same of what the fuzzer's tables have
of_tables() { # DIRECTORY
	sed -nE 's/^\tOP\(([A-Z0-9_]+), .*/\1/p; s/^\tTEST\(([A-Z0-9_]+), .*/IOMMU_TEST_OP_\1/p' \
		"$1"/*.c
	grep -ohE '\b[ME]\([a-z0-9_]+, [a-z0-9_]+' "$1"/*.[ch] | sed -E 's/^..//; s/, /./'
	grep -ohE '\bT\([a-z0-9_.]+' "$1"/*.c | sed -E 's/^../iommu_test_cmd./'
}

# fuzz.txt: a shell pattern of what the tables go without, then the reason.
fuzzer_lacks() { # DIRECTORY
	local name pattern _

	while read -r name; do
		while read -r pattern _; do
			# shellcheck disable=SC2053
			[[ $pattern == '#' || $name != $pattern ]] || continue 2
		done <"$SCRIPTS/check/fuzz.txt"
		echo "# not in the fuzzer's tables: $name"
	done < <(comm -23 <(of_headers "$REPO/include/uapi/linux/iommufd.h" \
			"$REPO/$ours/iommufd_test.h" "$REPO/$ours/test/model/uapi.h" | sort -u) \
		<(of_tables "$1" | sort -u))
}

# The fuzzer knows each command, each operation of the mock, and each member of what
# they are given.
fuzzer() {
	local rc=0 tables=$REPO/tools/testing/selftests/iommu/fuzz dir line

	fuzzer_lacks "$tables" | grep . && rc=1
	result "$rc" "the fuzzer's tables have what the headers have"

	# One that does not look would find nothing, too.
	rc=0
	dir=$(mktemp -d)
	for line in 'OP(IOMMU_OPTION, ' 'M(iommu_option, val64, ' 'E(iommu_hwpt_vtd_s1, flags, ' \
		    'TEST(VM_LOOKUP, ' 'T(vm_lookup.vpasid, '; do
		cp "$tables"/*.[ch] "$dir"
		grep -qF "$line" "$dir"/*.c || rc=1
		sed -i "/$line/d" "$dir"/*.c
		[ -n "$(fuzzer_lacks "$dir")" ] && continue
		echo "# not missed: $line"
		rc=1
	done
	rm -rf "$dir"
	result "$rc" "what is taken out of them is missed"
}

# What they change is there, and who is to notice.
mutants() {
	local rc=0 test suite suites said dir

	said=$("$SCRIPTS/mutants.sh" --check 2>&1) || rc=1
	sed 's/^/# /' <<<"$said"
	suites=$(grep -rhoE '\.name = "iommufd_[a-z0-9_]+"' "$REPO/$ours/test" | cut -d'"' -f2)
	while read -r test; do
		for suite in $suites; do
			# shellcheck disable=SC2053
			[[ $suite != ${test%%.*} ]] || continue 2
		done
		[ ! -f "$REPO/tools/testing/selftests/iommu/$test.c" ] || continue
		echo "# no such test: $test"
		rc=1
	done < <("$SCRIPTS/mutants.sh" --list | awk '{ print $5 }' | sort -u)
	result "$rc" "every mutant fits the source, and its test is there"

	# A clone may be in any directory, as long as the build directory is in another.
	rc=0
	dir=$(mktemp -d)
	ln -s "$REPO" "$dir/a clone"
	said=$("$dir/a clone/scripts/mutants.sh" --check 2>&1) || rc=1
	[ "$rc" = 0 ] || sed 's/^/# /' <<<"$said"
	rm -rf "$dir"
	result "$rc" "they are found in a directory with a space in its name, too"
}

# What a boot with mutants 1 to 3 has said, and what it says of them
judged() { # VERDICTS LINE...
	local want=$1 is
	shift
	is=$(printf '%s\n' "$@" | verdicts 1:a 2:b 3:c | sed 's/^[^ ]* //' | xargs)
	[ "$is" = "$want" ] || echo "# $is, not $want"
	[ "$is" = "$want" ]
}

# One that may have been killed by what another one left is tried again.
mutants_left() {
	local rc=0

	eval "$(sed -n '/^verdicts() {/,/^}/p' "$SCRIPTS/mutants.sh")"
	judged "case survived case" "0 survived" "# mutant 1" "1 case" "# mutant 2" \
		"2 survived" "# mutant 3" "3 case" "# mutant 0" "0 survived" || rc=1
	judged "case survived again" "0 survived" "# mutant 1" "1 case" "# mutant 2" \
		"2 survived" "# mutant 3" "3 case" "# mutant 0" "0 case" || rc=1
	judged "survived again survived" "0 survived" "# mutant 1" "1 survived" "# mutant 2" \
		"2 case" "# mutant 3" "3 survived" "# mutant 0" "0 case" || rc=1
	judged "survived again again" "0 survived" "# mutant 1" "1 survived" \
		"# mutant 2" || rc=1
	judged "hung again again" "# mutant 0" "0 survived" "# mutant 1" "# hung" || rc=1
	result "$rc" "a mutant is not killed by what another one has left"
}

# root may not be whose clone it is.
spdx() {
	local rc=0 seen=0 file
	while read -r file; do
		seen=$((seen + 1))
		head -n 5 "$REPO/$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' &&
			continue
		echo "# $file"
		rc=1
	done < <(git -c safe.directory='*' -C "$REPO" ls-files |
		grep -vE '\.(md|svg|png)$|^LICENSES/')
	[ "$seen" -gt 0 ] || rc=1
	result "$rc" "every file has its licence: $seen files"
}

# Where a machine is judged and where a mutant is: what a kernel warns of is taken for
# that, what an unwinder remarks is not.
splats() {
	local place rc
	for place in vm.sh guest/run-mutants; do
		rc=0
		(
			eval "$(grep -E '^(splats|calm)=' "$SCRIPTS/$place")"
			# shellcheck disable=SC2154
			diff <(grep '^+' "$SCRIPTS/check/splats.txt") \
				<(grep -E "$splats" "$SCRIPTS/check/splats.txt" |
					grep -vE "$calm")
		) | sed 's/^/# /' | grep . && rc=1
		result "$rc" "$place tells warnings from remarks"
	done
}

# A machine, or a suite, that says what is in the file of its part
soak_stand_in() {
	cat <<-'END'
		#!/bin/sh
		case "$0 ${LOG_START-}" in
		*/check/*' soak') ;;
		*/check/*) exit 1 ;;
		esac
		case "$0 $*" in
		*/kunit.sh*) part=kunit ;;
		*/kcsan.sh*) part=kcsan ;;
		*--threads\ 4*iommu_fuzz*) part=fuzz-4 ;;
		*iommu_fuzz*) part=fuzz-1 ;;
		*iommu_load*) part=load ;;
		*/vm.sh*) part=models ;;
		*) exit 0 ;;
		esac
		cat "$PARTS/$part"
		exit "$(cat "$PARTS/$part.rc" 2>/dev/null || echo 0)"
	END
}

kcsan_report() { # TITLE FRAME...: between that stack and one of others
	printf '==================\nBUG: KCSAN: data-race in %s\n\n' "$1"
	echo 'write to 0xffff888101d6fc70 of 4 bytes by task 367 on cpu 3:'
	printf ' %s+0xc1/0x100\n' "${@:2}"
	printf '\nread to 0xffff888101d6fc70 of 4 bytes by task 366 on cpu 1:\n'
	printf ' %s+0x61/0xe0\n' poll_schedule_timeout.constprop.0 do_sys_poll
	echo '=================='
}

# Which reports of KCSAN are ours
races() {
	local said rc=0

	said=$({
		echo 'kcsan: strict mode configured'
		kcsan_report 'poll / pollwake' pollwake __wake_up_common __wake_up our_report
		kcsan_report 'deep / poll' kfree a b c our_report
	} | awk -v ours=<(echo our_report) -f "$SCRIPTS/check/kcsan.awk")
	[ "$said" = '# reports between others alone: 2
ok 1 no data race of ours' ] || rc=1
	result "$rc" "of KCSAN's reports, what a waiter does when woken is not ours"
	rc=0
	said=$({
		echo 'kcsan: strict mode configured'
		kcsan_report 'ours / poll' our_report __wake_up_common __wake_up other
		kcsan_report 'list / poll' list_add our_report
	} | awk -v ours=<(echo our_report) -f "$SCRIPTS/check/kcsan.awk")
	[ "$(grep -c '^not ok' <<<"$said")" = 2 ] || rc=1
	result "$rc" "what our functions do is, and what they call for it"
	rc=0
	: | awk -v ours=<(echo our_report) -f "$SCRIPTS/check/kcsan.awk" | grep -q '^not ok' || rc=1
	result "$rc" "a kernel without KCSAN has not shown that there are none"
}

# All is well, but for what the caller changes then.
soak_parts() { # DIRECTORY
	local part

	rm -rf "$1"
	mkdir "$1"
	for part in kunit kcsan models load; do
		printf '%s\n' "# begin $part" 'ok 1 a case' '1..1' "# end $part 0" >"$1/$part"
	done
	echo '# load: 1000 faults: 5 ns each at first, 5 at last' >>"$1/load"
	for part in fuzz-1 fuzz-4; do
		printf '%s\n' '# begin iommu_fuzz' "# all: 60 s, 3 sequences, 200 calls (150\
 succeeded, 9 failed inside), 7 faults, coverage ${part#fuzz-}00, corpus 1, reports: 0" \
			'# end iommu_fuzz 0' '# begin kmemleak' 'ok 1 kmemleak' \
			'# end kmemleak 0' >"$1/$part"
	done
}

soak_says() { # DIRECTORY STATUS END-OF-THE-LAST-LINE NAME
	local said rc=0

	said=$(IOMMUFD_BUILD=$1/build PARTS=$1/parts SEED=1 \
		"$1/scripts/soak.sh" --arch x86_64 60 2>"$1/err" | tail -n 1) || rc=$?
	if [ "$rc" = "$2" ] && [[ $said =~ $3$ ]]; then
		rc=0
	else
		echo "# status $rc: $said"
		rc=1
	fi
	result "$rc" "make soak: $4"
	soak_parts "$1/parts"
}

soak() {
	local dir file rc none='^$' some='reports: [1-9][0-9]*'

	set -o pipefail
	dir=$(mktemp -d)
	mkdir -p "$dir/scripts/check"
	cp "$SCRIPTS/soak.sh" "$SCRIPTS/lib.sh" "$dir/scripts"
	cp "$SCRIPTS/check/count.awk" "$dir/scripts/check"
	for file in plan setup kernel programs vm check/kunit check/kcsan; do
		soak_stand_in >"$dir/scripts/$file.sh"
		chmod +x "$dir/scripts/$file.sh"
	done
	mkdir -p "$dir/build/programs/selftests-model"
	soak_parts "$dir/parts"
	soak_says "$dir" 0 "[1-9]00 calls, 10[1-9][0-9] faults, coverage 400, cases [4-9],\
 reports: 0" "all is well"
	mkdir -p "$dir/build/log"
	printf 'iommu_fuzz: %d: --replay %s --threads 1\nPID: 1 Comm: %s Not tainted\n' \
		33 1f 33:4 34 2f 34:5 >"$dir/build/log/vm-soak.log"
	# The OOM killer's
	echo 'PID: 1 Comm: 31:7 Not tainted' >>"$dir/build/log/vm-soak.log"
	echo 123 >"$dir/parts/fuzz-1.rc"
	soak_says "$dir" 1 "$some" "the kernel warns"
	rc=0
	grep -q 'sequence:call 34:5)' "$dir/err" && grep -q -- '--replay 2f ' "$dir/err" ||
		rc=1
	result "$rc" "and the call at which it did is told"
	rm "$dir/build/log/vm-soak.log"
	sed -i '/^# all/,$d' "$dir/parts/fuzz-4"
	soak_says "$dir" 1 "$some" "the fuzzer does not come to its end"
	sed -i '/^# end/,$d' "$dir/parts/load"
	soak_says "$dir" 1 "$some" "another part does not"
	: >"$dir/parts/kcsan"
	soak_says "$dir" 1 "$some" "a part says nothing"
	sed -i 's/^ok/not ok/' "$dir/parts/kunit"
	soak_says "$dir" 1 "$some" "a case fails"
	sed -i 's/^ok .*/& # SKIP/' "$dir/parts/models"
	soak_says "$dir" 1 "$some" "all cases of a part are skipped"
	sed -i 's/^# all:/# BAD: --replay 1f\n&/' "$dir/parts/fuzz-4"
	soak_says "$dir" 1 "$some" "the fuzzer says what is wrong"
	sed -i 's/ok 1 kmemleak/not &/' "$dir/parts/fuzz-1"
	soak_says "$dir" 1 "$some" "memory is lost"
	sed -i 's/200 calls/0 calls/' "$dir/parts/fuzz-1"
	soak_says "$dir" 1 "$some" "the fuzzer makes no call"
	sed -i 's/coverage [0-9]*, //' "$dir/parts/fuzz-1"
	soak_says "$dir" 1 "$some" "nothing guides the fuzzer"
	sed -i '1s/^/# without failures: none\n/' "$dir/parts/fuzz-1"
	soak_says "$dir" 1 "$some" "nothing fails for the fuzzer"
	echo 'ok 2 another # SKIP' >>"$dir/parts/models"
	soak_says "$dir" 0 'reports: 0' "a case is skipped"
	rc=0
	grep -q '^soak: models.* cases, 1 skipped, reports: 0$' "$dir/build/log/soak.txt" || rc=1
	result "$rc" "and it is told"
	printf '#!/bin/sh\nexit 1\n' >"$dir/scripts/kernel.sh"
	soak_says "$dir" 1 "$none" "there is no kernel"
	[ -e "$dir/build/log/soak.txt" ] && file=1 || file=0
	result "$file" "and what an earlier one has said is gone"
	rm -rf "$dir"
	set +o pipefail
}

warnings
[ "$arch" != x86_64 ] || checkpatch
leaning
if [ "$arch" = x86_64 ]; then
	apart vtd 'vtd/|intel/|\.\./\.\./(device|domain|unit|tables)'
	apart smmuv3 'smmuv3/|arm-smmu|\.\./\.\./(device|domain|unit|tables)'
	spdx
	syzkaller
	fuzzer
	promises
	mutants
	mutants_left
	splats
	races
	soak
fi
echo "1..$n"
