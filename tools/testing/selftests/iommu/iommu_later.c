// SPDX-License-Identifier: GPL-2.0
/*
 * A program that was compiled for a later kernel. It knows commands, types and flags
 * that this /dev/iommu does not have, and learns so by the errno that the calling
 * convention has for it: ENOTTY for a command, EOPNOTSUPP for a value, E2BIG for what
 * lies beyond a structure. Never is anything done, or written, that was not asked for.
 *
 * The structures are those of Linux 7.3's linux/iommufd.h, written down here from what
 * they are, so that a header of ours that drifts is found.
 */
#include "iommu_test.h"

#include <assert.h>

/* --- what 7.3 has --- */

#define L_CMD(nr)			_IO(';', nr)

struct l_ioas_map_file {
	__u32 size, flags, ioas_id;
	__s32 fd;
	__aligned_u64 start, length, iova;
};

struct l_viommu_alloc {
	__u32 size, flags, type, dev_id, hwpt_id, out_viommu_id, data_len,
	      reserved;
	__aligned_u64 data_uptr;
};

struct l_vdevice_alloc {
	__u32 size, viommu_id, dev_id, out_vdevice_id;
	__aligned_u64 virt_id;
};

struct l_ioas_change_process {
	__u32 size, reserved;
};

struct l_veventq_alloc {
	__u32 size, flags, viommu_id, type, veventq_depth, out_veventq_id,
	      out_veventq_fd, reserved;
};

struct l_hw_queue_alloc {
	__u32 size, flags, viommu_id, type, index, out_hw_queue_id;
	__aligned_u64 nesting_parent_iova, length;
};

struct l_ioas_noiommu_get_pa {
	__u32 size, flags, ioas_id, reserved;
	__aligned_u64 iova, length, out_phys;
};

struct l_hwpt_alloc {
	__u32 size, flags, dev_id, pt_id, out_hwpt_id, reserved, data_type,
	      data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id, reserved2;
};

struct l_hw_info {
	__u32 size, flags, dev_id, data_len;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u8 out_max_pasid_log2, reserved[3];
	__aligned_u64 out_capabilities;
};

struct l_hwpt_invalidate {
	__u32 size, hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type, entry_len, entry_num, reserved;
};

struct l_fault_alloc {
	__u32 size, flags, out_fault_id, out_fault_fd;
};

struct l_option {
	__u32 size, option_id;
	__u16 op, reserved;
	__u32 object_id;
	__aligned_u64 val64;
};

enum {
	L_IOAS_MAP_FILE = 0x8f,
	L_VIOMMU_ALLOC = 0x90,
	L_VDEVICE_ALLOC = 0x91,
	L_IOAS_CHANGE_PROCESS = 0x92,
	L_VEVENTQ_ALLOC = 0x93,
	L_HW_QUEUE_ALLOC = 0x94,
	L_IOAS_NOIOMMU_GET_PA = 0x95,

	L_HWPT_DATA_VTD_S1 = 1,
	L_HWPT_DATA_ARM_SMMUV3 = 2,
	L_HWPT_DATA_AMD_GUEST = 3,

	L_HW_INFO_INPUT_TYPE = 1,
	L_HW_INFO_INTEL_VTD = 1,
	L_HW_INFO_ARM_SMMUV3 = 2,
	L_HW_INFO_TEGRA241_CMDQV = 3,
	L_HW_INFO_AMD = 4,

	L_HW_CAPS = 0xf,

	L_VIOMMU_ARM_SMMUV3 = 1,
	L_VIOMMU_TEGRA241_CMDQV = 2,
	L_VEVENTQ_ARM_SMMUV3 = 1,
	L_VEVENTQ_TEGRA241_CMDQV = 2,
	L_HW_QUEUE_TEGRA241_CMDQV = 1,
};

