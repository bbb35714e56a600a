#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# model.sh - our kselftests of VT-d and SMMUv3, on the hardware models and their
# functions. A thousand processes at a time take minutes on the debug kernel: they are
# on the fast one.

. "$(dirname "$0")/../check-lib.sh"

programs=$(programs_in selftests-model)
crowds=$(echo "$programs" | grep '_pasids$')
rest=$(echo "$programs" | grep -v '_pasids$')
rc=0
# shellcheck disable=SC2086
TEST_ENV=HUGEPAGES=64 vm_suite model none $rest || rc=$?
# shellcheck disable=SC2086
VM_ARGS="--kernel fast" vm_suite crowd none $crowds || rc=$?
exit "$rc"
