#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qemu-container.sh - the same as qemu.sh, but QEMU is not told of /dev/iommu: it takes
# /dev/vfio/vfio, which is on top of it; on VT-d and, as arm64-qemu-container, on SMMUv3

QEMU_SUITE=qemu-container exec "$(dirname "$0")/qemu.sh" container
