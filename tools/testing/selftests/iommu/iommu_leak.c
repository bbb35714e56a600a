// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing the kernel had in memory comes to user space: every byte that it stores is one
 * that it has set. Before each call the mock fills what the kernel is going to use, its
 * stack, freed allocations and pages, with one value, and that is looked for in all that
 * the call has stored: structures with what is behind them, arrays, records of queues.
 *
 * Two such bytes in a row are a leak. A single byte of padding is not seen, nor is
 * what came of memory that was freed elsewhere: for that there is KMSAN.
 */
#include "fault_test.h"
#include "viommu_test.h"

#include <linux/vfio.h>
#include <sched.h>

/* Behind a structure, and not to be touched */
#define TAIL		64
#define LEAK		(-EBADMSG)
/* Where nothing is mapped */
#define NOWHERE		(IOVA_BASE + 0x100000)

static __u8 out[2048];

/* Where in it there are two in a row; -1: nowhere */
static long poison_at(const void *p, size_t length)
{
	const __u8 *b = p;
	size_t i;

	for (i = 1; i < length; i++)
		if (b[i - 1] == MOCK_POISON && b[i] == MOCK_POISON)
			return (long)i - 1;
	return -1;
}

/*
 * The copy of a command is on the stack above what the mock can reach: it comes from a
 * command, the longest there is.
 */
static int poison(int fd)
{
	struct iommu_hwpt_alloc c;

	memset(&c, MOCK_POISON, sizeof(c));
	c.size = sizeof(c);
	if (!iommu_call(fd, IOMMU_HWPT_ALLOC, &c))
		return -EPROTO;
	return mock_poison(fd, NULL, NULL);
}

/* A call with a longer structure than there is; LEAK, or what it said. */
static int quiet(int fd, unsigned long cmd, void *c, size_t size)
{
	__u32 whole = (__u32)size + TAIL;
	int rc;

	memset(out, 0, sizeof(out));
	memcpy(out, c, size);
	memcpy(out, &whole, sizeof(whole));
	rc = poison(fd);
	if (rc)
		return rc;
	rc = iommu_call(fd, cmd, out);
	memcpy(c, out, size);
	return poison_at(out, sizeof(out)) < 0 ? rc : LEAK;
}

#define QUIET(_cmd, _type, ...) ({					\
	_type _c = { __VA_ARGS__ };					\
									\
	EXPECT_EQ(0, quiet(self->t.fd, _cmd, &_c, sizeof(_c)))		\
		TH_LOG("%s", #_cmd);					\
	_c;								\
})

FIXTURE(leak) {
	struct viommu_test t;
	char *memory;
};

