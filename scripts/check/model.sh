#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# model.sh - our kselftests of VT-d, on the hardware model and its functions

# shellcheck disable=SC2046
. "$(dirname "$0")/../check-lib.sh"
on x86_64

TEST_ENV=HUGEPAGES=64 vm_suite model none $(programs_in selftests-model)
