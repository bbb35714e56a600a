# SPDX-License-Identifier: GPL-2.0
# Each target is a script; scripts/NAME.sh --help says more.

export YES SUITES
ifdef IOMMUFD_BUILD
export IOMMUFD_BUILD
endif
B := $(or $(IOMMUFD_BUILD),$(CURDIR)/build)

ifneq ($(filter-out x86_64,$(ARCH)),)
$(error ARCH=$(ARCH) is not built yet: only x86_64 is)
endif

.PHONY: help demo check shell kernels programs clean distclean

help:
	@echo 'make demo      show it: DMA through an emulated IOMMU, and a page fault answered'
	@echo 'make check     every test; last line: N passed, N failed, N skipped'
	@echo 'make shell     a virtual machine with this directory at /host'
	@echo 'make kernels   build the kernels: fast and debug'
	@echo 'make programs  build the programs that run in the machine'
	@echo 'make clean     remove the builds of kernels and programs'
	@echo 'make distclean remove the build directory'
	@echo
	@echo 'make check SUITES="kunit abi"   only these suites'
	@echo 'YES=1              do not ask before fetching and building'
	@echo 'IOMMUFD_BUILD=DIR  build there (now: $(B))'
	@echo 'ARCH=x86_64        the only one so far'
	@echo
	@echo 'scripts/vm.sh --help     one command in a virtual machine'
	@echo 'scripts/kernel.sh --help one kernel, or one object of it'

demo:
	@scripts/demo.sh

check:
	@scripts/check.sh $(SUITES)

shell:
	@scripts/plan.sh fast && scripts/setup.sh && scripts/kernel.sh fast >/dev/null
	@scripts/programs.sh
	@scripts/vm.sh --device edu

kernels:
	@scripts/plan.sh fast debug && scripts/setup.sh
	@scripts/kernel.sh fast
	@scripts/kernel.sh debug

programs:
	@scripts/plan.sh && scripts/setup.sh
	@scripts/programs.sh

clean:
	rm -rf $(addprefix $(B)/,fast debug upstream static programs headers \
		upstream-selftest initramfs initramfs.cpio.gz initramfs.cpio.gz.stamp \
		tree tree.from log)

distclean: clean
	rm -rf $(addprefix $(B)/,base ccache lock)
	-rmdir $(B)