/* The same for the compiler: a member that has moved is an error here. */
#define SAME(ours, theirs, member)					\
	static_assert(offsetof(struct ours, member) ==			\
		      offsetof(struct theirs, member) &&		\
		      sizeof(((struct ours *)0)->member) ==		\
		      sizeof(((struct theirs *)0)->member), #ours)
#define SAME_SIZE(ours, theirs)						\
	static_assert(sizeof(struct ours) == sizeof(struct theirs), #ours)

SAME_SIZE(iommu_ioas_map_file, l_ioas_map_file);
SAME(iommu_ioas_map_file, l_ioas_map_file, fd);
SAME(iommu_ioas_map_file, l_ioas_map_file, iova);
SAME_SIZE(iommu_ioas_change_process, l_ioas_change_process);
SAME_SIZE(iommu_viommu_alloc, l_viommu_alloc);
SAME(iommu_viommu_alloc, l_viommu_alloc, type);
SAME(iommu_viommu_alloc, l_viommu_alloc, out_viommu_id);
SAME(iommu_viommu_alloc, l_viommu_alloc, data_len);
SAME(iommu_viommu_alloc, l_viommu_alloc, data_uptr);
SAME_SIZE(iommu_vdevice_alloc, l_vdevice_alloc);
SAME(iommu_vdevice_alloc, l_vdevice_alloc, out_vdevice_id);
SAME(iommu_vdevice_alloc, l_vdevice_alloc, virt_id);
SAME_SIZE(iommu_veventq_alloc, l_veventq_alloc);
SAME(iommu_veventq_alloc, l_veventq_alloc, veventq_depth);
SAME(iommu_veventq_alloc, l_veventq_alloc, out_veventq_fd);
SAME_SIZE(iommu_hw_info, l_hw_info);
SAME(iommu_hw_info, l_hw_info, out_max_pasid_log2);
SAME(iommu_hw_info, l_hw_info, out_capabilities);
SAME_SIZE(iommu_hwpt_invalidate, l_hwpt_invalidate);
SAME(iommu_hwpt_alloc, l_hwpt_alloc, fault_id);
SAME(iommu_hwpt_alloc, l_hwpt_alloc, data_uptr);
SAME(iommu_fault_alloc, l_fault_alloc, out_fault_fd);
#define SAME_NUMBER(name)						\
	static_assert((int)IOMMUFD_CMD_ ## name == (int)L_ ## name, #name)

SAME_NUMBER(IOAS_MAP_FILE);
SAME_NUMBER(VIOMMU_ALLOC);
SAME_NUMBER(VDEVICE_ALLOC);
SAME_NUMBER(IOAS_CHANGE_PROCESS);
SAME_NUMBER(VEVENTQ_ALLOC);

/* --- the program --- */

FIXTURE(later) {
	int fd;
	__u32 ioas;
	__u32 parent;
	__u32 viommu;
	struct mock_device dev;
	__u64 data[512];
	struct fdinfo before;
};

FIXTURE_SETUP(later)
{
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, MOCK_FLAGS_DEVICE_PASID,
				 &self->dev));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.dev, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &self->parent));
	ASSERT_EQ(0, iommu_viommu(self->fd, self->dev.dev, self->parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0,
				  &self->viommu));
	state_of(self->fd, &self->before);
}

FIXTURE_TEARDOWN(later)
{
	struct fdinfo after;

	/* Whatever was tried, nothing has come of it. */
	state_of(self->fd, &after);
	EXPECT_STREQ(self->before.text, after.text);
	close(self->fd);
}

/*
 * Call number @nr with @size bytes of @arg and more behind them. Returns the errno;
 * *@touched: the kernel wrote something.
 */
static int later_call(FIXTURE_DATA(later) *self, unsigned int nr,
		      const void *arg, size_t size, bool *touched)
{
	unsigned char c[256], was[256];
	int rc;

	memset(c, 0xa5, sizeof(c));
	memcpy(c, arg, size);
	memcpy(was, c, sizeof(c));
	rc = iommu_call(self->fd, L_CMD(nr), c);
	*touched = memcmp(c, was, sizeof(c));
	return rc;
}

#define EXPECT_LATER(error, nr, arg, ...) do {				\
	bool _touched;							\
									\
	EXPECT_EQ(error, later_call(self, nr, &(arg), sizeof(arg),	\
				    &_touched)) TH_LOG(__VA_ARGS__);	\
	EXPECT_FALSE(_touched) TH_LOG(__VA_ARGS__);			\
} while (0)

