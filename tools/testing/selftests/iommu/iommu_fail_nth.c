// SPDX-License-Identifier: GPL-2.0
/*
 * Every call of the ABI with its first, second, third ... inner step failing,
 * until none is left that can fail: memory (failslab, fail_page_alloc), copies
 * from and to the program (fail_usercopy), and the places that fail_iommufd
 * marks in the code. After each failure the call has failed as a whole: what
 * fdinfo shows and what is pinned is as before, the same call succeeds, and what
 * it made can be taken away.
 *
 * What this does not show: two failures in one call, failures in other threads
 * on its behalf, and leaks (kmemleak does, after the run).
 */
#include "bar_test.h"
#include "fail_nth.h"
#include "fault_test.h"

#include <sys/stat.h>

#define MOST_STEPS	400
/* Of an operation: whatever was made to fail, that is not what is to come of it */
#define WRONG		(-EBADMSG)

#define LATE		(MOCK_FLAGS_DEVICE_LATE | MOCK_FLAGS_DEVICE_NARROW)

FIXTURE(fail) {
	struct fault_test t;
	struct mock_device spare;
	struct mock_device with_pasids;
	/* Its tables are decided on when it is attached */
	struct mock_device late;
	/* Goes with none of the others, which no property says */
	struct mock_device unsaid;
	/* Of a driver that iommufd knows nothing of */
	struct mock_device foreign;
	char *memory;
	/* Of a PCI function, or memory where there is none */
	void *bar;
	__u32 ioas2;
	__u32 nested;
	__u32 viommu;
	/* Mediated devices: of a pool of the parent's, of the global one */
	struct mock_pool pool[2];
	struct mock_device part[2];
	__u32 vm;
	int fail_fd;
};

FIXTURE_SETUP(fail)
{
	struct fault_test *t = &self->t;
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	int rc, i;

	rc = ft_init(t, true, 64, 0);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	self->fail_fd = fail_nth_open();
	if (self->fail_fd < 0 || !injectors_ready())
		SKIP(return, "this kernel injects no failures");
	ASSERT_EQ(0, iommu_ioas_alloc(t->fd, &self->ioas2));
	ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &self->spare));
	ASSERT_EQ(0, mock_device(t->fd, t->ioas,
				 MOCK_FLAGS_DEVICE_PASID |
				 MOCK_FLAGS_DEVICE_RESERVED,
				 &self->with_pasids));
	ASSERT_EQ(0, mock_device(t->fd, self->ioas2, LATE, &self->late));
	ASSERT_EQ(0, mock_device(t->fd, 0, MOCK_FLAGS_DEVICE_OTHER_UNIT |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &self->unsaid));
	ASSERT_EQ(0, mock_device(t->fd, 0, MOCK_FLAGS_DEVICE_FOREIGN |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &self->foreign));
	ASSERT_EQ(0, iommu_hwpt_nested(t->fd, t->dev[0].dev, t->parent, 0, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &self->nested));
	ASSERT_EQ(0, iommu_viommu(t->fd, t->dev[0].dev, t->parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0,
				  &self->viommu));
	for (i = 0; i < 2; i++) {
		self->pool[i] = (struct mock_pool){
			.global = i,
			.dev_flags = MOCK_FLAGS_DEVICE_PASID |
				     MOCK_FLAGS_DEVICE_RESERVED,
			.first = 1,
			.last = 1000,
			.quota = 4,
		};
		ASSERT_EQ(0, mock_parent(t->fd, &self->pool[i]));
		ASSERT_EQ(0, mock_mediated(t->fd, self->pool[i].id, 0,
					   &self->part[i]));
	}
	ASSERT_EQ(0, mock_vm(t->fd, &self->vm));
	self->memory = mem_get(16 * PAGE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_map(t->fd, t->ioas, self->memory, 4 * PAGE,
			       IOVA_BASE));
}

FIXTURE_TEARDOWN(fail)
{
	struct fault_test *t = &self->t;

	if (self->fail_fd >= 0)
		close(self->fail_fd);
	FT_CHECK_LEDGER(t);
	close(t->queue);
	close(t->fd);
}

/*
 * One operation. @prepare brings things to where @run can be called, once for
 * each try; @run is what failures are injected into and returns 0 or a negative
 * errno; @undo takes back what a successful @run did.
 */
struct operation {
	const char *name;
	int (*prepare)(FIXTURE_DATA(fail) *self);
	int (*run)(FIXTURE_DATA(fail) *self);
	int (*undo)(FIXTURE_DATA(fail) *self);
};

/* Ids and cookies made by one step for the next */
static __u32 made_id;
static __u32 made_id2;
static int made_fd;
static __u64 chosen_iova;
static __u32 cookie;
static struct iommu_hwpt_pgfault records[8];

static int none(FIXTURE_DATA(fail) *self)
{
	(void)self;
	return 0;
}

static int destroy_made(FIXTURE_DATA(fail) *self)
{
	return iommu_destroy(self->t.fd, made_id);
}

static int run_ioas_alloc(FIXTURE_DATA(fail) *self)
{
	return iommu_ioas_alloc(self->t.fd, &made_id);
}

/* Ids below this one are found by way of a piece of memory that is there already. */
#define IDS_TOGETHER	64

static __u32 filler[IDS_TOGETHER];
static unsigned int num_fillers;

static int prepare_full_ids(FIXTURE_DATA(fail) *self)
{
	for (num_fillers = 0; num_fillers < IDS_TOGETHER; num_fillers++) {
		__u32 *id = &filler[num_fillers];
		int rc = iommu_ioas_alloc(self->t.fd, id);

		if (rc)
			return rc;
		if (*id >= IDS_TOGETHER)
			return iommu_destroy(self->t.fd, *id);
	}
	return -EPROTO;
}

static int undo_full_ids(FIXTURE_DATA(fail) *self)
{
	int rc = destroy_made(self);

	while (!rc && num_fillers > 0)
		rc = iommu_destroy(self->t.fd, filler[--num_fillers]);
	return rc;
}

