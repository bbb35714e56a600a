#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# demo.sh - make demo, as a user runs it; real DMA goes through our own driver

. "$(dirname "$0")/../check-lib.sh"

case $arch in
x86_64) driven="driven by iommufd's own VT-d driver" ;;
arm64) driven="driven by iommufd's own SMMUv3 driver" ;;
esac
# Not a pipe: its status would be that of sed, whatever the demo's is.
out=$(mktemp)
trap 'rm -f "$out"' EXIT
verdict="not ok"
if "$SCRIPTS/demo.sh" --arch "$arch" </dev/null >"$out" && grep -q "$driven" "$out"; then
	verdict="ok"
fi
sed 's/^/# /' "$out"
echo "$verdict 1 demo"