/* Valid as they would be there */
TEST_F(later, commands_that_are_not_here)
{
	struct l_hw_queue_alloc queue = {
		.size = sizeof(queue),
		.viommu_id = self->viommu,
		.type = L_HW_QUEUE_TEGRA241_CMDQV,
		.nesting_parent_iova = IOVA_BASE,
		.length = PAGE,
	};
	struct l_ioas_noiommu_get_pa pa = {
		.size = sizeof(pa),
		.ioas_id = self->ioas,
		.iova = IOVA_BASE,
		.length = PAGE,
	};
	unsigned int nr;

	EXPECT_LATER(-ENOTTY, L_HW_QUEUE_ALLOC, queue, "HW_QUEUE_ALLOC");
	EXPECT_LATER(-ENOTTY, L_IOAS_NOIOMMU_GET_PA, pa, "NOIOMMU_GET_PA");
	/* What even later ones may bring, up to the test command's number */
	for (nr = 0x96; nr < 0xa0; nr++)
		EXPECT_LATER(-ENOTTY, nr, queue, "number %#x", nr);
	for (nr = 0xa1; nr < 0xc0; nr++)
		EXPECT_LATER(-ENOTTY, nr, queue, "number %#x", nr);
}

/* Every type of page table data there is, and beyond; the mock has none of them. */
TEST_F(later, hwpt_data_types)
{
	static const __u32 types[] = {
		L_HWPT_DATA_AMD_GUEST, 4, 5, 0x7fffffff, ~0U,
	};
	static const __u32 lengths[] = { 1, 16, 24, 32, 256 };
	struct l_hwpt_alloc c = {
		.size = sizeof(c),
		.dev_id = self->dev.dev,
		.data_uptr = (uintptr_t)self->data,
	};
	const __u32 parents[] = { self->parent, self->viommu, self->ioas };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_LEN(types); i++)
		for (j = 0; j < ARRAY_LEN(lengths); j++)
			for (k = 0; k < ARRAY_LEN(parents); k++) {
				c.data_type = types[i];
				c.data_len = lengths[j];
				c.pt_id = parents[k];
				EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_HWPT_ALLOC,
					     c, "type %u of %u bytes on %u",
					     types[i], lengths[j], parents[k]);
			}
}

TEST_F(later, hwpt_flags)
{
	struct l_hwpt_alloc c = {
		.size = sizeof(c),
		.dev_id = self->dev.dev,
		.pt_id = self->ioas,
	};
	unsigned int bit;

	for (bit = 4; bit < 32; bit++) {
		c.flags = 1U << bit;
		EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_HWPT_ALLOC, c,
			     "flag %#x", c.flags);
	}
}

TEST_F(later, hw_info_types)
{
	static const __u32 types[] = {
		L_HW_INFO_INTEL_VTD, L_HW_INFO_ARM_SMMUV3,
		L_HW_INFO_TEGRA241_CMDQV, L_HW_INFO_AMD, 5, 0x7fffffff,
	};
	struct l_hw_info c = {
		.size = sizeof(c),
		.flags = L_HW_INFO_INPUT_TYPE,
		.dev_id = self->dev.dev,
		.data_len = sizeof(self->data),
		.data_uptr = (uintptr_t)self->data,
	};
	unsigned int i;

	memset(self->data, 0x5a, sizeof(self->data));
	for (i = 0; i < ARRAY_LEN(types); i++) {
		c.data_type = types[i];
		EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_GET_HW_INFO, c,
			     "type %u", types[i]);
		EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, self->data[0]);
	}
	for (i = 1; i < 32; i++) {
		c.flags = 1U << i;
		EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_GET_HW_INFO, c,
			     "flag %#x", c.flags);
	}
	/* Capabilities have the meaning that they have there, and no other is set. */
	c.flags = 0;
	c.data_len = 0;
	ASSERT_EQ(0, iommu_call(self->fd, L_CMD(IOMMUFD_CMD_GET_HW_INFO), &c));
	EXPECT_EQ(0, c.out_capabilities & ~(__u64)L_HW_CAPS);
	EXPECT_GE(20, c.out_max_pasid_log2);
	EXPECT_EQ(0, c.reserved[0] | c.reserved[1] | c.reserved[2]);
}