static int run_allow(FIXTURE_DATA(fail) *self)
{
	struct iommu_iova_range r[] = {
		{ IOVA_BASE, 2 * IOVA_BASE - 1 },
		{ 3 * IOVA_BASE, 4 * IOVA_BASE - 1 },
	};

	return iommu_allow(self->t.fd, self->ioas2, r, 2);
}

static int undo_allow(FIXTURE_DATA(fail) *self)
{
	return iommu_allow(self->t.fd, self->ioas2, NULL, 0);
}

static int run_ranges(FIXTURE_DATA(fail) *self)
{
	struct iommu_iova_range r[8];
	__u32 num = 8;

	return iommu_ranges(self->t.fd, self->t.ioas, r, &num, NULL);
}

static int run_map(FIXTURE_DATA(fail) *self)
{
	return iommu_map(self->t.fd, self->t.ioas, self->memory, 16 * PAGE,
			 2 * IOVA_BASE);
}

static int undo_map(FIXTURE_DATA(fail) *self)
{
	return iommu_unmap(self->t.fd, self->t.ioas, 2 * IOVA_BASE, 16 * PAGE,
			   NULL);
}

static int prepare_bar(FIXTURE_DATA(fail) *self)
{
	int file;

	if (self->bar)
		return 0;
	file = open_any_bar();
	if (file >= 0) {
		self->bar = see_bar(file);
		close(file);
	}
	if (!self->bar)
		self->bar = self->memory;
	return 0;
}

static int run_map_bar(FIXTURE_DATA(fail) *self)
{
	return iommu_map(self->t.fd, self->t.ioas, self->bar, BAR_LENGTH,
			 2 * IOVA_BASE);
}

static int undo_map_bar(FIXTURE_DATA(fail) *self)
{
	return iommu_unmap(self->t.fd, self->t.ioas, 2 * IOVA_BASE, BAR_LENGTH,
			   NULL);
}

static int run_copy(FIXTURE_DATA(fail) *self)
{
	__u64 to = 3 * IOVA_BASE;

	return iommu_copy(self->t.fd, self->t.ioas, self->t.ioas, IOVA_BASE,
			  4 * PAGE, IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
			  &to);
}

static int undo_copy(FIXTURE_DATA(fail) *self)
{
	return iommu_unmap(self->t.fd, self->t.ioas, 3 * IOVA_BASE, 4 * PAGE,
			   NULL);
}

static int run_unmap(FIXTURE_DATA(fail) *self)
{
	return iommu_unmap(self->t.fd, self->t.ioas, IOVA_BASE, 4 * PAGE, NULL);
}

static int undo_unmap(FIXTURE_DATA(fail) *self)
{
	return iommu_map(self->t.fd, self->t.ioas, self->memory, 4 * PAGE,
			 IOVA_BASE);
}

/* More than are kept on the stack */
#define ENTRIES	6

static int run_map_array(FIXTURE_DATA(fail) *self)
{
	struct iommu_ioas_map_entry e[ENTRIES];
	__u32 num = ENTRIES;
	int i, rc;

	for (i = 0; i < ENTRIES; i++)
		e[i] = (struct iommu_ioas_map_entry){
			.flags = IOMMU_MAP_RW |
				 (i ? IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA : 0),
			.user_va = (uintptr_t)self->memory + i * PAGE,
			.length = PAGE,
			.iova = 2 * IOVA_BASE + 2 * i * PAGE,
		};
	rc = iommu_map_array(self->t.fd, self->t.ioas, 0, e, &num, NULL);
	chosen_iova = e[0].iova;
	/* Each time from the beginning: what is done is a part of it */
	for (i = 0; rc && i < (int)num; i++)
		if (iommu_unmap(self->t.fd, self->t.ioas, e[i].iova, PAGE,
				NULL))
			return -EPROTO;
	return rc;
}

static int undo_map_array(FIXTURE_DATA(fail) *self)
{
	struct iommu_ioas_unmap_entry e[ENTRIES];
	__u32 num = ENTRIES;
	__u64 done;
	int i, rc;

	for (i = 0; i < ENTRIES; i++)
		e[i] = (struct iommu_ioas_unmap_entry){
			.iova = i ? 2 * IOVA_BASE + 2 * i * PAGE : chosen_iova,
			.length = PAGE,
		};
	rc = iommu_unmap_array(self->t.fd, self->t.ioas, e, &num, &done);
	if (!rc && (num != ENTRIES || done != ENTRIES * PAGE))
		return -EPROTO;
	return rc;
}

/* Set to 0 and back, so that nothing is left of it */
static int run_option(FIXTURE_DATA(fail) *self)
{
	__u64 value = 0;

	return iommu_option(self->t.fd, IOMMU_OPTION_HUGE_PAGES,
			    IOMMU_OPTION_OP_SET, self->ioas2, &value);
}

static int undo_option(FIXTURE_DATA(fail) *self)
{
	__u64 value = 1;

	return iommu_option(self->t.fd, IOMMU_OPTION_HUGE_PAGES,
			    IOMMU_OPTION_OP_SET, self->ioas2, &value);
}

static int vfio_ioas(FIXTURE_DATA(fail) *self, __u16 op)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c),
		.op = op,
		.ioas_id = op == IOMMU_VFIO_IOAS_SET ? self->ioas2 : 0,
	};

	return iommu_call(self->t.fd, IOMMU_VFIO_IOAS, &c);
}

static int run_vfio_ioas(FIXTURE_DATA(fail) *self)
{
	return vfio_ioas(self, IOMMU_VFIO_IOAS_SET);
}

static int undo_vfio_ioas(FIXTURE_DATA(fail) *self)
{
	return vfio_ioas(self, IOMMU_VFIO_IOAS_CLEAR);
}

static int run_hwpt_paging(FIXTURE_DATA(fail) *self)
{
	return iommu_hwpt_paging(self->t.fd, self->t.dev[0].dev, self->t.ioas,
				 0, 0, &made_id);
}

static int run_hwpt_parent(FIXTURE_DATA(fail) *self)
{
	return iommu_hwpt_paging(self->t.fd, self->t.dev[0].dev, self->t.ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT |
				 IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &made_id);
}

static int run_hwpt_fault(FIXTURE_DATA(fail) *self)
{
	return ft_table(&self->t, false, self->t.queue_id, &made_id);
}

