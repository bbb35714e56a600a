# SPDX-License-Identifier: GPL-2.0
# Each target is a script; scripts/NAME.sh --help says more.

export YES SUITES BENCH SEED LOAD MINUTES COVERAGE_MIN FULL LSMOD CONFIG
ifdef IOMMUFD_BUILD
export IOMMUFD_BUILD
endif
B := $(or $(IOMMUFD_BUILD),$(CURDIR)/build)
# No kernel can be built there; and what is removed in it would not be what is meant.
ifneq ($(words $(subst :, ,$(B)x)),1)
$(error The build directory, $(B), has a space or a colon in its name: \
	IOMMUFD_BUILD=DIR names another one)
endif

# The platforms of the machine; a script without one has its own default.
ifneq ($(filter-out x86_64 arm64 all,$(ARCH)),)
$(error ARCH=$(ARCH): the platforms are x86_64, arm64 and all)
endif
ifdef ARCH
export ARCH
endif
HOST := $(if $(filter aarch64,$(shell uname -m)),arm64,x86_64)
PLATFORMS := $(if $(filter all,$(ARCH)),x86_64 arm64,$(or $(ARCH),$(HOST)))
KERNELS = $(foreach a,$(PLATFORMS),$(addprefix $(if $(filter arm64,$(a)),arm64-),$(1)))

.PHONY: help demo check check-upstream soak mutants coverage bench shell kernels programs modules \
	deb deb-image clean distclean

help:
	@echo 'make demo      show it: DMA through an emulated IOMMU, and a page fault answered'
	@echo 'make check     every test; last line: N passed, N failed, N skipped'
	@echo 'make check-upstream  the base tree'\''s own kselftest of iommufd'
	@echo 'make soak      the fuzzer and more for MINUTES=n (now: $(or $(MINUTES),10))'
	@echo 'make mutants   mistakes sown in the code: which of them the tests notice; all that'
	@echo '               have no verdict yet, for MINUTES=n if that is given'
	@echo 'make coverage  which branches of the code the tests take'
	@echo 'make bench     what it costs beside the base tree'\''s own: a table and a chart'
	@echo 'make shell     a virtual machine with this directory at /host'
	@echo 'make kernels   build the kernels: fast and debug'
	@echo 'make programs  build the programs that run in the machine'
	@echo 'make modules   iommufd and VFIO as modules for Debian'\''s own kernel'
	@echo 'make deb       the same as a package for DKMS'
	@echo 'make deb-image a kernel with all of it, as a package for this machine'
	@echo 'make clean     remove the builds of kernels and programs'
	@echo 'make distclean remove the build directory'
	@echo
	@echo 'make check SUITES="kunit abi"   only these suites'
	@echo 'make check SUITES=kcsan         data races; builds a kernel for it'
	@echo 'make bench BENCH=quick          fewer and shorter rows'
	@echo 'ARCH=x86_64|arm64|all  the machine: all for check, else this host (now: $(HOST))'
	@echo 'YES=1              do not ask before fetching and building'
	@echo 'IOMMUFD_BUILD=DIR  build there (now: $(B))'
	@echo 'SEED=n, LOAD=n                   of make soak'
	@echo 'COVERAGE_MIN=n                   of make coverage: the per cent to be reached'
	@echo 'FULL=1, LSMOD=FILE, CONFIG=FILE  of make deb-image'
	@echo 'RELEASE=bookworm|trixie          of make check SUITES=deb'
	@echo
	@echo 'scripts/NAME.sh --help   more of make NAME; of check: which suites there are'
	@echo 'scripts/vm.sh --help     one command in a virtual machine'
	@echo 'scripts/kernel.sh --help one kernel, or one object of it'

demo:
	@scripts/demo.sh

check:
	@scripts/check.sh $(SUITES)

check-upstream:
	@scripts/check.sh --arch $(or $(ARCH),x86_64) upstream fail_nth \
		$(if $(filter all,$(ARCH)),arm64-upstream arm64-fail_nth)

soak:
	@scripts/soak.sh $(MINUTES)

# A boot of a machine for a dozen of them, at least.
mutants:
	@scripts/plan.sh mutants && scripts/setup.sh x86_64
	@scripts/mutants.sh

# SUITES: of kunit, selftests, model and devices.
coverage:
	@scripts/plan.sh $(call KERNELS,gcov) && scripts/setup.sh $(PLATFORMS)
	@set -e; for a in $(PLATFORMS); do scripts/coverage.sh --arch $$a $(SUITES); done

# In x86-64 machines alone, whatever ARCH is.
bench:
	@scripts/bench.sh

shell:
	@scripts/plan.sh $(call KERNELS,fast) && scripts/setup.sh $(PLATFORMS)
	@scripts/kernel.sh fast >/dev/null
	@scripts/programs.sh
	@scripts/vm.sh --device edu

kernels:
	@scripts/plan.sh $(call KERNELS,fast debug) && scripts/setup.sh $(PLATFORMS)
	@set -e; for a in $(PLATFORMS); do \
		scripts/kernel.sh --arch $$a fast; \
		scripts/kernel.sh --arch $$a debug; \
	done

programs:
	@scripts/plan.sh $(call KERNELS,fast) && scripts/setup.sh $(PLATFORMS)
	@set -e; for a in $(PLATFORMS); do scripts/programs.sh --arch $$a; done

modules:
	@scripts/plan.sh modules && scripts/setup.sh x86_64
	@scripts/modules.sh

deb:
	@scripts/deb.sh

# For this host's platform, whatever ARCH is.
deb-image:
	@scripts/plan.sh deb-image && scripts/setup.sh $(HOST) image
	@scripts/deb-image.sh

BUILDS := fast debug kcsan gcov coverage soak mutants pristine bench bench-profile static programs headers upstream-selftest \
	initramfs initramfs.cpio.gz initramfs.cpio.gz.stamp nested client-qemu client-dpdk \
	stock deb-image

clean:
	rm -rf $(addprefix $(B)/,$(BUILDS) tree tree.from log gen_init_cpio) $(B)/disks.* \
		$(addprefix $(B)/arm64/,$(BUILDS))

distclean: clean
	rm -rf $(addprefix $(B)/,base packages ccache lock arm64 mutants.verdicts)
	-rmdir $(B)
