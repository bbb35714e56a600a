// SPDX-License-Identifier: GPL-2.0
/* The mock IOMMU of test kernels: see mock.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mock.h"

static int mock_call(int fd, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return iommu_call(fd, IOMMU_TEST_CMD, cmd);
}

int mock_device(int fd, __u32 pt, __u32 flags, struct mock_device *d)
{
	struct iommu_test_cmd cmd = {
		.op = flags ? IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS :
			      IOMMU_TEST_OP_MOCK_DOMAIN,
		.id = pt,
		.mock_domain_flags = { .dev_flags = flags },
	};
	int rc = mock_call(fd, &cmd);

	d->stdev = cmd.mock_domain_flags.out_stdev_id;
	d->hwpt = cmd.mock_domain_flags.out_hwpt_id;
	d->dev = cmd.mock_domain_flags.out_idev_id;
	return rc;
}

int mock_move(int fd, __u32 stdev, __u32 *pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = stdev,
		.mock_domain_replace = { .pt_id = *pt },
	};
	int rc = mock_call(fd, &cmd);

	if (!rc)
		*pt = cmd.mock_domain_replace.pt_id;
	return rc;
}

int mock_replace(int fd, __u32 stdev, __u32 pt)
{
	return mock_move(fd, stdev, &pt);
}

int mock_maps(int fd, __u32 hwpt, const void *va, __u64 length, __u64 iova)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MD_CHECK_MAP,
		.id = hwpt,
		.check_map = {
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)va,
		},
	};

	return mock_call(fd, &cmd);
}

static int dma_call(int fd, __u32 op, struct mock_dma *dma, __u32 timeout_ms)
{
	struct iommu_test_cmd cmd = {
		.op = op,
		.dma = {
			.dev_id = dma->dev,
			.pasid = dma->pasid,
			.flags = dma->flags,
			.timeout_ms = timeout_ms,
			.iova = dma->iova,
			.uptr = (uintptr_t)dma->data,
			.length = dma->length,
			.handle = dma->handle,
		},
	};
	int rc = mock_call(fd, &cmd);

	if (rc)
		return rc;
	dma->status = cmd.dma.out_status;
	dma->faults = cmd.dma.out_faults;
	dma->done = cmd.dma.out_done;
	dma->handle = cmd.dma.handle;
	return 0;
}

int mock_dma(int fd, struct mock_dma *dma)
{
	dma->handle = 0;
	return dma_call(fd, IOMMU_TEST_OP_DMA, dma, dma->timeout_ms);
}

int mock_dma_wait(int fd, struct mock_dma *dma, __u32 timeout_ms)
{
	__u32 handle = dma->handle;
	int rc = dma_call(fd, IOMMU_TEST_OP_DMA_WAIT, dma, timeout_ms);

	if (!rc && dma->status == MOCK_DMA_PENDING)
		dma->handle = handle;
	return rc;
}

int mock_report(int fd, struct mock_report *r)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_REPORT,
		.report = {
			.dev_id = r->dev,
			.pasid = r->pasid,
			.grpid = r->grpid,
			.perm = r->perm,
			.flags = r->flags,
			.count = r->count,
			.addr = r->addr,
		},
	};
	int rc = mock_call(fd, &cmd);

	r->taken = cmd.report.out_taken;
	r->refused = cmd.report.out_refused;
	return rc;
}

int mock_ledger(int fd, __u32 dev, struct mock_ledger *l)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_LEDGER,
		.ledger = { .dev_id = dev },
	};
	int rc = mock_call(fd, &cmd);

	l->requests = cmd.ledger.out_requests;
	l->dropped = cmd.ledger.out_dropped;
	l->reported = cmd.ledger.out_reported;
	l->taken = cmd.ledger.out_taken;
	l->overflow = cmd.ledger.out_refused_overflow;
	l->other = cmd.ledger.out_refused_other;
	l->success = cmd.ledger.out_answered_success;
	l->invalid = cmd.ledger.out_answered_invalid;
	l->failure = cmd.ledger.out_answered_failure;
	return rc;
}

int mock_cached(int fd, __u32 hwpt, __u64 *entries, __u64 *flushes)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_CACHED,
		.id = hwpt,
	};
	int rc = mock_call(fd, &cmd);

	*entries = cmd.cached.out_entries;
	*flushes = cmd.cached.out_flushes;
	return rc;
}

int mock_cache_is(int fd, __u32 dev, __u32 id, __u32 value)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_DEV_CHECK_CACHE,
		.id = dev,
		.check_dev_cache = { .id = id, .cache = value },
	};

	return mock_call(fd, &cmd);
}

static int trigger_vevent(int fd, __u32 dev, bool other)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_TRIGGER_VEVENT,
		.trigger_vevent = { .dev_id = dev, .other = other },
	};

	return mock_call(fd, &cmd);
}

int mock_vevent(int fd, __u32 dev)
{
	return trigger_vevent(fd, dev, false);
}

int mock_vevent_other(int fd, __u32 dev)
{
	return trigger_vevent(fd, dev, true);
}

int mock_parent(int fd, struct mock_pool *p)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PARENT,
		.parent = {
			.dev_flags = p->dev_flags,
			.flags = p->global ? MOCK_PARENT_GLOBAL : 0,
			.first = p->first,
			.last = p->last,
			.quota = p->quota,
		},
	};
	int rc;

	if (p->parent)
		snprintf(cmd.parent.name, sizeof(cmd.parent.name), "%s",
			 p->parent);
	rc = mock_call(fd, &cmd);
	p->stdev = cmd.parent.out_stdev_id;
	p->id = cmd.parent.out_parent;
	return rc;
}

static int mediated(int fd, __u32 parent, __u32 pool, __u32 pt, __u32 flags,
		    struct mock_device *d)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MEDIATED,
		.id = pt,
		.mediated = { .parent = parent, .pool = pool, .flags = flags },
	};
	int rc = mock_call(fd, &cmd);

	d->stdev = cmd.mediated.out_stdev_id;
	d->hwpt = cmd.mediated.out_hwpt_id;
	d->dev = cmd.mediated.out_idev_id;
	return rc;
}

int mock_mediated(int fd, __u32 parent, __u32 pt, struct mock_device *d)
{
	return mediated(fd, parent, 0, pt, 0, d);
}

int mock_mediated_of_pool(int fd, __u32 parent, __u32 pool,
			  struct mock_device *d)
{
	return mediated(fd, parent, pool, 0, 0, d);
}

int mock_mediated_file(int fd, __u32 parent, __u32 pt, struct mock_device *d)
{
	return mediated(fd, parent, 0, pt, MOCK_MEDIATED_OWN_FILE, d);
}

int mock_pasid(int fd, __u32 op, __u32 stdev, __u32 pasid, __u32 *pt)
{
	struct iommu_test_cmd cmd = {
		.op = op,
		.id = stdev,
		.pasid_attach = { .pasid = pasid, .pt_id = *pt },
	};
	int rc = mock_call(fd, &cmd);

	if (!rc)
		*pt = cmd.pasid_attach.pt_id;
	return rc;
}

int mock_pasid_detach(int fd, __u32 stdev, __u32 pasid)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_DETACH,
		.id = stdev,
		.pasid_detach = { .pasid = pasid },
	};

	return mock_call(fd, &cmd);
}

int mock_pasid_is(int fd, __u32 stdev, __u32 pasid, __u32 hwpt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_CHECK_HWPT,
		.id = stdev,
		.pasid_check = { .pasid = pasid, .hwpt_id = hwpt },
	};

	return mock_call(fd, &cmd);
}

int mock_vm(int fd, __u32 *id)
{
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_VM };
	int rc = mock_call(fd, &cmd);

	*id = cmd.vm.out_id;
	return rc;
}

int mock_vm_lookup(int fd, __u32 vm, __u32 dev, __u32 vpasid, __u32 *ppasid)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_VM_LOOKUP,
		.id = vm,
		.vm_lookup = { .dev_id = dev, .vpasid = vpasid },
	};
	int rc = mock_call(fd, &cmd);

	*ppasid = cmd.vm_lookup.out_ppasid;
	return rc;
}

int mock_vm_state(int fd, __u32 vm, struct mock_vm_state *state)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_VM_STATE,
		.id = vm,
	};
	int rc = mock_call(fd, &cmd);

	state->entries = cmd.vm_state.out_entries;
	state->gone = cmd.vm_state.out_gone;
	state->stale = cmd.vm_state.out_stale;
	return rc;
}

int mock_poison(int fd, void *stack, void *heap)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_POISON,
		.poison = {
			.leak_stack = (uintptr_t)stack,
			.leak_heap = (uintptr_t)heap,
		},
	};

	return mock_call(fd, &cmd);
}

int mock_msi(int fd, __u32 dev, __u64 doorbell, __u64 *addr)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MSI,
		.id = dev,
		.msi = { .doorbell = doorbell },
	};
	int rc = mock_call(fd, &cmd);

	*addr = cmd.msi.out_addr;
	return rc;
}

int mock_msi_write(int fd, __u32 dev, __u64 addr, __u64 *reached)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MSI_WRITE,
		.id = dev,
		.msi_write = { .addr = addr },
	};
	int rc = mock_call(fd, &cmd);

	*reached = cmd.msi_write.out_paddr;
	return rc;
}