static int run_hwpt_nested(FIXTURE_DATA(fail) *self)
{
	return ft_table(&self->t, true, self->t.queue_id, &made_id);
}

static int run_hw_info(FIXTURE_DATA(fail) *self)
{
	struct iommu_test_hw_info info[4];
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = self->t.dev[0].dev,
		.data_len = sizeof(info),
		.data_uptr = (uintptr_t)info,
	};

	return iommu_call(self->t.fd, IOMMU_GET_HW_INFO, &c);
}

static int prepare_dirty(FIXTURE_DATA(fail) *self)
{
	return iommu_hwpt_paging(self->t.fd, self->t.dev[0].dev, self->t.ioas,
				 IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &made_id);
}

static int track(FIXTURE_DATA(fail) *self, __u32 flags)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c),
		.flags = flags,
		.hwpt_id = made_id,
	};

	return iommu_call(self->t.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

static int run_set_dirty(FIXTURE_DATA(fail) *self)
{
	return track(self, IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
}

static int prepare_get_dirty(FIXTURE_DATA(fail) *self)
{
	int rc = prepare_dirty(self);

	return rc ? rc : track(self, IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
}

static int run_get_dirty(FIXTURE_DATA(fail) *self)
{
	__u64 bits[4] = { 0 };
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c),
		.hwpt_id = made_id,
		.iova = IOVA_BASE,
		.length = 4 * PAGE,
		.page_size = MOCK_PAGE,
		.data = (uintptr_t)bits,
	};

	return iommu_call(self->t.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

static int run_invalidate(FIXTURE_DATA(fail) *self)
{
	struct iommu_hwpt_invalidate_selftest r[4] = { 0 };
	__u32 num = 4;

	return iommu_hwpt_invalidate(self->t.fd, self->nested,
				     IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, r,
				     sizeof(r[0]), &num);
}

static int run_fault_alloc(FIXTURE_DATA(fail) *self)
{
	made_fd = iommu_fault_queue(self->t.fd, 16, 0, 0, &made_id);
	return made_fd < 0 ? made_fd : 0;
}

static int undo_fault_alloc(FIXTURE_DATA(fail) *self)
{
	close(made_fd);
	return iommu_destroy(self->t.fd, made_id);
}

static int run_features(FIXTURE_DATA(fail) *self)
{
	__u32 revision;
	__u64 bits;

	return iommu_features(self->t.fd, &revision, &bits);
}

static int run_open(FIXTURE_DATA(fail) *self)
{
	(void)self;
	made_fd = iommu_open();
	return made_fd < 0 ? made_fd : 0;
}

static int undo_open(FIXTURE_DATA(fail) *self)
{
	(void)self;
	return close(made_fd) ? -errno : 0;
}

/* Binds and attaches, in one call. */
static int run_device(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_device(self->t.fd, self->ioas2, 0, &d);

	made_id = d.stdev;
	return rc;
}

/* It has properties that firmware told, as well. */
static int run_device_with_pasids(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_device(self->t.fd, self->ioas2, MOCK_FLAGS_DEVICE_PASID,
			     &d);

	made_id = d.stdev;
	return rc;
}

static int run_device_to_hwpt(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_device(self->t.fd, self->t.hwpt, 0, &d);

	made_id = d.stdev;
	return rc;
}

/* Attached, and then filled */
static int run_late(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_device(self->t.fd, self->t.ioas, LATE, &d);

	made_id = d.stdev;
	return rc;
}

static int run_late_replace(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->late.stdev, self->t.ioas);
}

static int undo_late_replace(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->late.stdev, self->ioas2);
}

static int run_late_hwpt(FIXTURE_DATA(fail) *self)
{
	return iommu_hwpt_paging(self->t.fd, self->late.dev, self->t.ioas, 0, 0,
				 &made_id);
}

/* One that is not filled, each time */
static int prepare_late_hwpt(FIXTURE_DATA(fail) *self)
{
	return iommu_hwpt_paging(self->t.fd, self->late.dev, self->t.ioas, 0, 0,
				 &made_id);
}

static int run_late_replace_hwpt(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->late.stdev, made_id);
}

static int undo_late_replace_hwpt(FIXTURE_DATA(fail) *self)
{
	int rc = undo_late_replace(self);

	return rc ? rc : iommu_destroy(self->t.fd, made_id);
}

/* The spare device: from the IOAS to a table with a queue, and back */
static int run_replace(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->spare.stdev, self->t.hwpt);
}

static int undo_replace(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->spare.stdev, self->t.ioas);
}

static int run_replace_ioas(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->spare.stdev, self->ioas2);
}

/* With faults of the device outstanding */
static int prepare_drain(FIXTURE_DATA(fail) *self)
{
	int rc = ft_group(&self->t, 2);

	if (!rc)
		self->t.n.drained_success++;
	return rc;
}

static int run_drain(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->t.dev[0].stdev, self->t.ioas);
}

static int undo_drain(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, self->t.dev[0].stdev, self->t.hwpt);
}

static int prepare_destroy(FIXTURE_DATA(fail) *self)
{
	return iommu_ioas_alloc(self->t.fd, &made_id2);
}

static int run_destroy(FIXTURE_DATA(fail) *self)
{
	return iommu_destroy(self->t.fd, made_id2);
}

static int prepare_read(FIXTURE_DATA(fail) *self)
{
	return ft_group(&self->t, 3);
}

static int run_read(FIXTURE_DATA(fail) *self)
{
	int n = iommu_fault_read(self->t.queue, records, 8);

	return n == 3 ? 0 : n < 0 ? n : -EPROTO;
}

static int undo_read(FIXTURE_DATA(fail) *self)
{
	return ft_answer(&self->t, records[0].cookie,
			 IOMMUFD_PAGE_RESP_SUCCESS);
}

static int prepare_write(FIXTURE_DATA(fail) *self)
{
	int rc = ft_group(&self->t, 1);

	if (rc)
		return rc;
	if (iommu_fault_read(self->t.queue, records, 1) != 1)
		return -EPROTO;
	cookie = records[0].cookie;
	return 0;
}

static int run_write(FIXTURE_DATA(fail) *self)
{
	return ft_answer(&self->t, cookie, IOMMUFD_PAGE_RESP_INVALID);
}

