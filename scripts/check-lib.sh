# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the suites in scripts/check/, which source it.

set -eu
# lib.sh finds the repository from $0, a directory further up than here.
SUITE_DIR=$(cd -- "$(dirname -- "$0")" && pwd)
# shellcheck disable=SC2034
REPO_FROM=$SUITE_DIR/../..
. "$SUITE_DIR/../lib.sh"

# programs_in DIRECTORY: what there is in $B/programs/DIRECTORY, as the VM
# names it.
programs_in() {
	local f
	for f in "$B/programs/$1"/*; do
		[ ! -x "$f" ] || echo "/programs/$1/${f##*/}"
	done
}

# vm_suite NAME IOMMU PROGRAM...: on the debug kernel; VM_ARGS are further
# options of vm.sh, TEST_ENV the environment of run-tests.
vm_suite() {
	local name=$1 iommu=$2
	shift 2
	[ $# -gt 0 ] || return 0
	# shellcheck disable=SC2086
	"$SCRIPTS/vm.sh" --kernel debug --iommu "$iommu" --mem 3072 \
		--timeout 1800 --log "check-$name" ${VM_ARGS-} \
		-- env ${TEST_ENV-} run-tests "$@"
}