TEST_F(later, viommu_types)
{
	static const __u32 types[] = {
		0, L_VIOMMU_ARM_SMMUV3, L_VIOMMU_TEGRA241_CMDQV, 3, 0x7fffffff,
	};
	struct l_viommu_alloc c = {
		.size = sizeof(c),
		.dev_id = self->dev.dev,
		.hwpt_id = self->parent,
	};
	unsigned int i, bit;

	memset(self->data, 0x5a, sizeof(self->data));
	for (i = 0; i < ARRAY_LEN(types); i++) {
		c.type = types[i];
		c.data_len = 0;
		c.data_uptr = 0;
		EXPECT_LATER(-EOPNOTSUPP, L_VIOMMU_ALLOC, c, "type %u",
			     types[i]);
		/* struct iommu_viommu_tegra241_cmdqv is an answer of 16 bytes. */
		c.data_len = 16;
		c.data_uptr = (uintptr_t)self->data;
		EXPECT_LATER(-EOPNOTSUPP, L_VIOMMU_ALLOC, c,
			     "type %u with data", types[i]);
		EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, self->data[0]);
	}
	c.type = IOMMU_VIOMMU_TYPE_SELFTEST;
	c.data_len = 0;
	c.data_uptr = 0;
	for (bit = 0; bit < 32; bit++) {
		c.flags = 1U << bit;
		EXPECT_LATER(-EOPNOTSUPP, L_VIOMMU_ALLOC, c, "flag %#x",
			     c.flags);
	}
}

TEST_F(later, veventq_types)
{
	static const __u32 types[] = {
		0, L_VEVENTQ_ARM_SMMUV3, L_VEVENTQ_TEGRA241_CMDQV, 3,
		0x7fffffff,
	};
	struct l_veventq_alloc c = {
		.size = sizeof(c),
		.viommu_id = self->viommu,
		.veventq_depth = 8,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		c.type = types[i];
		EXPECT_LATER(-EOPNOTSUPP, L_VEVENTQ_ALLOC, c, "type %u",
			     types[i]);
	}
	c.type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	for (i = 0; i < 32; i++) {
		c.flags = 1U << i;
		EXPECT_LATER(-EOPNOTSUPP, L_VEVENTQ_ALLOC, c, "flag %#x",
			     c.flags);
	}
	c.flags = 0;
	c.veventq_depth = 0;
	EXPECT_LATER(-EINVAL, L_VEVENTQ_ALLOC, c, "no depth");
	c.veventq_depth = (1 << 19) + 1;
	EXPECT_LATER(-EINVAL, L_VEVENTQ_ALLOC, c, "too deep");
}

/* Requests of a kind that the object has never heard of */
TEST_F(later, invalidation_types)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	static const __u32 types[] = { 0, 1, 2, 3, 0xffff, 0x10001, ~0U };
	struct l_hwpt_invalidate c = {
		.size = sizeof(c),
		.data_uptr = (uintptr_t)self->data,
		.entry_len = 16,
	};
	unsigned int i, num;
	__u32 nested;
	int rc;

	ASSERT_EQ(0, iommu_hwpt_nested(self->fd, self->dev.dev, self->parent, 0,
				       0, IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &nested));
	for (i = 0; i < ARRAY_LEN(types); i++)
		for (num = 0; num < 2; num++) {
			struct l_hwpt_invalidate was;

			c.data_type = types[i];
			c.entry_num = num;
			c.hwpt_id = nested;
			was = c;
			rc = iommu_call(self->fd,
					L_CMD(IOMMUFD_CMD_HWPT_INVALIDATE), &c);
			EXPECT_EQ(-EINVAL, rc) TH_LOG("type %#x", types[i]);
			/* None was carried out; all else is as it was. */
			EXPECT_EQ(0, c.entry_num);
			c.entry_num = was.entry_num;
			EXPECT_EQ(0, memcmp(&c, &was, sizeof(c)));
		}
	ASSERT_EQ(0, iommu_destroy(self->fd, nested));
}