/* More answers than are kept on the stack */
#define MANY	40

static int prepare_write_many(FIXTURE_DATA(fail) *self)
{
	static struct iommu_hwpt_pgfault r[MANY];

	if (ft_singles(&self->t, 0, MANY) != MANY ||
	    ft_read_all(&self->t, r, MANY) != MANY)
		return -EPROTO;
	made_id2 = 0;
	memcpy(records, r, sizeof(records));
	for (int i = 0; i < MANY; i++)
		((__u32 *)self->memory)[i] = r[i].cookie;
	return 0;
}

/* A short write is allowed; it must say how far it got. */
static int run_write_many(FIXTURE_DATA(fail) *self)
{
	struct iommu_hwpt_page_response a[MANY] = { 0 };
	ssize_t n;
	int i;

	for (i = (int)made_id2; i < MANY; i++)
		a[i].cookie = ((__u32 *)self->memory)[i];
	n = write(self->t.queue, a + made_id2, sizeof(a) -
		  made_id2 * sizeof(a[0]));
	if (n < 0)
		return -errno;
	made_id2 += (__u32)n / 8;
	self->t.n.success += (__u64)n / 8;
	return made_id2 == MANY ? 0 : -EINTR;
}

/* Maps and answers; an attempt that failed has answered nothing. */
static int run_map_answer(FIXTURE_DATA(fail) *self)
{
	int rc = iommu_map_answer(self->t.fd, self->t.ioas, self->t.queue_id,
				  cookie, self->memory, PAGE, 2 * IOVA_BASE);

	/* Answered, but the number could not be stored */
	if (rc == -ESTALE)
		rc = 0;
	self->t.n.success += !rc;
	return rc;
}

static int undo_map_answer(FIXTURE_DATA(fail) *self)
{
	return iommu_unmap(self->t.fd, self->t.ioas, 2 * IOVA_BASE, PAGE, NULL);
}

static int run_dma(FIXTURE_DATA(fail) *self)
{
	char data[16];
	struct mock_dma d = {
		.dev = self->spare.dev,
		.iova = IOVA_BASE,
		.data = data,
		.length = sizeof(data),
		.timeout_ms = FOREVER_MS,
	};
	int rc = mock_dma(self->t.fd, &d);

	return rc ? rc : d.status == MOCK_DMA_OK ? 0 : -EPROTO;
}

static int pasid_attach(FIXTURE_DATA(fail) *self, __u32 pt)
{
	return iommu_pasid_attach(self->t.fd, self->with_pasids.dev, 9, &pt);
}

static int run_pasid_attach(FIXTURE_DATA(fail) *self)
{
	/* Nobody else uses it: the HWPT is made for this. */
	return pasid_attach(self, self->ioas2);
}

static int run_pasid_attach_hwpt(FIXTURE_DATA(fail) *self)
{
	return pasid_attach(self, self->t.hwpt);
}

static int run_pasid_detach(FIXTURE_DATA(fail) *self)
{
	return iommu_pasid_detach(self->t.fd, self->with_pasids.dev, 9);
}

static int run_pasid_replace(FIXTURE_DATA(fail) *self)
{
	__u32 pt = self->t.hwpt;

	return iommu_pasid_replace(self->t.fd, self->with_pasids.dev, 9, &pt);
}

static int run_pasid_replace_ioas(FIXTURE_DATA(fail) *self)
{
	__u32 pt = self->ioas2;

	return iommu_pasid_replace(self->t.fd, self->with_pasids.dev, 9, &pt);
}

static int pri(FIXTURE_DATA(fail) *self, __u32 op)
{
	struct iommu_device_pri c = { 0 };

	return iommu_pri(self->t.fd, self->with_pasids.dev, op, &c);
}

static int run_pri_enable(FIXTURE_DATA(fail) *self)
{
	return pri(self, IOMMU_DEVICE_PRI_ENABLE);
}

static int run_pri_disable(FIXTURE_DATA(fail) *self)
{
	return pri(self, IOMMU_DEVICE_PRI_DISABLE);
}

static int run_pri_reset(FIXTURE_DATA(fail) *self)
{
	return pri(self, IOMMU_DEVICE_PRI_RESET);
}

static int run_hwpt_list(FIXTURE_DATA(fail) *self)
{
	__u32 devs[] = { self->spare.dev, self->with_pasids.dev };
	__u32 who, why;

	return iommu_hwpt_for(self->t.fd, devs, 2, self->t.ioas, 0, &made_id,
			      &who, &why);
}

/* It is refused because of the last one, or it fails because of none. */
static int run_hwpt_list_refused(FIXTURE_DATA(fail) *self)
{
	__u32 devs[] = { self->spare.dev, self->with_pasids.dev,
			 self->unsaid.dev };
	__u32 hwpt, who = 0, why = 0;
	int rc;

	rc = iommu_hwpt_for(self->t.fd, devs, 3, self->t.ioas, 0, &hwpt, &who,
			    &why);
	if (rc == -EXDEV)
		return who == self->unsaid.dev && why == IOMMU_PROBE_UNIT ?
			       0 : WRONG;
	return rc && !who && !why ? rc : WRONG;
}

struct properties {
	__u64 room[512];
	__u32 length;
};

/* What is to be said of the device */
static struct properties properties;

static int probe(FIXTURE_DATA(fail) *self, __u32 dev, struct properties *p)
{
	struct iommu_device_probe c = {
		.size = sizeof(c),
		.dev_id = dev,
		.data_len = sizeof(p->room),
		.data_uptr = (uintptr_t)p->room,
	};
	int rc = iommu_call(self->t.fd, IOMMU_DEVICE_PROBE, &c);

	p->length = c.data_len;
	return rc;
}

/* It fails, or it says the same. */
static int probe_again(FIXTURE_DATA(fail) *self, __u32 dev)
{
	static struct properties p;
	int rc = probe(self, dev, &p);

	if (rc)
		return rc;
	return p.length == properties.length &&
	       !memcmp(p.room, properties.room, p.length) ? 0 : WRONG;
}

