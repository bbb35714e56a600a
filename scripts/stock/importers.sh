#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# importers.sh - which modules want a symbol of VFIO
#
#   importers.sh MODULE...      .ko, .ko.xz
#
# One line for a module that does: its name and those that it needs, as modpost has
# written them into it. (kvm is not one: it looks for functions of VFIO at run time, and
# those that it uses know nothing of struct vfio_device.)

for module; do
	case $module in
	*.xz) xz -dc "$module" ;;
	*) cat "$module" ;;
	esac | grep -aom1 'depends=[a-z0-9_,-]*' | head -n 1 | {
		read -r needs || exit 0
		case ",${needs#depends=}," in
		*,vfio,* | *,vfio-pci-core,* | *,vfio_pci_core,*) ;;
		*) exit 0 ;;
		esac
		name=${module##*/}
		echo "${name%%.ko*} $needs"
	}
done