FIXTURE_SETUP(leak)
{
	cpu_set_t cpu;
	int rc;

	/* What is freed on a CPU comes back there. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	rc = vt_init(&self->t);
	if (rc == VT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	self->memory = mem_get(16 * PAGE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, poison(self->t.fd));
}

FIXTURE_TEARDOWN(leak)
{
	vt_exit(&self->t);
}

/* What all others rely on: what is not set is poisoned, and is seen. */
TEST_F(leak, would_be_seen)
{
	__u8 stack[MOCK_LEAK_SIZE] = { 0 }, heap[MOCK_LEAK_SIZE] = { 0 };
	int i;

	ASSERT_EQ(0, mock_poison(self->t.fd, stack, NULL));
	EXPECT_LE(0, poison_at(stack, sizeof(stack)));
	/* Somebody else may have taken what was poisoned */
	for (i = 0; i < 10 && poison_at(heap, sizeof(heap)) < 0; i++) {
		ASSERT_EQ(0, poison(self->t.fd));
		ASSERT_EQ(0, mock_poison(self->t.fd, NULL, heap));
	}
	/* The suite knows whether its kernel is one where that has to be seen */
	if (poison_at(heap, sizeof(heap)) < 0 && !getenv("IOMMU_TEST_NO_KASAN"))
		SKIP(return, "this kernel keeps freed memory back (KASAN)");
	EXPECT_LE(0, poison_at(heap, sizeof(heap)));
}

TEST_F(leak, commands_about_memory)
{
	struct iommu_iova_range ranges[16] = { 0 };
	__u64 bits[64] = { 0 };
	__u32 ioas, other, hwpt;
	int fd = self->t.fd;

	ioas = QUIET(IOMMU_IOAS_ALLOC, struct iommu_ioas_alloc, 0).out_ioas_id;
	other = QUIET(IOMMU_IOAS_ALLOC, struct iommu_ioas_alloc, 0).out_ioas_id;
	QUIET(IOMMU_IOAS_IOVA_RANGES, struct iommu_ioas_iova_ranges,
	      .ioas_id = self->t.ioas, .num_iovas = ARRAY_LEN(ranges),
	      .allowed_iovas = (uintptr_t)ranges);
	EXPECT_EQ(-1, poison_at(ranges, sizeof(ranges)));
	QUIET(IOMMU_IOAS_MAP, struct iommu_ioas_map, .flags = IOMMU_MAP_RW,
	      .ioas_id = other, .user_va = (uintptr_t)self->memory,
	      .length = 16 * PAGE);
	QUIET(IOMMU_IOAS_MAP, struct iommu_ioas_map,
	      .flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA, .ioas_id = ioas,
	      .user_va = (uintptr_t)self->memory, .length = 16 * PAGE,
	      .iova = IOVA_BASE + (1 << 24));
	QUIET(IOMMU_IOAS_COPY, struct iommu_ioas_copy, .flags = IOMMU_MAP_RW,
	      .dst_ioas_id = other, .src_ioas_id = ioas, .length = PAGE,
	      .src_iova = IOVA_BASE + (1 << 24));
	QUIET(IOMMU_OPTION, struct iommu_option,
	      .option_id = IOMMU_OPTION_RLIMIT_MODE, .op = IOMMU_OPTION_OP_GET);
	hwpt = QUIET(IOMMU_HWPT_ALLOC, struct iommu_hwpt_alloc,
		     .flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		     .dev_id = self->t.dev.dev, .pt_id = ioas).out_hwpt_id;
	ASSERT_EQ(0, iommu_dirty_track(fd, hwpt, true));
	QUIET(IOMMU_HWPT_GET_DIRTY_BITMAP, struct iommu_hwpt_get_dirty_bitmap,
	      .hwpt_id = hwpt, .iova = IOVA_BASE + (1 << 24), .length = 16 * PAGE,
	      .page_size = PAGE, .data = (uintptr_t)bits);
	EXPECT_EQ(-1, poison_at(bits, sizeof(bits)));
	ASSERT_EQ(0, iommu_dirty_track(fd, hwpt, false));
	ASSERT_EQ(0, iommu_destroy(fd, hwpt));
	QUIET(IOMMU_IOAS_UNMAP, struct iommu_ioas_unmap, .ioas_id = ioas,
	      .length = ~0ULL);
}

TEST_F(leak, commands_about_devices)
{
	__u32 viommu;
	__u8 *data = mem_get(PAGE);

	ASSERT_NE(NULL, data);
	QUIET(IOMMU_GET_FEATURES, struct iommu_features, 0);
	/* Behind what the kernel knows it fills up with zeros. */
	QUIET(IOMMU_GET_HW_INFO, struct iommu_hw_info, .dev_id = self->t.dev.dev,
	      .data_len = PAGE, .data_uptr = (uintptr_t)data);
	EXPECT_EQ(-1, poison_at(data, PAGE));
	memset(data, 0, PAGE);
	QUIET(IOMMU_DEVICE_PROBE, struct iommu_device_probe,
	      .dev_id = self->t.dev.dev, .data_len = PAGE,
	      .data_uptr = (uintptr_t)data);
	EXPECT_EQ(-1, poison_at(data, PAGE));
	close((int)QUIET(IOMMU_FAULT_QUEUE_ALLOC, struct iommu_fault_alloc,
			 .depth = 4).out_fault_fd);
	viommu = QUIET(IOMMU_VIOMMU_ALLOC, struct iommu_viommu_alloc,
		       .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		       .dev_id = self->t.dev.dev,
		       .hwpt_id = self->t.parent).out_viommu_id;
	QUIET(IOMMU_VDEVICE_ALLOC, struct iommu_vdevice_alloc, .viommu_id = viommu,
	      .dev_id = self->t.dev.dev, .virt_id = 0x99);
	close((int)QUIET(IOMMU_VEVENTQ_ALLOC, struct iommu_veventq_alloc,
			 .viommu_id = viommu, .type = IOMMU_VEVENTQ_TYPE_SELFTEST,
			 .veventq_depth = 4).out_veventq_fd);
	close((int)QUIET(IOMMU_HWPT_EVENTQ_ALLOC, struct iommu_hwpt_eventq_alloc,
			 .hwpt_id = self->t.dev.hwpt, .depth = 4).out_eventq_fd);
}

/* What fails tells no more than what does not. */
TEST_F(leak, commands_that_fail)
{
	static const unsigned long cmds[] = {
		IOMMU_DESTROY, IOMMU_IOAS_ALLOC, IOMMU_IOAS_ALLOW_IOVAS,
		IOMMU_IOAS_COPY, IOMMU_IOAS_IOVA_RANGES, IOMMU_IOAS_MAP,
		IOMMU_IOAS_UNMAP, IOMMU_OPTION, IOMMU_VFIO_IOAS, IOMMU_HWPT_ALLOC,
		IOMMU_GET_HW_INFO, IOMMU_HWPT_SET_DIRTY_TRACKING,
		IOMMU_HWPT_GET_DIRTY_BITMAP, IOMMU_HWPT_INVALIDATE,
		IOMMU_FAULT_QUEUE_ALLOC, IOMMU_IOAS_MAP_FILE,
		IOMMU_IOAS_CHANGE_PROCESS, IOMMU_VIOMMU_ALLOC, IOMMU_VDEVICE_ALLOC,
		IOMMU_VEVENTQ_ALLOC, IOMMU_GET_FEATURES, IOMMU_DEVICE_PASID_ATTACH,
		IOMMU_DEVICE_PASID_REPLACE, IOMMU_DEVICE_PASID_DETACH,
		IOMMU_DEVICE_PRI, IOMMU_IOAS_MAP_ARRAY, IOMMU_IOAS_UNMAP_ARRAY,
		IOMMU_HWPT_EVENTQ_ALLOC, IOMMU_DEVICE_PROBE,
		IOMMU_DEVICE_MSI_WINDOW,
	};
	__u32 words[24];
	unsigned int i, k;

	for (i = 0; i < ARRAY_LEN(cmds); i++) {
		for (k = 0; k < ARRAY_LEN(words); k++) {
			memset(words, 0, sizeof(words));
			words[k] = 0x7fffff00;
			EXPECT_NE(LEAK, quiet(self->t.fd, cmds[i], words,
					      sizeof(words)))
				TH_LOG("command %#lx, word %u", cmds[i], k);
		}
	}
}

TEST_F(leak, page_faults)
{
	struct iommu_hwpt_pgfault rec[16];
	struct fault_test ft;
	int n;

	ASSERT_EQ(0, ft_init(&ft, false, 8, 0));
	ASSERT_EQ(0, poison(self->t.fd));
	ASSERT_EQ(0, ft_group(&ft, 1));
	ASSERT_EQ(0, ft_group(&ft, 3));
	/* And one that there is no room for: the loss is told in a record, too. */
	ASSERT_EQ(1, ft_group(&ft, 5));
	memset(rec, 0, sizeof(rec));
	ASSERT_EQ(0, poison(self->t.fd));
	n = iommu_fault_read(ft.queue, rec, ARRAY_LEN(rec));
	EXPECT_LE(4, n);
	EXPECT_EQ(-1, poison_at(rec, sizeof(rec)));
	close(ft.queue);
	close(ft.fd);
}

TEST_F(leak, events)
{
	struct viommu_test *t = &self->t;
	struct iommu_hwpt_event rec[8];
	__u8 vevents[1024];
	char byte = 0;
	struct mock_dma d = {
		.dev = t->other.dev, .timeout_ms = FOREVER_MS, .iova = NOWHERE,
		.data = &byte, .length = 1,
	};
	__u32 id;
	int queue, i;

	queue = iommu_eventq(t->fd, t->other.hwpt, 4, &id);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, fcntl(queue, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, poison(t->fd));
	ASSERT_EQ(0, vt_guest(t, 2));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, poison(t->fd));
		ASSERT_EQ(0, mock_dma(t->fd, &d));
		ASSERT_EQ(MOCK_DMA_BLOCKED, d.status);
		ASSERT_EQ(0, mock_vevent(t->fd, t->dev.dev));
	}
	memset(rec, 0, sizeof(rec));
	memset(vevents, 0, sizeof(vevents));
	ASSERT_EQ(0, poison(t->fd));
	EXPECT_LE(4, iommu_event_read(queue, rec, ARRAY_LEN(rec)));
	EXPECT_EQ(-1, poison_at(rec, sizeof(rec)));
	ASSERT_EQ(0, poison(t->fd));
	EXPECT_LT(0, vt_read(t->queue, vevents, sizeof(vevents)));
	EXPECT_EQ(-1, poison_at(vevents, sizeof(vevents)));
	close(queue);
}

/* VFIO's own structures, with a list of capabilities behind the first */
TEST_F(leak, container_and_fdinfo)
{
	struct vfio_iommu_type1_info *info = (void *)out;
	static struct fdinfo text;

	QUIET(IOMMU_VFIO_IOAS, struct iommu_vfio_ioas, .ioas_id = self->t.ioas,
	      .op = IOMMU_VFIO_IOAS_SET);
	ASSERT_EQ(0, poison(self->t.fd));
	memset(out, 0, sizeof(out));
	info->argsz = sizeof(out);
	/* Whether there is such a container is the kernel's configuration. */
	iommu_call(self->t.fd, VFIO_IOMMU_GET_INFO, out);
	EXPECT_EQ(-1, poison_at(out, sizeof(out)));

	ASSERT_EQ(0, poison(self->t.fd));
	ASSERT_EQ(0, fdinfo_read(0, self->t.fd, &text));
	EXPECT_EQ(-1, poison_at(text.text, strlen(text.text)));
}

TEST_HARNESS_MAIN