static int prepare_probe(FIXTURE_DATA(fail) *self)
{
	return probe(self, self->with_pasids.dev, &properties);
}

static int run_probe(FIXTURE_DATA(fail) *self)
{
	return probe_again(self, self->with_pasids.dev);
}

/* Tables are made on trial */
static int prepare_probe_foreign(FIXTURE_DATA(fail) *self)
{
	return probe(self, self->foreign.dev, &properties);
}

static int run_probe_foreign(FIXTURE_DATA(fail) *self)
{
	return probe_again(self, self->foreign.dev);
}

static int run_flush(FIXTURE_DATA(fail) *self)
{
	struct iommu_hwpt_invalidate_range req[2] = {
		{ .flags = IOMMU_INVALIDATE_RANGE_ALL },
		{ .iova = IOVA_BASE, .length = PAGE },
	};
	__u32 num = 2;

	return iommu_hwpt_invalidate(self->t.fd, self->t.parent,
				     IOMMU_HWPT_INVALIDATE_DATA_RANGE, req,
				     sizeof(req[0]), &num);
}

static int run_viommu(FIXTURE_DATA(fail) *self)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };

	return iommu_viommu(self->t.fd, self->t.dev[0].dev, self->t.parent,
			    IOMMU_VIOMMU_TYPE_SELFTEST, &data, sizeof(data),
			    &made_id);
}

static int run_vdevice(FIXTURE_DATA(fail) *self)
{
	return iommu_vdevice(self->t.fd, self->viommu, self->spare.dev, 0x1234,
			     &made_id);
}

static int run_veventq(FIXTURE_DATA(fail) *self)
{
	made_fd = iommu_veventq(self->t.fd, self->viommu,
				IOMMU_VEVENTQ_TYPE_SELFTEST, 100, &made_id);
	return made_fd < 0 ? made_fd : 0;
}

static int run_nested_viommu(FIXTURE_DATA(fail) *self)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };

	return iommu_hwpt_nested(self->t.fd, self->t.dev[0].dev, self->viommu,
				 IOMMU_HWPT_FAULT_ID_VALID, self->t.queue_id,
				 IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
				 &made_id);
}

static int run_viommu_invalidate(FIXTURE_DATA(fail) *self)
{
	struct iommu_viommu_invalidate_selftest r[4];
	__u32 num = ARRAY_LEN(r);
	unsigned int i;

	for (i = 0; i < num; i++)
		r[i] = (struct iommu_viommu_invalidate_selftest){
			.vdev_id = 0x1234,
		};
	return iommu_hwpt_invalidate(self->t.fd, self->viommu,
				     IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, r,
				     sizeof(r[0]), &num);
}

/* A device on a table through the vIOMMU, with a queue that has an event */
static __u32 guest_hwpt, guest_vdevice, guest_queue_id;
static int guest_queue;

static int prepare_vevent(FIXTURE_DATA(fail) *self)
{
	int rc = run_nested_viommu(self);

	guest_hwpt = made_id;
	if (!rc)
		rc = run_vdevice(self);
	guest_vdevice = made_id;
	if (!rc)
		rc = mock_replace(self->t.fd, self->spare.stdev, guest_hwpt);
	if (!rc)
		rc = run_veventq(self);
	guest_queue = made_fd;
	guest_queue_id = made_id;
	return rc ? rc : mock_vevent(self->t.fd, self->spare.dev);
}

static int run_vevent_read(FIXTURE_DATA(fail) *self)
{
	__u32 record[3];
	ssize_t n = read(guest_queue, record, sizeof(record));

	(void)self;
	return n == (ssize_t)sizeof(record) ? 0 : n < 0 ? -errno : -EPROTO;
}

static int undo_vevent(FIXTURE_DATA(fail) *self)
{
	int rc;

	close(guest_queue);
	rc = iommu_destroy(self->t.fd, guest_queue_id);
	if (!rc)
		rc = mock_replace(self->t.fd, self->spare.stdev, self->t.ioas);
	if (!rc)
		rc = iommu_destroy(self->t.fd, guest_vdevice);
	return rc ? rc : iommu_destroy(self->t.fd, guest_hwpt);
}

static int run_pool(FIXTURE_DATA(fail) *self)
{
	struct mock_pool p = self->pool[0];
	int rc = mock_parent(self->t.fd, &p);

	made_id = p.stdev;
	return rc;
}

static int run_mediated(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_mediated(self->t.fd, self->pool[0].id, self->ioas2, &d);

	made_id = d.stdev;
	return rc;
}

static int run_mediated_global(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_mediated(self->t.fd, self->pool[1].id, self->t.hwpt, &d);

	made_id = d.stdev;
	return rc;
}

/* Of a device of which the file has nothing yet: no group, no account of its pool */
static struct mock_pool new_pool;

static int prepare_first_part(FIXTURE_DATA(fail) *self)
{
	new_pool = self->pool[0];
	return mock_parent(self->t.fd, &new_pool);
}

static int run_first_part(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	int rc = mock_mediated(self->t.fd, new_pool.id, 0, &d);

	made_id = d.stdev;
	return rc;
}

static int undo_first_part(FIXTURE_DATA(fail) *self)
{
	int rc = destroy_made(self);

	return rc ? rc : iommu_destroy(self->t.fd, new_pool.stdev);
}

/* Likewise of the global pool, which another file has accounts of */
static int prepare_first_global(FIXTURE_DATA(fail) *self)
{
	int rc = run_open(self);

	new_pool = self->pool[1];
	return rc ? rc : mock_parent(made_fd, &new_pool);
}

static int run_first_global(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;

	(void)self;
	return mock_mediated(made_fd, new_pool.id, 0, &d);
}

static int vpasid_attach(FIXTURE_DATA(fail) *self, unsigned int part, __u32 pt)
{
	return iommu_pasid_attach(self->t.fd, self->part[part].dev, 9, &pt);
}

static int run_vpasid_attach(FIXTURE_DATA(fail) *self)
{
	return vpasid_attach(self, 0, self->ioas2);
}

static int run_vpasid_attach_global(FIXTURE_DATA(fail) *self)
{
	return vpasid_attach(self, 1, self->t.hwpt);
}

