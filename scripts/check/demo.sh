#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# demo.sh - make demo, as a user runs it

. "$(dirname "$0")/../check-lib.sh"

if "$SCRIPTS/demo.sh" </dev/null | sed 's/^/# /'; then
	echo "ok 1 demo"
else
	echo "not ok 1 demo"
fi