TEST_F(later, options)
{
	struct l_option c = { .size = sizeof(c) };
	__u32 option;
	__u16 op;

	for (option = 2; option < 40; option++)
		for (op = 0; op < 2; op++) {
			c.option_id = option;
			c.op = op;
			c.object_id = option & 1 ? self->dev.dev : self->ioas;
			EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_OPTION, c,
				     "option %u", option);
		}
	c.option_id = IOMMU_OPTION_HUGE_PAGES;
	c.object_id = self->ioas;
	for (op = 2; op < 16; op++) {
		c.op = op;
		EXPECT_LATER(-EOPNOTSUPP, IOMMUFD_CMD_OPTION, c, "op %u", op);
	}
}

/* Flags of mappings, of files too; a dmabuf is not a file that can be mapped here. */
TEST_F(later, mappings)
{
	int file = memfd_create("later", MFD_CLOEXEC);
	struct l_ioas_map_file c = {
		.size = sizeof(c),
		.ioas_id = self->ioas,
		.fd = file,
		.length = PAGE,
		.iova = IOVA_BASE,
	};
	int pipes[2];
	unsigned int bit;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, ftruncate(file, PAGE));
	ASSERT_EQ(0, pipe(pipes));
	for (bit = 3; bit < 32; bit++) {
		c.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA | 1U << bit;
		EXPECT_LATER(-EOPNOTSUPP, L_IOAS_MAP_FILE, c, "flag %#x",
			     c.flags);
	}
	c.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_FIXED_IOVA;
	c.fd = pipes[0];
	EXPECT_LATER(-EINVAL, L_IOAS_MAP_FILE, c, "not a memfd");
	close(pipes[0]);
	close(pipes[1]);
	close(file);
}

/* A structure that has grown since: what it has more is zero, or it is refused. */
TEST_F(later, structures_that_have_grown)
{
	static const struct {
		unsigned int nr;
		unsigned int size;
	} commands[] = {
		{ IOMMUFD_CMD_DESTROY, sizeof(struct iommu_destroy) },
		{ IOMMUFD_CMD_IOAS_ALLOC, sizeof(struct iommu_ioas_alloc) },
		{ IOMMUFD_CMD_IOAS_MAP, sizeof(struct iommu_ioas_map) },
		{ IOMMUFD_CMD_OPTION, sizeof(struct l_option) },
		{ IOMMUFD_CMD_HWPT_ALLOC, sizeof(struct iommu_hwpt_alloc) },
		{ IOMMUFD_CMD_GET_HW_INFO, sizeof(struct l_hw_info) },
		{ IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING, 16 },
		{ IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP, 48 },
		{ IOMMUFD_CMD_HWPT_INVALIDATE,
		  sizeof(struct l_hwpt_invalidate) },
		{ IOMMUFD_CMD_FAULT_QUEUE_ALLOC,
		  sizeof(struct iommu_fault_alloc) },
		{ L_IOAS_MAP_FILE, sizeof(struct l_ioas_map_file) },
		{ L_VIOMMU_ALLOC, sizeof(struct l_viommu_alloc) },
		{ L_VDEVICE_ALLOC, sizeof(struct l_vdevice_alloc) },
		{ L_IOAS_CHANGE_PROCESS,
		  sizeof(struct l_ioas_change_process) },
		{ L_VEVENTQ_ALLOC, sizeof(struct l_veventq_alloc) },
	};
	unsigned int i, byte;

	for (i = 0; i < ARRAY_LEN(commands); i++)
		for (byte = 0; byte < 40; byte++) {
			unsigned char c[160] = { 0 };

			*(__u32 *)c = commands[i].size + byte + 1;
			c[commands[i].size + byte] = 1;
			EXPECT_LATER(-E2BIG, commands[i].nr, c,
				     "number %#x, byte %u more",
				     commands[i].nr, byte);
		}
}

TEST_HARNESS_MAIN