static int run_vpasid_detach(FIXTURE_DATA(fail) *self)
{
	return iommu_pasid_detach(self->t.fd, self->part[0].dev, 9);
}

static int run_vpasid_detach_global(FIXTURE_DATA(fail) *self)
{
	return iommu_pasid_detach(self->t.fd, self->part[1].dev, 9);
}

static int run_vpasid_replace(FIXTURE_DATA(fail) *self)
{
	__u32 pt = self->t.hwpt;

	return iommu_pasid_replace(self->t.fd, self->part[0].dev, 9, &pt);
}

static int run_vm(FIXTURE_DATA(fail) *self)
{
	return mock_vm(self->t.fd, &made_id);
}

static int made_file = -1;

static int map_made_file(int fd, __u32 ioas)
{
	__u64 iova = 2 * IOVA_BASE;

	return iommu_map_file(fd, ioas, made_file, PAGE, 16 * PAGE,
			      IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA, &iova);
}

/* A file that has no page yet */
static int prepare_file(FIXTURE_DATA(fail) *self)
{
	(void)self;
	made_file = memfd_create("fail", MFD_CLOEXEC);
	if (made_file < 0)
		return -errno;
	return ftruncate(made_file, 20 * PAGE) ? -errno : 0;
}

static int run_map_file(FIXTURE_DATA(fail) *self)
{
	return map_made_file(self->t.fd, self->t.ioas);
}

static int undo_map_file(FIXTURE_DATA(fail) *self)
{
	close(made_file);
	return undo_map(self);
}

/* An open file of its own, as in the other one there is memory of the process. */
static int prepare_change(FIXTURE_DATA(fail) *self)
{
	struct mock_device d;
	__u32 ioas;
	int rc;

	rc = prepare_file(self) ?: run_open(self);
	if (!rc)
		rc = iommu_ioas_alloc(made_fd, &ioas);
	if (!rc)
		rc = mock_device(made_fd, ioas, 0, &d);
	return rc ?: map_made_file(made_fd, ioas);
}

static int run_change(FIXTURE_DATA(fail) *self)
{
	(void)self;
	return iommu_change_process(made_fd);
}

static int undo_change(FIXTURE_DATA(fail) *self)
{
	close(made_file);
	return undo_open(self);
}

static int run_vm_lookup(FIXTURE_DATA(fail) *self)
{
	__u32 wire;

	return mock_vm_lookup(self->t.fd, self->vm, self->part[0].dev, 9,
			      &wire);
}

/* A device whose MSI doorbells are mapped; where it was asked for one */
static struct mock_device msi_dev;

static int prepare_msi(FIXTURE_DATA(fail) *self)
{
	int rc = mock_device(self->t.fd, 0, MOCK_FLAGS_DEVICE_SW_MSI |
			     MOCK_FLAGS_DEVICE_UNATTACHED, &msi_dev);

	made_id = msi_dev.stdev;
	return rc;
}

static int run_msi_window(FIXTURE_DATA(fail) *self)
{
	return iommu_msi_window_set(self->t.fd, msi_dev.dev, self->ioas2,
				    32 * IOVA_BASE,
				    MOCK_MSI_LAST - MOCK_MSI_START + 1);
}

static int run_msi_attach(FIXTURE_DATA(fail) *self)
{
	__u32 pt = self->ioas2;

	return mock_pasid(self->t.fd, IOMMU_TEST_OP_PASID_ATTACH,
			  msi_dev.stdev, 0, &pt);
}

/*
 * Where its driver had no memory to say that it has a window it is attached without one,
 * and gets it then.
 */
static int run_msi_in_turn(FIXTURE_DATA(fail) *self)
{
	struct iommu_msi_window w;
	int rc = run_msi_attach(self), gone;

	if (rc)
		return rc;
	rc = iommu_msi_window(self->t.fd, msi_dev.dev, &w);
	if (!rc)
		rc = iommu_msi_window_set(self->t.fd, msi_dev.dev, 0, w.start,
					  w.length);
	/* What is made to fail is one step, which may be of this */
	gone = mock_pasid_detach(self->t.fd, msi_dev.stdev, 0);
	if (gone)
		gone = mock_pasid_detach(self->t.fd, msi_dev.stdev, 0);
	return rc ? rc : gone;
}

/* Of another driver: how far its tables reach is found out by making them. */
static int prepare_msi_foreign(FIXTURE_DATA(fail) *self)
{
	int rc = mock_device(self->t.fd, 0, MOCK_FLAGS_DEVICE_SW_MSI |
			     MOCK_FLAGS_DEVICE_FOREIGN |
			     MOCK_FLAGS_DEVICE_UNATTACHED, &msi_dev);

	made_id = msi_dev.stdev;
	return rc;
}

/* It fails, or it says the same. */
static int run_msi_window_get(FIXTURE_DATA(fail) *self)
{
	struct iommu_msi_window w;
	int rc = iommu_msi_window(self->t.fd, msi_dev.dev, &w);

	if (rc)
		return rc;
	return w.start == MOCK_MSI_START &&
	       w.length == MOCK_MSI_LAST - MOCK_MSI_START + 1 ? 0 : WRONG;
}

static int prepare_msi_window(FIXTURE_DATA(fail) *self)
{
	int rc = prepare_msi(self);

	return rc ? rc : run_msi_window(self);
}

static int prepare_doorbells(FIXTURE_DATA(fail) *self)
{
	int rc = prepare_msi_window(self);
	__u64 addr;

	if (!rc)
		rc = run_msi_attach(self);
	if (!rc)
		rc = mock_msi(self->t.fd, msi_dev.dev, 1ULL << 40, &addr);
	return rc ? rc : mock_msi(self->t.fd, msi_dev.dev, 2ULL << 40, &addr);
}

static int run_msi(FIXTURE_DATA(fail) *self)
{
	__u64 addr;

	return mock_msi(self->t.fd, msi_dev.dev, 3ULL << 40, &addr);
}

static int run_msi_replace(FIXTURE_DATA(fail) *self)
{
	return mock_replace(self->t.fd, msi_dev.stdev, self->t.ioas);
}

