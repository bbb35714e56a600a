#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fail_nth.sh - the base tree's fault-injection kselftest against our iommufd

. "$(dirname "$0")/../check-lib.sh"

vm_suite fail_nth none /programs/upstream/iommufd_fail_nth_upstream
