# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the suites in scripts/check/, which source it.

set -eu
# lib.sh finds the repository from $0, a directory further up than here.
SUITE_DIR=$(cd -- "$(dirname -- "$0")" && pwd)
# shellcheck disable=SC2034,SC2154
REPO_FROM=$SUITE_DIR/../..
. "$SUITE_DIR/../lib.sh"

# The platform is in ARCH: a suite of several is run once for each.
for_arch "${ARCH:-$HOST_ARCH}"
# How the names of the machines' logs begin. A soak's are not those of a make check that
# runs beside it: LOG_START.
# shellcheck disable=SC2154
log_start=${LOG_START:-check}-$log_arch

# on ARCH...: the platforms of a suite that is not for all
on() {
	case " $* " in
	*" $arch "*) ;;
	*) die "this suite is for $*" ;;
	esac
}

# programs_in DIRECTORY: what there is in $A/programs/DIRECTORY, as the VM
# names it.
programs_in() {
	local f
	for f in "$A/programs/$1"/*; do
		[ ! -x "$f" ] || echo "/programs/$1/${f##*/}"
	done
}

# Of what version the base tree's kselftest is
tell_upstream() {
	echo "# client: the kselftest of Linux $(make -s -C "$BASE" kernelversion), of" \
		"$BASE_PACKAGE $(dpkg-query -W -f '${Version}' "$BASE_PACKAGE" 2>/dev/null)"
}

# vm_suite NAME IOMMU PROGRAM...: on the debug kernel; VM_ARGS are further
# options of vm.sh, TEST_ENV the environment of run-tests.
vm_suite() {
	local name=$1 iommu=$2
	shift 2
	[ $# -gt 0 ] || return 0
	# shellcheck disable=SC2086
	"$SCRIPTS/vm.sh" --arch "$arch" --kernel debug --iommu "$iommu" --mem 3072 \
		--timeout 3000 --log "$log_start$name" ${VM_ARGS-} \
		-- env ${TEST_ENV-} run-tests "$@"
}