static const struct operation operations[] = {
	{ "open", none, run_open, undo_open },
	{ "IOAS_ALLOC", none, run_ioas_alloc, destroy_made },
	{ "IOAS_ALLOC with many ids", prepare_full_ids, run_ioas_alloc,
	  undo_full_ids },
	{ "IOAS_ALLOW_IOVAS", none, run_allow, undo_allow },
	{ "IOAS_IOVA_RANGES", none, run_ranges, none },
	{ "IOAS_MAP", none, run_map, undo_map },
	{ "IOAS_MAP of a BAR", prepare_bar, run_map_bar, undo_map_bar },
	{ "IOAS_COPY", none, run_copy, undo_copy },
	{ "IOAS_UNMAP", none, run_unmap, undo_unmap },
	{ "IOAS_MAP_ARRAY", none, run_map_array, undo_map_array },
	{ "IOAS_UNMAP_ARRAY", run_map_array, undo_map_array, none },
	{ "IOAS_MAP_ARRAY with an answer", prepare_write, run_map_answer,
	  undo_map_answer },
	{ "IOAS_MAP_FILE", prepare_file, run_map_file, undo_map_file },
	{ "IOAS_CHANGE_PROCESS", prepare_change, run_change, undo_change },
	{ "OPTION", none, run_option, undo_option },
	{ "VFIO_IOAS", none, run_vfio_ioas, undo_vfio_ioas },
	{ "HWPT_ALLOC paging", none, run_hwpt_paging, destroy_made },
	{ "HWPT_ALLOC parent", none, run_hwpt_parent, destroy_made },
	{ "HWPT_ALLOC paging with queue", none, run_hwpt_fault, destroy_made },
	{ "HWPT_ALLOC nested with queue", none, run_hwpt_nested,
	  destroy_made },
	{ "GET_HW_INFO", none, run_hw_info, none },
	{ "HWPT_SET_DIRTY_TRACKING", prepare_dirty, run_set_dirty,
	  destroy_made },
	{ "HWPT_GET_DIRTY_BITMAP", prepare_get_dirty, run_get_dirty,
	  destroy_made },
	{ "HWPT_INVALIDATE", none, run_invalidate, none },
	{ "FAULT_QUEUE_ALLOC", none, run_fault_alloc, undo_fault_alloc },
	{ "GET_FEATURES", none, run_features, none },
	{ "DESTROY", prepare_destroy, run_destroy, none },
	{ "bind and attach to an IOAS", none, run_device, destroy_made },
	{ "bind and attach a device that has PASIDs", none,
	  run_device_with_pasids, destroy_made },
	{ "bind and attach to a HWPT", none, run_device_to_hwpt,
	  destroy_made },
	{ "replace by a HWPT with queue", none, run_replace, undo_replace },
	{ "replace by an IOAS", none, run_replace_ioas, undo_replace },
	{ "attach, and fill then", none, run_late, destroy_made },
	{ "replace, and fill then", none, run_late_replace, undo_late_replace },
	{ "HWPT_ALLOC, not filled", none, run_late_hwpt, destroy_made },
	{ "replace by a HWPT that is not filled", prepare_late_hwpt,
	  run_late_replace_hwpt, undo_late_replace_hwpt },
	{ "replace with faults pending", prepare_drain, run_drain,
	  undo_drain },
	{ "read", prepare_read, run_read, undo_read },
	{ "write", prepare_write, run_write, none },
	{ "write of many", prepare_write_many, run_write_many, none },
	{ "DMA of the mock", none, run_dma, none },
	{ "DEVICE_PASID_ATTACH to an IOAS", none, run_pasid_attach,
	  run_pasid_detach },
	{ "DEVICE_PASID_ATTACH to a HWPT with queue", none,
	  run_pasid_attach_hwpt, run_pasid_detach },
	{ "DEVICE_PASID_REPLACE by a HWPT with queue", run_pasid_attach,
	  run_pasid_replace, run_pasid_detach },
	{ "DEVICE_PASID_REPLACE by an IOAS", run_pasid_attach_hwpt,
	  run_pasid_replace_ioas, run_pasid_detach },
	{ "HWPT_INVALIDATE of a range", none, run_flush, none },
	{ "HWPT_ALLOC of a list", none, run_hwpt_list, destroy_made },
	{ "HWPT_ALLOC of a list that has no table", none,
	  run_hwpt_list_refused, none },
	{ "DEVICE_PROBE", prepare_probe, run_probe, none },
	{ "DEVICE_PROBE of another driver's device", prepare_probe_foreign,
	  run_probe_foreign, none },
	{ "DEVICE_MSI_WINDOW", prepare_msi, run_msi_window, destroy_made },
	{ "DEVICE_MSI_WINDOW of another driver's device", prepare_msi_foreign,
	  run_msi_window, destroy_made },
	{ "DEVICE_MSI_WINDOW that asks for the window", prepare_msi_foreign,
	  run_msi_window_get, destroy_made },
	{ "attach, and choose a window for MSIs", prepare_msi, run_msi_attach,
	  destroy_made },
	{ "attach, DEVICE_MSI_WINDOW, detach", prepare_msi, run_msi_in_turn,
	  destroy_made },
	{ "attach with a window for MSIs", prepare_msi_window, run_msi_attach,
	  destroy_made },
	{ "request an interrupt", prepare_doorbells, run_msi, destroy_made },
	{ "replace with doorbells", prepare_doorbells, run_msi_replace,
	  destroy_made },
	{ "DEVICE_PRI enable", none, run_pri_enable, run_pri_disable },
	{ "DEVICE_PRI reset", none, run_pri_reset, none },
	{ "DEVICE_PASID_DETACH", run_pasid_attach, run_pasid_detach, none },
	{ "make a device of which parts are taken", none, run_pool,
	  destroy_made },
	{ "bind a mediated device, attach it to an IOAS", none, run_mediated,
	  destroy_made },
	{ "bind a mediated device of the global pool, attach it", none,
	  run_mediated_global, destroy_made },
	{ "bind the first mediated device of a parent", prepare_first_part,
	  run_first_part, undo_first_part },
	{ "bind the first one of the global pool", prepare_first_global,
	  run_first_global, undo_open },
	{ "DEVICE_PASID_ATTACH of a vPASID", none, run_vpasid_attach,
	  run_vpasid_detach },
	{ "DEVICE_PASID_ATTACH of a vPASID, global pool", none,
	  run_vpasid_attach_global, run_vpasid_detach_global },
	{ "DEVICE_PASID_REPLACE of a vPASID", run_vpasid_attach,
	  run_vpasid_replace, run_vpasid_detach },
	{ "listen to vPASIDs that go", none, run_vm, destroy_made },
	{ "look a vPASID up", run_vpasid_attach, run_vm_lookup,
	  run_vpasid_detach },
	{ "DEVICE_PASID_DETACH of a vPASID", run_vpasid_attach,
	  run_vpasid_detach, none },
	{ "VIOMMU_ALLOC", none, run_viommu, destroy_made },
	{ "VDEVICE_ALLOC", none, run_vdevice, destroy_made },
	{ "VEVENTQ_ALLOC", none, run_veventq, undo_fault_alloc },
	{ "HWPT_ALLOC nested through a vIOMMU", none, run_nested_viommu,
	  destroy_made },
	{ "HWPT_INVALIDATE of a vIOMMU", run_vdevice, run_viommu_invalidate,
	  destroy_made },
	{ "read of a vIOMMU's event", prepare_vevent, run_vevent_read,
	  undo_vevent },
};

