/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mock IOMMU of test kernels and its devices (CONFIG_IOMMUFD_TEST): a
 * device that does DMA, sends page requests and counts what became of them.
 */
#ifndef TOOLS_IOMMU_LIB_MOCK_H
#define TOOLS_IOMMU_LIB_MOCK_H

#include "iommu.h"

#include "../../../drivers/iommu/iommufd/iommufd_test.h"

/**
 * struct mock_device - a mock device that this program made
 * @stdev: names the device for the mock; destroying it removes the device
 * @hwpt: what it was attached to when it was made
 * @dev: the device's id for every other command
 */
struct mock_device {
	__u32 stdev;
	__u32 hwpt;
	__u32 dev;
};

/* Makes a device, binds it and attaches it to IOAS or HWPT @pt. */
int mock_device(int fd, __u32 pt, __u32 flags, struct mock_device *d);
int mock_replace(int fd, __u32 stdev, __u32 pt);
/* *@pt: in the IOAS or HWPT, out the HWPT. */
int mock_move(int fd, __u32 stdev, __u32 *pt);
/* 0 if HWPT @hwpt maps exactly this memory at @iova, else -EINVAL. */
int mock_maps(int fd, __u32 hwpt, const void *va, __u64 length, __u64 iova);

/**
 * struct mock_dma - one DMA of a mock device
 * @dev: device
 * @flags: MOCK_DMA_*
 * @pasid: with MOCK_DMA_PASID_VALID
 * @timeout_ms: how long to wait; 0: for ever
 * @iova: address the device uses
 * @data: bytes the device writes, or room for those it reads
 * @length: how many
 * @status: out: MOCK_DMA_OK and so on
 * @faults: out: page requests it sent
 * @done: out: bytes moved
 * @handle: out, if it is not finished
 */
struct mock_dma {
	__u32 dev;
	__u32 flags;
	__u32 pasid;
	__u32 timeout_ms;
	__u64 iova;
	void *data;
	__u64 length;
	__u32 status;
	__u32 faults;
	__u64 done;
	__u32 handle;
};

int mock_dma(int fd, struct mock_dma *dma);
/* Fetches the result of a DMA that was not finished. */
int mock_dma_wait(int fd, struct mock_dma *dma, __u32 timeout_ms);

/**
 * struct mock_report - page requests to send, nothing else
 * @dev: device
 * @flags: MOCK_REPORT_*
 * @pasid: with MOCK_REPORT_PASID_VALID
 * @grpid: page request group index of the first
 * @perm: IOMMU_PGFAULT_PERM_*
 * @count: requests
 * @addr: address of the first; the next is one page further
 * @taken: out: kept by the kernel
 * @refused: out: the others
 */
struct mock_report {
	__u32 dev;
	__u32 flags;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 count;
	__u64 addr;
	__u32 taken;
	__u32 refused;
};

int mock_report(int fd, struct mock_report *r);

/*
 * Mediated devices: makes a parent, which is what @p->parent says or else a new mock
 * device; PASIDs come from its own pool, or with @p->global from the global one.
 */
struct mock_pool {
	const char *parent;
	bool global;
	__u32 dev_flags;
	__u32 first;
	__u32 last;
	__u32 quota;
	__u32 stdev;
	__u32 id;
};

int mock_parent(int fd, struct mock_pool *p);
/* @pt 0: not attached. */
int mock_mediated(int fd, __u32 parent, __u32 pt, struct mock_device *d);
/* With PASIDs of the pool of another parent, which is refused unless that is global. */
int mock_mediated_of_pool(int fd, __u32 parent, __u32 pool,
			  struct mock_device *d);
/* d->stdev is a file; the context is there as long as that is. */
int mock_mediated_file(int fd, __u32 parent, __u32 pt, struct mock_device *d);

/* By the calls for drivers; @op: IOMMU_TEST_OP_PASID_ATTACH or _REPLACE. */
int mock_pasid(int fd, __u32 op, __u32 stdev, __u32 pasid, __u32 *pt);
int mock_pasid_detach(int fd, __u32 stdev, __u32 pasid);
/* 0 if it is attached to @hwpt (0: to none), else -EINVAL. */
int mock_pasid_is(int fd, __u32 stdev, __u32 pasid, __u32 hwpt);

/* A stand-in for a hypervisor: entries it keeps, those it heard the end of. */
struct mock_vm_state {
	__u64 entries;
	__u64 gone;
	__u64 stale;
};

int mock_vm(int fd, __u32 *id);
int mock_vm_lookup(int fd, __u32 vm, __u32 dev, __u32 vpasid, __u32 *ppasid);
int mock_vm_state(int fd, __u32 vm, struct mock_vm_state *state);

/* What the device counted since it was made; see iommufd_test.h. */
struct mock_ledger {
	__u64 requests;
	__u64 dropped;
	__u64 reported;
	__u64 taken;
	__u64 overflow;
	__u64 other;
	__u64 success;
	__u64 invalid;
	__u64 failure;
};

int mock_ledger(int fd, __u32 dev, struct mock_ledger *l);

/*
 * Interrupts: *@addr is what the device is told to write to, for a doorbell that is at
 * @doorbell. And what a write of it to @addr reaches; -ENOENT: nothing.
 */
int mock_msi(int fd, __u32 dev, __u64 doorbell, __u64 *addr);
int mock_msi_write(int fd, __u32 dev, __u64 addr, __u64 *reached);

/*
 * The kernel finds MOCK_POISON in memory that it does not set. With @stack or @heap,
 * MOCK_LEAK_SIZE bytes each: what it would find now.
 */
int mock_poison(int fd, void *stack, void *heap);

/* What the IOTLB of a HWPT holds, and how often it was flushed. */
int mock_cached(int fd, __u32 hwpt, __u64 *entries, __u64 *flushes);

/* 0 if entry @id of the device's cache is @value, else -EINVAL. */
int mock_cache_is(int fd, __u32 dev, __u32 id, __u32 value);
/* Something happens to a device that its guest hears of. */
int mock_vevent(int fd, __u32 dev);
/* The same of type IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER */
int mock_vevent_other(int fd, __u32 dev);

static inline __u64 mock_unanswered(const struct mock_ledger *l)
{
	return l->taken - l->success - l->invalid - l->failure;
}

#endif