/*
 * Calls that may have done their work although they failed: memory is unmapped,
 * or a device or PASID has moved, and then the answer cannot be stored. For the
 * device that is the mock's; VFIO takes it off again.
 */
static bool done_although_it_failed(FIXTURE_DATA(fail) *self,
				    const struct operation *op, int rc,
				    const struct fdinfo *before)
{
	static struct fdinfo after;

	if (rc != -EFAULT ||
	    (op->run != run_unmap && op->run != undo_map_array &&
	     op->run != run_replace && op->run != run_msi_replace &&
	     op->run != run_replace_ioas && op->run != run_drain &&
	     op->run != run_late_replace && op->run != run_late_replace_hwpt &&
	     op->run != run_pasid_replace && op->run != run_vpasid_replace &&
	     op->run != run_pasid_replace_ioas))
		return false;
	state_of(self->t.fd, &after);
	return strcmp(before->text, after.text) != 0;
}

static void sweep(struct __test_metadata *_metadata, FIXTURE_DATA(fail) *self,
		  const struct operation *op, unsigned int *failures)
{
	struct fault_test *t = &self->t;
	bool of_queue = op->run == run_read || op->run == run_write;
	struct fdinfo before, after, qbefore, qafter;
	unsigned int nth;

	for (nth = 1; nth <= MOST_STEPS; nth++) {
		long pinned;
		bool injected;
		int rc;

		ASSERT_EQ(0, op->prepare(self))
			TH_LOG("%s: prepare", op->name);
		pinned = pinned_pages();
		state_of(t->fd, &before);
		if (of_queue)
			state_of(t->queue, &qbefore);
		ASSERT_TRUE(arm(self->fail_fd, nth));
		rc = op->run(self);
		injected = fired(self->fail_fd);
		if (!injected) {
			ASSERT_EQ(0, rc)
				TH_LOG("%s: nothing was made to fail",
				       op->name);
			ASSERT_EQ(0, op->undo(self))
				TH_LOG("%s: undo", op->name);
			ksft_print_msg("%4u failures: %s\n", nth - 1, op->name);
			*failures += nth - 1;
			return;
		}
		ASSERT_NE(WRONG, rc)
			TH_LOG("%s: step %u", op->name, nth);
		/* It may do without what it could not get. */
		if (rc && !done_although_it_failed(self, op, rc, &before)) {
			state_of(t->fd, &after);
			ASSERT_STREQ(before.text, after.text)
				TH_LOG("%s: step %u: %s, and it left something",
				       op->name, nth, strerror(-rc));
			ASSERT_EQ(pinned, pinned_pages())
				TH_LOG("%s: step %u: %s", op->name, nth,
				       strerror(-rc));
			if (of_queue) {
				state_of(t->queue, &qafter);
				ASSERT_STREQ(qbefore.text, qafter.text)
					TH_LOG("%s: step %u", op->name, nth);
			}
			rc = op->run(self);
			ASSERT_EQ(0, rc)
				TH_LOG("%s: again after step %u failed",
				       op->name, nth);
		}
		ASSERT_EQ(0, op->undo(self))
			TH_LOG("%s: undo after step %u", op->name, nth);
	}
	ASSERT_LT(nth, MOST_STEPS)
		TH_LOG("%s: no end of steps that can fail", op->name);
}

TEST_F_TIMEOUT(fail, every_call, 600)
{
	unsigned int i, failures = 0;

	for (i = 0; i < ARRAY_LEN(operations); i++)
		sweep(_metadata, self, &operations[i], &failures);
	ksft_print_msg("%4u failures in all\n", failures);
	/* A kernel that injects none passes anything. */
	EXPECT_LT(0, failures);
}

/* The same without a record of memory that was there before: a first use. */
TEST_F_TIMEOUT(fail, whole_chain, 600)
{
	struct fdinfo before, after;
	long pinned = pinned_pages();
	unsigned int nth, i;
	bool injected = true;

	state_of(self->t.fd, &before);
	for (nth = 1; injected && nth < 20 * MOST_STEPS; nth += 7) {
		int done = 0, rc = 0;

		ASSERT_TRUE(arm(self->fail_fd, nth));
		for (i = 0; i < ARRAY_LEN(operations) && !rc; i++) {
			const struct operation *op = &operations[i];

			/* Those with a prepare are in the other test. */
			if (op->prepare != none || op->undo == none)
				continue;
			rc = op->run(self);
			if (!rc)
				rc = op->undo(self);
			done++;
		}
		injected = fired(self->fail_fd);
		if (rc) {
			/* The undo itself may have been what failed. */
			const struct operation *op = &operations[i - 1];

			op->undo(self);
		}
		EXPECT_LT(0, done);
		ASSERT_TRUE(injected || !rc);
	}
	EXPECT_FALSE(injected);
	EXPECT_EQ(pinned, pinned_pages());
	state_of(self->t.fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

TEST_HARNESS_MAIN
