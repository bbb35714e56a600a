// SPDX-License-Identifier: GPL-2.0
/*
 * The calling convention of /dev/iommu, for every command there is: structure
 * sizes, flags, reserved members, ids, pointers. One table describes the
 * commands; a command that the kernel answers and the table lacks is a failure,
 * so that none can be forgotten.
 */
#include "iommu_test.h"

#include <linux/userfaultfd.h>
#include <linux/vfio.h>

#define MAX_CMD		256
#define NO_FLAGS	(~0U)

enum id_kind {
	ID_NONE,
	ID_IOAS,
	ID_IOAS_OR_PARENT,
	ID_DEVICE,
	ID_PAGING,
	ID_NESTED,
	ID_HWPT,
	ID_FAULT,
	ID_VIOMMU,
	ID_ANY,
};

FIXTURE(abi) {
	int fd;
	int other_fd;
	struct test_device dev;
	__u32 pasid_dev;
	__u32 ioas;
	__u32 ioas2;
	__u32 hwpt;
	__u32 fault;
	int fault_fd;
	void *buffer;
	int memfd;
	struct iommu_iova_range range;
	__u64 scratch[64];
	bool nested_ok;
	__u32 nested;
	__u32 parent;
	__u32 viommu;
};

/**
 * struct id_member - a member that holds an id
 * @offset: where
 * @kind: of what
 * @error: for an id that does not exist on this open file
 * @flag: the id is looked at only with this flag
 */
struct id_member {
	unsigned int offset;
	enum id_kind kind;
	int error;
	__u32 flag;
};

/**
 * struct command - all there is to know of a command's convention
 * @name: for messages
 * @nr: number
 * @size: of the structure
 * @least: shortest structure that is accepted
 * @flags_at: offset of the flags; NO_FLAGS: it has none
 * @flags_known: flags that are not refused for being unknown
 * @reserved: offset and width of each reserved member
 * @ids: its ids
 * @mock_only: cannot succeed without the mock
 * @fill: make the call valid
 * @undo: the call has succeeded: take its effect back
 */
struct command {
	const char *name;
	unsigned int nr;
	unsigned int size;
	unsigned int least;
	unsigned int flags_at;
	__u32 flags_known;
	struct {
		unsigned int offset;
		unsigned int width;
	} reserved[3];
	struct id_member ids[4];
	bool mock_only;
	void (*fill)(FIXTURE_DATA(abi) *self, void *arg);
	void (*undo)(FIXTURE_DATA(abi) *self, void *arg);
};

#define END(type, member) \
	(offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define RES(type, member) \
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member) }

static void fill_destroy(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_destroy *c = arg;

	/* Each call needs an object of its own to destroy. */
	iommu_ioas_alloc(self->fd, &c->id);
}

static void undo_destroy_ioas(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_alloc *c = arg;

	iommu_destroy(self->fd, c->out_ioas_id);
}

static void fill_allow(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_allow_iovas *c = arg;

	c->ioas_id = self->ioas2;
	c->num_iovas = 1;
	c->allowed_iovas = (uintptr_t)&self->range;
}

static void fill_copy(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_copy *c = arg;

	c->flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA;
	c->dst_ioas_id = self->ioas2;
	c->src_ioas_id = self->ioas;
	c->length = PAGE;
	c->dst_iova = IOVA_BASE + 16 * PAGE;
	c->src_iova = IOVA_BASE;
}

static void undo_copy(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_copy *c = arg;

	iommu_unmap(self->fd, self->ioas2, c->dst_iova, PAGE, NULL);
}

static void fill_ranges(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_iova_ranges *c = arg;

	c->ioas_id = self->ioas;
	c->num_iovas = ARRAY_LEN(self->scratch) / 2;
	c->allowed_iovas = (uintptr_t)self->scratch;
}

static void fill_map(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_map *c = arg;

	c->flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA;
	c->ioas_id = self->ioas;
	c->user_va = (uintptr_t)self->buffer;
	c->length = PAGE;
	c->iova = IOVA_BASE + 32 * PAGE;
}

static void undo_map(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_map *c = arg;

	iommu_unmap(self->fd, self->ioas, c->iova, PAGE, NULL);
}

static void fill_map_file(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_map_file *c = arg;

	c->flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA;
	c->ioas_id = self->ioas;
	c->fd = self->memfd;
	c->length = PAGE;
	c->iova = IOVA_BASE + 160 * PAGE;
}

static void undo_map_file(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_map_file *c = arg;

	iommu_unmap(self->fd, self->ioas, c->iova, PAGE, NULL);
}

static void fill_unmap(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_unmap *c = arg;

	iommu_map(self->fd, self->ioas, self->buffer, PAGE,
		  IOVA_BASE + 64 * PAGE);
	c->ioas_id = self->ioas;
	c->iova = IOVA_BASE + 64 * PAGE;
	c->length = PAGE;
}

static void fill_map_array(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_map_entry *e = (void *)self->scratch;
	struct iommu_ioas_map_array *c = arg;

	*e = (struct iommu_ioas_map_entry){
		.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA,
		.user_va = (uintptr_t)self->buffer,
		.length = PAGE,
		.iova = IOVA_BASE + 96 * PAGE,
	};
	c->ioas_id = self->ioas;
	c->entries = (uintptr_t)e;
	c->entry_len = sizeof(*e);
	c->entry_num = 1;
}

static void undo_map_array(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)arg;
	iommu_unmap(self->fd, self->ioas, IOVA_BASE + 96 * PAGE, PAGE, NULL);
}

static void fill_unmap_array(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_ioas_unmap_entry *e = (void *)self->scratch;
	struct iommu_ioas_unmap_array *c = arg;

	iommu_map(self->fd, self->ioas, self->buffer, PAGE,
		  IOVA_BASE + 128 * PAGE);
	*e = (struct iommu_ioas_unmap_entry){
		.iova = IOVA_BASE + 128 * PAGE,
		.length = PAGE,
	};
	c->ioas_id = self->ioas;
	c->entries = (uintptr_t)e;
	c->entry_len = sizeof(*e);
	c->entry_num = 1;
}

static void fill_option(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_option *c = arg;

	c->option_id = IOMMU_OPTION_HUGE_PAGES;
	c->op = IOMMU_OPTION_OP_GET;
	c->object_id = self->ioas;
}

static void fill_vfio_ioas(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_vfio_ioas *c = arg;

	c->op = IOMMU_VFIO_IOAS_SET;
	c->ioas_id = self->ioas;
}

static void undo_vfio_ioas(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c),
		.op = IOMMU_VFIO_IOAS_CLEAR,
	};

	(void)arg;
	iommu_call(self->fd, IOMMU_VFIO_IOAS, &c);
}

static void fill_hwpt_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_alloc *c = arg;

	c->dev_id = self->dev.id;
	c->pt_id = self->ioas;
}

static void undo_hwpt_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_alloc *c = arg;

	iommu_destroy(self->fd, c->out_hwpt_id);
}

static void fill_hw_info(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hw_info *c = arg;

	c->dev_id = self->dev.id;
	c->data_len = sizeof(self->scratch);
	c->data_uptr = (uintptr_t)self->scratch;
}

static void fill_set_dirty(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_set_dirty_tracking *c = arg;

	c->flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
	c->hwpt_id = self->hwpt;
}

static void fill_get_dirty(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_set_dirty_tracking start = {
		.size = sizeof(start),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
		.hwpt_id = self->hwpt,
	};
	struct iommu_hwpt_get_dirty_bitmap *c = arg;

	iommu_call(self->fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &start);
	c->hwpt_id = self->hwpt;
	c->iova = IOVA_BASE;
	c->length = PAGE;
	c->page_size = MOCK_PAGE;
	c->data = (uintptr_t)self->scratch;
}

static void fill_invalidate(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_invalidate *c = arg;

	memset(self->scratch, 0, sizeof(self->scratch));
	c->hwpt_id = self->nested;
	c->data_uptr = (uintptr_t)self->scratch;
	c->data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	c->entry_len = sizeof(struct iommu_hwpt_invalidate_selftest);
	c->entry_num = 1;
}

static void fill_fault_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	(void)arg;
}

static void undo_fault_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_fault_alloc *c = arg;

	close((int)c->out_fault_fd);
	iommu_destroy(self->fd, c->out_fault_id);
}

static void fill_viommu_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_viommu_alloc *c = arg;

	c->type = IOMMU_VIOMMU_TYPE_SELFTEST;
	c->dev_id = self->dev.id;
	c->hwpt_id = self->parent;
}

static void undo_viommu_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_viommu_alloc *c = arg;

	iommu_destroy(self->fd, c->out_viommu_id);
}

static void fill_vdevice_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_vdevice_alloc *c = arg;

	c->viommu_id = self->viommu;
	c->dev_id = self->dev.id;
	c->virt_id = 0x99;
}

static void undo_vdevice_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_vdevice_alloc *c = arg;

	iommu_destroy(self->fd, c->out_vdevice_id);
}

static void fill_veventq_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_veventq_alloc *c = arg;

	c->viommu_id = self->viommu;
	c->type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	c->veventq_depth = 8;
}

static void undo_veventq_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_veventq_alloc *c = arg;

	close((int)c->out_veventq_fd);
	iommu_destroy(self->fd, c->out_veventq_id);
}

static void fill_eventq_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_eventq_alloc *c = arg;

	c->hwpt_id = self->hwpt;
	c->depth = 8;
}

static void undo_eventq_alloc(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_hwpt_eventq_alloc *c = arg;

	close((int)c->out_eventq_fd);
	iommu_destroy(self->fd, c->out_eventq_id);
}

/* PASID 1 and 3 are attached, 2 is not. */
static void fill_pasid_attach(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_pasid *c = arg;

	c->dev_id = self->pasid_dev;
	c->pasid = 2;
	c->pt_id = self->ioas;
}

static void undo_pasid_attach(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)arg;
	iommu_pasid_detach(self->fd, self->pasid_dev, 2);
}

static void fill_pasid_replace(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_pasid *c = arg;

	c->dev_id = self->pasid_dev;
	c->pasid = 1;
	c->pt_id = self->hwpt;
}

static void undo_pasid_replace(FIXTURE_DATA(abi) *self, void *arg)
{
	__u32 pt = self->ioas;

	(void)arg;
	iommu_pasid_replace(self->fd, self->pasid_dev, 1, &pt);
}

static void fill_pasid_detach(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_pasid_detach *c = arg;

	c->dev_id = self->pasid_dev;
	c->pasid = 3;
}

static void undo_pasid_detach(FIXTURE_DATA(abi) *self, void *arg)
{
	__u32 pt = self->ioas;

	(void)arg;
	iommu_pasid_attach(self->fd, self->pasid_dev, 3, &pt);
}

static void fill_msi_window(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_msi_window *c = arg;

	c->dev_id = self->pasid_dev;
}

static void fill_pri(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_pri *c = arg;

	c->dev_id = self->pasid_dev;
	c->op = IOMMU_DEVICE_PRI_ENABLE;
}

static void undo_pri(FIXTURE_DATA(abi) *self, void *arg)
{
	struct iommu_device_pri c = { 0 };

	(void)arg;
	iommu_pri(self->fd, self->pasid_dev, IOMMU_DEVICE_PRI_DISABLE, &c);
}

static void fill_probe(FIXTURE_DATA(abi) *self, void *arg)
{
	static __u64 room[1024];
	struct iommu_device_probe *c = arg;

	c->dev_id = self->dev.id;
	c->data_len = sizeof(room);
	c->data_uptr = (uintptr_t)room;
}

static const struct command commands[] = {
	{
		.name = "DESTROY",
		.nr = IOMMUFD_CMD_DESTROY,
		.size = sizeof(struct iommu_destroy),
		.least = END(iommu_destroy, id),
		.flags_at = NO_FLAGS,
		.ids = { { offsetof(struct iommu_destroy, id), ID_ANY,
			   -ENOENT, 0 } },
		.fill = fill_destroy,
	},
	{
		.name = "IOAS_ALLOC",
		.nr = IOMMUFD_CMD_IOAS_ALLOC,
		.size = sizeof(struct iommu_ioas_alloc),
		.least = END(iommu_ioas_alloc, out_ioas_id),
		.flags_at = offsetof(struct iommu_ioas_alloc, flags),
		.fill = fill_fault_alloc,
		.undo = undo_destroy_ioas,
	},
	{
		.name = "IOAS_ALLOW_IOVAS",
		.nr = IOMMUFD_CMD_IOAS_ALLOW_IOVAS,
		.size = sizeof(struct iommu_ioas_allow_iovas),
		.least = END(iommu_ioas_allow_iovas, allowed_iovas),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_ioas_allow_iovas, __reserved) },
		.ids = { { offsetof(struct iommu_ioas_allow_iovas, ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_allow,
	},
	{
		.name = "IOAS_COPY",
		.nr = IOMMUFD_CMD_IOAS_COPY,
		.size = sizeof(struct iommu_ioas_copy),
		.least = END(iommu_ioas_copy, src_iova),
		.flags_at = offsetof(struct iommu_ioas_copy, flags),
		.flags_known = 7,
		.ids = { { offsetof(struct iommu_ioas_copy, dst_ioas_id),
			   ID_IOAS, -ENOENT, 0 },
			 { offsetof(struct iommu_ioas_copy, src_ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_copy,
		.undo = undo_copy,
	},
	{
		.name = "IOAS_IOVA_RANGES",
		.nr = IOMMUFD_CMD_IOAS_IOVA_RANGES,
		.size = sizeof(struct iommu_ioas_iova_ranges),
		.least = END(iommu_ioas_iova_ranges, out_iova_alignment),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_ioas_iova_ranges, __reserved) },
		.ids = { { offsetof(struct iommu_ioas_iova_ranges, ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_ranges,
	},
	{
		.name = "IOAS_MAP",
		.nr = IOMMUFD_CMD_IOAS_MAP,
		.size = sizeof(struct iommu_ioas_map),
		.least = END(iommu_ioas_map, iova),
		.flags_at = offsetof(struct iommu_ioas_map, flags),
		.flags_known = 7,
		.reserved = { RES(iommu_ioas_map, __reserved) },
		.ids = { { offsetof(struct iommu_ioas_map, ioas_id), ID_IOAS,
			   -ENOENT, 0 } },
		.fill = fill_map,
		.undo = undo_map,
	},
	{
		.name = "IOAS_UNMAP",
		.nr = IOMMUFD_CMD_IOAS_UNMAP,
		.size = sizeof(struct iommu_ioas_unmap),
		.least = END(iommu_ioas_unmap, length),
		.flags_at = NO_FLAGS,
		.ids = { { offsetof(struct iommu_ioas_unmap, ioas_id), ID_IOAS,
			   -ENOENT, 0 } },
		.fill = fill_unmap,
	},
	{
		.name = "OPTION",
		.nr = IOMMUFD_CMD_OPTION,
		.size = sizeof(struct iommu_option),
		.least = END(iommu_option, val64),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_option, __reserved) },
		.ids = { { offsetof(struct iommu_option, object_id), ID_IOAS,
			   -ENOENT, 0 } },
		.fill = fill_option,
	},
	{
		.name = "VFIO_IOAS",
		.nr = IOMMUFD_CMD_VFIO_IOAS,
		.size = sizeof(struct iommu_vfio_ioas),
		.least = END(iommu_vfio_ioas, __reserved),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_vfio_ioas, __reserved) },
		.ids = { { offsetof(struct iommu_vfio_ioas, ioas_id), ID_IOAS,
			   -ENOENT, 0 } },
		.fill = fill_vfio_ioas,
		.undo = undo_vfio_ioas,
	},
	{
		.name = "HWPT_ALLOC",
		.nr = IOMMUFD_CMD_HWPT_ALLOC,
		.size = sizeof(struct iommu_hwpt_alloc),
		.least = END(iommu_hwpt_alloc, __reserved),
		.flags_at = offsetof(struct iommu_hwpt_alloc, flags),
		.flags_known = 7,
		.reserved = { RES(iommu_hwpt_alloc, __reserved),
			      RES(iommu_hwpt_alloc, __reserved2) },
		.ids = { { offsetof(struct iommu_hwpt_alloc, dev_id), ID_DEVICE,
			   -ENOENT, 0 },
			 { offsetof(struct iommu_hwpt_alloc, pt_id),
			   ID_IOAS_OR_PARENT, -EINVAL, 0 },
			 { offsetof(struct iommu_hwpt_alloc, fault_id),
			   ID_FAULT, -ENOENT, IOMMU_HWPT_FAULT_ID_VALID } },
		.fill = fill_hwpt_alloc,
		.undo = undo_hwpt_alloc,
	},
	{
		.name = "GET_HW_INFO",
		.nr = IOMMUFD_CMD_GET_HW_INFO,
		.size = sizeof(struct iommu_hw_info),
		.least = END(iommu_hw_info, __reserved),
		.flags_at = offsetof(struct iommu_hw_info, flags),
		.flags_known = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
		.reserved = { RES(iommu_hw_info, __reserved[0]),
			      RES(iommu_hw_info, __reserved[1]),
			      RES(iommu_hw_info, __reserved[2]) },
		.ids = { { offsetof(struct iommu_hw_info, dev_id), ID_DEVICE,
			   -ENOENT, 0 } },
		.fill = fill_hw_info,
	},
	{
		.name = "HWPT_SET_DIRTY_TRACKING",
		.nr = IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING,
		.size = sizeof(struct iommu_hwpt_set_dirty_tracking),
		.least = END(iommu_hwpt_set_dirty_tracking, __reserved),
		.flags_at = offsetof(struct iommu_hwpt_set_dirty_tracking,
				     flags),
		.flags_known = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
		.reserved = { RES(iommu_hwpt_set_dirty_tracking, __reserved) },
		.ids = { { offsetof(struct iommu_hwpt_set_dirty_tracking,
				    hwpt_id), ID_PAGING, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_set_dirty,
	},
	{
		.name = "HWPT_GET_DIRTY_BITMAP",
		.nr = IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP,
		.size = sizeof(struct iommu_hwpt_get_dirty_bitmap),
		.least = END(iommu_hwpt_get_dirty_bitmap, data),
		.flags_at = offsetof(struct iommu_hwpt_get_dirty_bitmap, flags),
		.flags_known = IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
		.reserved = { RES(iommu_hwpt_get_dirty_bitmap, __reserved) },
		.ids = { { offsetof(struct iommu_hwpt_get_dirty_bitmap,
				    hwpt_id), ID_PAGING, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_get_dirty,
	},
	{
		.name = "HWPT_INVALIDATE",
		.nr = IOMMUFD_CMD_HWPT_INVALIDATE,
		.size = sizeof(struct iommu_hwpt_invalidate),
		.least = END(iommu_hwpt_invalidate, __reserved),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_hwpt_invalidate, __reserved) },
		.ids = { { offsetof(struct iommu_hwpt_invalidate, hwpt_id),
			   ID_NESTED, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_invalidate,
	},
	{
		.name = "FAULT_QUEUE_ALLOC",
		.nr = IOMMUFD_CMD_FAULT_QUEUE_ALLOC,
		.size = sizeof(struct iommu_fault_alloc),
		.least = END(iommu_fault_alloc, out_fault_fd),
		.flags_at = offsetof(struct iommu_fault_alloc, flags),
		.reserved = { RES(iommu_fault_alloc, __reserved) },
		.ids = { { offsetof(struct iommu_fault_alloc, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.fill = fill_fault_alloc,
		.undo = undo_fault_alloc,
	},
	{
		.name = "IOAS_MAP_FILE",
		.nr = IOMMUFD_CMD_IOAS_MAP_FILE,
		.size = sizeof(struct iommu_ioas_map_file),
		.least = END(iommu_ioas_map_file, iova),
		.flags_at = offsetof(struct iommu_ioas_map_file, flags),
		.flags_known = 7,
		.ids = { { offsetof(struct iommu_ioas_map_file, ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_map_file,
		.undo = undo_map_file,
	},
	{
		.name = "IOAS_CHANGE_PROCESS",
		.nr = IOMMUFD_CMD_IOAS_CHANGE_PROCESS,
		.size = sizeof(struct iommu_ioas_change_process),
		.least = END(iommu_ioas_change_process, __reserved),
		.flags_at = NO_FLAGS,
		.reserved = { RES(iommu_ioas_change_process, __reserved) },
		.fill = fill_fault_alloc,
	},
	{
		.name = "VIOMMU_ALLOC",
		.nr = IOMMUFD_CMD_VIOMMU_ALLOC,
		.size = sizeof(struct iommu_viommu_alloc),
		.least = END(iommu_viommu_alloc, out_viommu_id),
		.flags_at = offsetof(struct iommu_viommu_alloc, flags),
		.reserved = { RES(iommu_viommu_alloc, __reserved) },
		.ids = { { offsetof(struct iommu_viommu_alloc, dev_id),
			   ID_DEVICE, -ENOENT, 0 },
			 { offsetof(struct iommu_viommu_alloc, hwpt_id),
			   ID_PAGING, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_viommu_alloc,
		.undo = undo_viommu_alloc,
	},
	{
		.name = "VDEVICE_ALLOC",
		.nr = IOMMUFD_CMD_VDEVICE_ALLOC,
		.size = sizeof(struct iommu_vdevice_alloc),
		.least = END(iommu_vdevice_alloc, virt_id),
		.flags_at = NO_FLAGS,
		.ids = { { offsetof(struct iommu_vdevice_alloc, viommu_id),
			   ID_VIOMMU, -ENOENT, 0 },
			 { offsetof(struct iommu_vdevice_alloc, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_vdevice_alloc,
		.undo = undo_vdevice_alloc,
	},
	{
		.name = "VEVENTQ_ALLOC",
		.nr = IOMMUFD_CMD_VEVENTQ_ALLOC,
		.size = sizeof(struct iommu_veventq_alloc),
		.least = END(iommu_veventq_alloc, __reserved),
		.flags_at = offsetof(struct iommu_veventq_alloc, flags),
		.reserved = { RES(iommu_veventq_alloc, __reserved) },
		.ids = { { offsetof(struct iommu_veventq_alloc, viommu_id),
			   ID_VIOMMU, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_veventq_alloc,
		.undo = undo_veventq_alloc,
	},
	{
		.name = "GET_FEATURES",
		.nr = IOMMUFD_CMD_GET_FEATURES,
		.size = sizeof(struct iommu_features),
		.least = END(iommu_features, out_features),
		.flags_at = offsetof(struct iommu_features, flags),
		.reserved = { RES(iommu_features, __reserved) },
		.fill = fill_fault_alloc,
	},
	{
		.name = "HWPT_EVENTQ_ALLOC",
		.nr = IOMMUFD_CMD_HWPT_EVENTQ_ALLOC,
		.size = sizeof(struct iommu_hwpt_eventq_alloc),
		.least = END(iommu_hwpt_eventq_alloc, out_eventq_fd),
		.flags_at = offsetof(struct iommu_hwpt_eventq_alloc, flags),
		.ids = { { offsetof(struct iommu_hwpt_eventq_alloc, hwpt_id),
			   ID_HWPT, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_eventq_alloc,
		.undo = undo_eventq_alloc,
	},
	{
		.name = "IOAS_MAP_ARRAY",
		.nr = IOMMUFD_CMD_IOAS_MAP_ARRAY,
		.size = sizeof(struct iommu_ioas_map_array),
		.least = END(iommu_ioas_map_array, out_answered),
		.flags_at = offsetof(struct iommu_ioas_map_array, flags),
		.ids = { { offsetof(struct iommu_ioas_map_array, ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_map_array,
		.undo = undo_map_array,
	},
	{
		.name = "IOAS_UNMAP_ARRAY",
		.nr = IOMMUFD_CMD_IOAS_UNMAP_ARRAY,
		.size = sizeof(struct iommu_ioas_unmap_array),
		.least = END(iommu_ioas_unmap_array, out_unmapped),
		.flags_at = offsetof(struct iommu_ioas_unmap_array, flags),
		.ids = { { offsetof(struct iommu_ioas_unmap_array, ioas_id),
			   ID_IOAS, -ENOENT, 0 } },
		.fill = fill_unmap_array,
	},
	{
		.name = "DEVICE_PASID_ATTACH",
		.nr = IOMMUFD_CMD_DEVICE_PASID_ATTACH,
		.size = sizeof(struct iommu_device_pasid),
		.least = END(iommu_device_pasid, out_pasid),
		.flags_at = offsetof(struct iommu_device_pasid, flags),
		/* pt_id: iommu_pasid.c */
		.ids = { { offsetof(struct iommu_device_pasid, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_pasid_attach,
		.undo = undo_pasid_attach,
	},
	{
		.name = "DEVICE_PASID_REPLACE",
		.nr = IOMMUFD_CMD_DEVICE_PASID_REPLACE,
		.size = sizeof(struct iommu_device_pasid),
		.least = END(iommu_device_pasid, out_pasid),
		.flags_at = offsetof(struct iommu_device_pasid, flags),
		.ids = { { offsetof(struct iommu_device_pasid, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_pasid_replace,
		.undo = undo_pasid_replace,
	},
	{
		.name = "DEVICE_PASID_DETACH",
		.nr = IOMMUFD_CMD_DEVICE_PASID_DETACH,
		.size = sizeof(struct iommu_device_pasid_detach),
		.least = END(iommu_device_pasid_detach, pasid),
		.flags_at = offsetof(struct iommu_device_pasid_detach, flags),
		.ids = { { offsetof(struct iommu_device_pasid_detach, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_pasid_detach,
		.undo = undo_pasid_detach,
	},
	{
		.name = "DEVICE_PRI",
		.nr = IOMMUFD_CMD_DEVICE_PRI,
		.size = sizeof(struct iommu_device_pri),
		.least = END(iommu_device_pri, out_outstanding),
		.flags_at = offsetof(struct iommu_device_pri, flags),
		.ids = { { offsetof(struct iommu_device_pri, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_pri,
		.undo = undo_pri,
	},
	{
		.name = "DEVICE_PROBE",
		.nr = IOMMUFD_CMD_DEVICE_PROBE,
		.size = sizeof(struct iommu_device_probe),
		.least = END(iommu_device_probe, __reserved),
		.flags_at = offsetof(struct iommu_device_probe, flags),
		.reserved = { RES(iommu_device_probe, __reserved) },
		.ids = { { offsetof(struct iommu_device_probe, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.fill = fill_probe,
	},
	{
		.name = "DEVICE_MSI_WINDOW",
		.nr = IOMMUFD_CMD_DEVICE_MSI_WINDOW,
		.size = sizeof(struct iommu_device_msi_window),
		.least = END(iommu_device_msi_window, out_doorbells),
		.flags_at = offsetof(struct iommu_device_msi_window, flags),
		.flags_known = IOMMU_MSI_WINDOW_SET,
		.ids = { { offsetof(struct iommu_device_msi_window, dev_id),
			   ID_DEVICE, -ENOENT, 0 } },
		.mock_only = true,
		.fill = fill_msi_window,
	},
};

/* The test command of the mock; its operations have tests of their own. */
#define NR_TEST		0xa0

static unsigned long request_of(const struct command *c)
{
	return _IO(IOMMUFD_TYPE, c->nr);
}

static __u32 *member(void *arg, unsigned int offset)
{
	return (__u32 *)((char *)arg + offset);
}

/* A valid call of @c in the @MAX_CMD bytes at @arg. */
static void prepare(FIXTURE_DATA(abi) *self, const struct command *c, void *arg)
{
	memset(arg, 0, MAX_CMD);
	*(__u32 *)arg = c->size;
	c->fill(self, arg);
}

static bool can_succeed(FIXTURE_DATA(abi) *self, const struct command *c)
{
	return !c->mock_only || self->nested_ok;
}

static void undo(FIXTURE_DATA(abi) *self, const struct command *c, void *arg)
{
	if (c->undo)
		c->undo(self, arg);
}

FIXTURE_SETUP(abi)
{
	__u64 iova = IOVA_BASE;
	int rc;

	self->fault_fd = -1;
	self->range.start = 0;
	self->range.last = ~0ULL >> 1;
	self->buffer = mem_get(PAGE);
	ASSERT_NE(NULL, self->buffer);
	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	self->other_fd = iommu_open();
	ASSERT_LE(0, self->other_fd);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas2));
	rc = test_device_make(self->fd, 0, self->ioas, &self->dev);
	if (rc == -ENODEV)
		SKIP(return, "there is no device for this test");
	ASSERT_EQ(0, rc);
	/* Of a file, so that CHANGE_PROCESS can succeed */
	self->memfd = memfd_create("abi", MFD_CLOEXEC);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(0, ftruncate(self->memfd, PAGE));
	ASSERT_EQ(0, iommu_map_file(self->fd, self->ioas, self->memfd, 0, PAGE,
				    IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
				    &iova));
	self->fault_fd = iommu_fault_queue(self->fd, 0, 0, 0, &self->fault);
	ASSERT_LE(0, self->fault_fd);
#ifndef TEST_VTD
	struct iommu_hwpt_selftest data = {
		.iotlb = IOMMU_TEST_IOTLB_DEFAULT,
	};

	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0,
				       &self->hwpt));
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, 0,
				       &self->parent));
	ASSERT_EQ(0, iommu_hwpt_nested(self->fd, self->dev.id, self->parent, 0,
				       0, IOMMU_HWPT_DATA_SELFTEST, &data,
				       sizeof(data), &self->nested));
	ASSERT_EQ(0, iommu_viommu(self->fd, self->dev.id, self->parent,
				  IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0,
				  &self->viommu));
	self->nested_ok = true;

	struct mock_device pasid_dev;
	__u32 i, pt;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas,
				 MOCK_FLAGS_DEVICE_PASID |
				 MOCK_FLAGS_DEVICE_SW_MSI, &pasid_dev));
	self->pasid_dev = pasid_dev.dev;
	for (i = 1; i <= 3; i += 2) {
		pt = self->ioas;
		ASSERT_EQ(0, iommu_pasid_attach(self->fd, self->pasid_dev, i,
						&pt));
	}
#else
	self->pasid_dev = self->dev.id;
	ASSERT_EQ(0, iommu_hwpt_paging(self->fd, self->dev.id, self->ioas, 0, 0,
				       &self->hwpt));
#endif
}

FIXTURE_TEARDOWN(abi)
{
	test_device_remove(self->fd, &self->dev);
	if (self->fault_fd >= 0)
		close(self->fault_fd);
	close(self->fd);
	close(self->other_fd);
	close(self->memfd);
}

static bool in_table(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].nr == nr)
			return true;
	return false;
}

/*
 * A number with a command behind it says EFAULT to a null pointer, any other
 * ENOTTY. Below 0x80 the numbers are those of VFIO's container.
 */
TEST_F(abi, no_command_without_an_entry_here)
{
	unsigned int nr;

	for (nr = IOMMUFD_CMD_BASE; nr < 0x100; nr++) {
		int rc = iommu_call(self->fd, _IO(IOMMUFD_TYPE, nr), NULL);

		if (nr == NR_TEST)
			continue;
		EXPECT_EQ(in_table(nr) ? -EFAULT : -ENOTTY, rc)
			TH_LOG("command number %#x", nr);
	}
}

TEST_F(abi, other_types_and_directions)
{
	struct iommu_ioas_alloc c = { .size = sizeof(c) };

	EXPECT_EQ(-ENOTTY, iommu_call(self->fd, _IOW(IOMMUFD_TYPE, 0x81, c),
				      &c));
	EXPECT_EQ(-ENOTTY, iommu_call(self->fd, _IOWR(IOMMUFD_TYPE, 0x81, c),
				      &c));
	EXPECT_EQ(-ENOTTY, iommu_call(self->fd, _IO('<', 0x81), &c));
	EXPECT_EQ(-ENOTTY, iommu_call(self->fd, 0, &c));
	EXPECT_EQ(-ENOTTY, iommu_call(self->fd, ~0UL, &c));
	EXPECT_EQ(0, c.out_ioas_id);
}

/* Without this every other case here could pass for the wrong reason. */
TEST_F(abi, valid_call_succeeds)
{
	char arg[MAX_CMD];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (!can_succeed(self, c))
			continue;
		prepare(self, c, arg);
		ASSERT_EQ(0, iommu_call(self->fd, request_of(c), arg))
			TH_LOG("%s", c->name);
		undo(self, c, arg);
	}
}

/* A call that failed has left what was mapped for it to unmap. */
static void unprepare(FIXTURE_DATA(abi) *self, const struct command *c)
{
	if (c->nr == IOMMUFD_CMD_IOAS_UNMAP)
		iommu_unmap(self->fd, self->ioas, IOVA_BASE + 64 * PAGE, PAGE,
			    NULL);
	if (c->nr == IOMMUFD_CMD_IOAS_UNMAP_ARRAY)
		iommu_unmap(self->fd, self->ioas, IOVA_BASE + 128 * PAGE, PAGE,
			    NULL);
}

TEST_F(abi, too_short)
{
	struct fdinfo before, after;
	char arg[MAX_CMD];
	unsigned int i;
	__u32 size;

	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (c->nr == IOMMUFD_CMD_DESTROY ||
		    c->nr == IOMMUFD_CMD_IOAS_UNMAP ||
		    c->nr == IOMMUFD_CMD_IOAS_UNMAP_ARRAY)
			continue;	/* preparing them changes the state */
		for (size = 0; size < c->least; size++) {
			prepare(self, c, arg);
			*(__u32 *)arg = size;
			ASSERT_EQ(-EINVAL,
				  iommu_call(self->fd, request_of(c), arg))
				TH_LOG("%s of %u bytes", c->name, size);
		}
	}
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);

	for (size = 0; size < sizeof(struct iommu_destroy); size++) {
		struct iommu_destroy d = { .size = size, .id = self->ioas2 };

		EXPECT_EQ(-EINVAL, iommu_call(self->fd, IOMMU_DESTROY, &d));
	}
	for (size = 0; size < sizeof(struct iommu_ioas_unmap); size++) {
		struct iommu_ioas_unmap u = {
			.size = size,
			.ioas_id = self->ioas,
			.length = ~0ULL,
		};

		EXPECT_EQ(-EINVAL, iommu_call(self->fd, IOMMU_IOAS_UNMAP, &u));
	}
}

/* A program compiled before the structure grew. */
TEST_F(abi, shortest_that_is_accepted)
{
	char arg[MAX_CMD];
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (c->least == c->size || !can_succeed(self, c))
			continue;
		prepare(self, c, arg);
		*(__u32 *)arg = c->least;
		/* What lies behind is not the kernel's to read or write. */
		memset(arg + c->least, 0x5a, MAX_CMD - c->least);
		ASSERT_EQ(0, iommu_call(self->fd, request_of(c), arg))
			TH_LOG("%s of %u bytes", c->name, c->least);
		for (j = c->least; j < MAX_CMD; j++)
			ASSERT_EQ(0x5a, arg[j])
				TH_LOG("%s wrote to byte %u of %u", c->name, j,
				       c->least);
		undo(self, c, arg);
	}
}

TEST_F(abi, longer_with_zero_tail)
{
	static const unsigned int extra[] = { 1, 4, 8, 64, 3 * PAGE };
	unsigned int i, j;
	char *arg;

	arg = mem_get(4 * PAGE);
	ASSERT_NE(NULL, arg);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (!can_succeed(self, c))
			continue;
		for (j = 0; j < ARRAY_LEN(extra); j++) {
			prepare(self, c, arg);
			*(__u32 *)arg = c->size + extra[j];
			ASSERT_EQ(0, iommu_call(self->fd, request_of(c), arg))
				TH_LOG("%s with %u bytes more", c->name,
				       extra[j]);
			undo(self, c, arg);
		}
	}
}

TEST_F(abi, longer_with_something_in_the_tail)
{
	static const unsigned int extra[] = { 1, 4, 64, 3 * PAGE };
	struct fdinfo before, after;
	unsigned int i, j;
	char *arg;

	arg = mem_get(4 * PAGE);
	ASSERT_NE(NULL, arg);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		for (j = 0; j < ARRAY_LEN(extra); j++) {
			prepare(self, c, arg);
			*(__u32 *)arg = c->size + extra[j];
			arg[c->size + extra[j] - 1] = 1;
			state_of(self->fd, &before);
			ASSERT_EQ(-E2BIG,
				  iommu_call(self->fd, request_of(c), arg))
				TH_LOG("%s with %u bytes more", c->name,
				       extra[j]);
			state_of(self->fd, &after);
			ASSERT_STREQ(before.text, after.text);
			arg[c->size + extra[j] - 1] = 0;
			if (c->nr == IOMMUFD_CMD_DESTROY)
				iommu_destroy(self->fd,
					      ((struct iommu_destroy *)arg)->id);
			unprepare(self, c);
		}
	}
}

TEST_F(abi, unknown_flags)
{
	struct fdinfo before, after;
	char arg[MAX_CMD];
	unsigned int i, bit;

	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (c->flags_at == NO_FLAGS)
			continue;
		for (bit = 0; bit < 32; bit++) {
			if (c->flags_known & (1U << bit))
				continue;
			prepare(self, c, arg);
			*member(arg, c->flags_at) |= 1U << bit;
			ASSERT_EQ(-EOPNOTSUPP,
				  iommu_call(self->fd, request_of(c), arg))
				TH_LOG("%s with flag %#x", c->name, 1U << bit);
			unprepare(self, c);
		}
	}
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

TEST_F(abi, reserved_members)
{
	struct fdinfo before, after;
	char arg[MAX_CMD];
	unsigned int i, j, bit;

	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		for (j = 0; j < ARRAY_LEN(c->reserved); j++) {
			unsigned int width = c->reserved[j].width;

			for (bit = 0; bit < width * 8; bit++) {
				prepare(self, c, arg);
				arg[c->reserved[j].offset + bit / 8] |=
					(char)(1U << bit % 8);
				ASSERT_EQ(-EOPNOTSUPP,
					  iommu_call(self->fd, request_of(c),
						     arg))
					TH_LOG("%s with bit %u of byte %u",
					       c->name, bit,
					       c->reserved[j].offset);
			}
		}
	}
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

/* All ids of this open file that are not of @kind. */
static unsigned int wrong_kinds(FIXTURE_DATA(abi) *self, enum id_kind kind,
				__u32 *ids)
{
	unsigned int n = 0;

	if (kind != ID_IOAS && kind != ID_IOAS_OR_PARENT)
		ids[n++] = self->ioas;
	if (kind != ID_DEVICE)
		ids[n++] = self->dev.id;
	if (kind != ID_FAULT)
		ids[n++] = self->fault;
	/* The parent of a nested HWPT, if a wrong one: iommu_hwpt.c. */
	if (kind == ID_IOAS_OR_PARENT)
		return n;
	if (kind != ID_PAGING && kind != ID_HWPT)
		ids[n++] = self->hwpt;
	if (kind != ID_NESTED && kind != ID_HWPT && self->nested)
		ids[n++] = self->nested;
	/* One takes invalidations as well: iommu_viommu.c. */
	if (kind != ID_VIOMMU && kind != ID_NESTED && self->viommu)
		ids[n++] = self->viommu;
	return n;
}

TEST_F(abi, ids_that_do_not_exist_or_are_of_another_kind)
{
	struct fdinfo before, after;
	char arg[MAX_CMD];
	unsigned int i, j, k, n;
	__u32 ids[16];

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		for (j = 0; j < ARRAY_LEN(c->ids) && c->ids[j].kind; j++) {
			const struct id_member *m = &c->ids[j];

			if (m->kind == ID_FAULT && !self->nested_ok)
				continue;	/* refused for other reasons */
			n = m->kind == ID_ANY ? 0 :
				wrong_kinds(self, m->kind, ids);
			ids[n++] = ~0U;
			ids[n++] = 0x7fffffff;
			ids[n++] = 1000000;
			for (k = 0; k < n; k++) {
				prepare(self, c, arg);
				if (c->nr == IOMMUFD_CMD_DESTROY)
					iommu_destroy(self->fd,
						      *member(arg, m->offset));
				if (m->flag)
					*member(arg, c->flags_at) |= m->flag;
				*member(arg, m->offset) = ids[k];
				state_of(self->fd, &before);
				ASSERT_EQ(m->error,
					  iommu_call(self->fd, request_of(c),
						     arg))
					TH_LOG("%s with id %u at %u", c->name,
					       ids[k], m->offset);
				state_of(self->fd, &after);
				ASSERT_STREQ(before.text, after.text);
				unprepare(self, c);
			}
		}
	}
}

/* Nothing that one open file names can be reached through another one. */
TEST_F(abi, ids_of_another_open_file)
{
	char arg[MAX_CMD];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (!c->ids[0].kind || !can_succeed(self, c) ||
		    c->nr == IOMMUFD_CMD_FAULT_QUEUE_ALLOC)
			continue;
		prepare(self, c, arg);
		EXPECT_EQ(-ENOENT,
			  iommu_call(self->other_fd, request_of(c), arg))
			TH_LOG("%s", c->name);
		/* Here it works: the arguments were right. */
		EXPECT_EQ(0, iommu_call(self->fd, request_of(c), arg))
			TH_LOG("%s", c->name);
		undo(self, c, arg);
	}
	{
		struct iommu_fault_alloc c = {
			.size = sizeof(c),
			.dev_id = self->dev.id,
		};

		EXPECT_EQ(-ENOENT, iommu_call(self->other_fd,
					      IOMMU_FAULT_QUEUE_ALLOC, &c));
	}
}

TEST_F(abi, bad_pointers)
{
	static const unsigned int sizes[] = { 0, 4, 8 };
	struct fdinfo before, after;
	unsigned int i, j;
	char *hole, *end;

	hole = mem_before_hole();
	ASSERT_NE(NULL, hole);
	end = hole + PAGE;
	state_of(self->fd, &before);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		EXPECT_EQ(-EFAULT, iommu_call(self->fd, request_of(c), NULL));
		EXPECT_EQ(-EFAULT,
			  iommu_call(self->fd, request_of(c), (void *)-8L));
		/* The structure runs into memory that is not there. */
		for (j = 0; j < ARRAY_LEN(sizes); j++) {
			char *arg = end - sizes[j];

			if (sizes[j] >= c->size)
				continue;
			if (sizes[j])
				*(__u32 *)arg = c->size;
			EXPECT_EQ(-EFAULT,
				  iommu_call(self->fd, request_of(c), arg))
				TH_LOG("%s with %u bytes of memory", c->name,
				       sizes[j]);
		}
	}
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
}

/* The answer cannot be stored: what was made for it must be gone again. */
TEST_F(abi, answer_into_read_only_memory)
{
	static const unsigned int makers[] = {
		IOMMUFD_CMD_IOAS_ALLOC,	      IOMMUFD_CMD_HWPT_ALLOC,
		IOMMUFD_CMD_FAULT_QUEUE_ALLOC, IOMMUFD_CMD_IOAS_MAP,
		IOMMUFD_CMD_IOAS_COPY,	      IOMMUFD_CMD_DEVICE_PASID_ATTACH,
		IOMMUFD_CMD_IOAS_MAP_ARRAY,   IOMMUFD_CMD_IOAS_MAP_FILE,
		IOMMUFD_CMD_DEVICE_PASID_REPLACE, IOMMUFD_CMD_DEVICE_PRI,
		IOMMUFD_CMD_VIOMMU_ALLOC,     IOMMUFD_CMD_VDEVICE_ALLOC,
		IOMMUFD_CMD_VEVENTQ_ALLOC,    IOMMUFD_CMD_HWPT_EVENTQ_ALLOC,
	};
	struct fdinfo before, after;
	unsigned int i, j;
	char *arg;
	int next;

	arg = mem_get(PAGE);
	ASSERT_NE(NULL, arg);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		for (j = 0; j < ARRAY_LEN(makers); j++)
			if (c->nr == makers[j])
				break;
		if (j == ARRAY_LEN(makers) || !can_succeed(self, c))
			continue;
		prepare(self, c, arg);
		next = dup(0);
		close(next);
		state_of(self->fd, &before);
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
		EXPECT_EQ(-EFAULT, iommu_call(self->fd, request_of(c), arg))
			TH_LOG("%s", c->name);
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ | PROT_WRITE));
		state_of(self->fd, &after);
		EXPECT_STREQ(before.text, after.text)
			TH_LOG("%s left something", c->name);
		/* A queue's fd has not been installed either. */
		j = (unsigned int)dup(0);
		EXPECT_EQ((unsigned int)next, j);
		close((int)j);
	}
}

/**
 * struct held_call - a call by a thread that waits for memory that it names
 * @fd: of the call
 * @request: its number
 * @cmd: its structure, in a page of its own
 * @uffd: tells that it waits, and lets it go on
 * @memory: that is not there yet
 * @thread: makes the call
 * @rc: what it has returned, once joined
 */
struct held_call {
	int fd;
	unsigned long request;
	void *cmd;
	int uffd;
	struct uffdio_range memory;
	pthread_t thread;
	int rc;
};

static void *make_call(void *data)
{
	struct held_call *h = data;

	h->rc = iommu_call(h->fd, h->request, h->cmd);
	return NULL;
}

static int held_call_init(struct held_call *h, int fd, unsigned long request)
{
	void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	h->fd = fd;
	h->request = request;
	h->cmd = mem_get(PAGE);
	if (!h->cmd || memory == MAP_FAILED)
		return -ENOMEM;
	h->memory.start = (uintptr_t)memory;
	h->memory.len = PAGE;
	return 0;
}

/* -EOPNOTSUPP: this kernel cannot hold a call. */
static int hold(struct held_call *h)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_msg msg;
	struct pollfd p;

	h->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (h->uffd < 0 || ioctl(h->uffd, UFFDIO_API, &api))
		return -EOPNOTSUPP;
	reg.range = h->memory;
	if (ioctl(h->uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	if (pthread_create(&h->thread, NULL, make_call, h))
		return -EAGAIN;
	p.fd = h->uffd;
	p.events = POLLIN;
	if (poll(&p, 1, FOREVER_MS) != 1 ||
	    read(h->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		return -EBADMSG;
	return 0;
}

/* The memory is there, and is zero. */
static int let_go(struct held_call *h)
{
	struct uffdio_zeropage zero = { .range = h->memory };

	if (ioctl(h->uffd, UFFDIO_ZEROPAGE, &zero))
		return -errno;
	pthread_join(h->thread, NULL);
	close(h->uffd);
	return 0;
}

static int hold_map(struct held_call *h, int fd, __u32 ioas)
{
	int rc = held_call_init(h, fd, IOMMU_IOAS_MAP);

	if (rc)
		return rc;
	*(struct iommu_ioas_map *)h->cmd = (struct iommu_ioas_map){
		.size = sizeof(struct iommu_ioas_map),
		.flags = IOMMU_MAP_RW,
		.ioas_id = ioas,
		.user_va = h->memory.start,
		.length = PAGE,
	};
	return hold(h);
}

/* Nobody needs the IOAS but this call. */
static int hold_allow(struct held_call *h, int fd, __u32 ioas)
{
	int rc = held_call_init(h, fd, IOMMU_IOAS_ALLOW_IOVAS);

	if (rc)
		return rc;
	*(struct iommu_ioas_allow_iovas *)h->cmd =
		(struct iommu_ioas_allow_iovas){
			.size = sizeof(struct iommu_ioas_allow_iovas),
			.ioas_id = ioas,
			.num_iovas = 1,
			.allowed_iovas = h->memory.start,
		};
	return hold(h);
}

/*
 * The structure could be written when the call began, and cannot be when the kernel has
 * chosen the IOVA, of which nobody will know: the mapping must be gone again.
 */
TEST_F(abi, answer_becomes_read_only)
{
	struct iommu_ioas_map *cmd;
	struct fdinfo before, after;
	struct held_call h;
	int rc;

	state_of(self->fd, &before);
	rc = hold_map(&h, self->fd, self->ioas);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, mprotect(h.cmd, PAGE, PROT_READ));
	ASSERT_EQ(0, let_go(&h));
	EXPECT_EQ(-EFAULT, h.rc);
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	/* It was not for the memory. */
	ASSERT_EQ(0, mprotect(h.cmd, PAGE, PROT_READ | PROT_WRITE));
	cmd = h.cmd;
	EXPECT_EQ(0, iommu_call(self->fd, IOMMU_IOAS_MAP, cmd));
	EXPECT_EQ(0, iommu_unmap(self->fd, self->ioas, cmd->iova, PAGE, NULL));
}

/*
 * DESTROY of what another call is using waits for it; not for ever, as that may wait for
 * the caller, and not if it is killed. Nothing has happened then.
 */
TEST_F(abi, destroy_waits_for_a_call)
{
	struct fdinfo before, after;
	struct held_call h;
	int status, rc;
	pid_t child;
	__u64 killed;
	__u32 ioas;

	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	rc = hold_allow(&h, self->fd, ioas);
	if (rc == -EOPNOTSUPP)
		SKIP(return, "a call cannot be held in this kernel");
	ASSERT_EQ(0, rc);
	state_of(self->fd, &before);

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(iommu_destroy(self->fd, ioas) ? 1 : 2);
	sleep_ms(300);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	killed = now_ms();
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* And not because it has given up, which takes 10 seconds */
	EXPECT_GT(8000, now_ms() - killed);

	EXPECT_EQ(-EBUSY, iommu_destroy(self->fd, ioas));
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	EXPECT_EQ(0, let_go(&h));
	/* Zero to zero is no range. */
	EXPECT_EQ(-EINVAL, h.rc);
	EXPECT_EQ(0, iommu_destroy(self->fd, ioas));
}

/* Pointers inside the structures. */
TEST_F(abi, bad_pointers_inside)
{
	struct iommu_iova_range *ranges = mem_before_hole();
	__u32 num = 2;
	__u64 alignment;
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = self->dev.id,
		.data_len = 64,
		.data_uptr = 8,
	};

	ASSERT_NE(NULL, ranges);
	ranges = (void *)((char *)ranges + PAGE - sizeof(*ranges));
	ranges->start = 0;
	ranges->last = PAGE - 1;
	EXPECT_EQ(-EFAULT, iommu_allow(self->fd, self->ioas2, ranges, 2));
	EXPECT_EQ(-EFAULT, iommu_allow(self->fd, self->ioas2,
				       (void *)8, 1));
	EXPECT_EQ(-EFAULT, iommu_ranges(self->fd, self->ioas2, (void *)8, &num,
					&alignment));
	EXPECT_EQ(-EFAULT, iommu_call(self->fd, IOMMU_GET_HW_INFO, &info));
}

TEST_F(abi, features)
{
	struct iommu_features c = { .size = sizeof(c) };
	__u64 all = IOMMU_FEATURE_FAULT_DEPTH | IOMMU_FEATURE_FAULT_BLOCKING |
		    IOMMU_FEATURE_FAULT_DEVICE | IOMMU_FEATURE_FAULT_LOST |
		    IOMMU_FEATURE_FAULT_ON_PAGING |
		    IOMMU_FEATURE_FAULT_FAILURE |
		    IOMMU_FEATURE_HW_INFO_INPUT_TYPE |
		    IOMMU_FEATURE_DEVICE_PASID |
		    IOMMU_FEATURE_INVALIDATE_RANGE |
		    IOMMU_FEATURE_DEVICE_PRI |
		    IOMMU_FEATURE_HWPT_EVENTQ |
		    IOMMU_FEATURE_VIOMMU | IOMMU_FEATURE_DEVICE_PROBE |
		    IOMMU_FEATURE_HWPT_DEVICES | IOMMU_FEATURE_HWPT_PASID |
		    IOMMU_FEATURE_VPASID | IOMMU_FEATURE_IOAS_ARRAY |
		    IOMMU_FEATURE_IOAS_MAP_FILE | IOMMU_FEATURE_CHANGE_PROCESS |
		    IOMMU_FEATURE_MSI_WINDOW;

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_FEATURES, &c));
	EXPECT_EQ(IOMMU_ABI_REVISION, c.out_abi_revision);
	EXPECT_EQ(all, c.out_features);
	EXPECT_EQ(0, c.flags);
}

/*
 * The numbers that other kernels have. This header must never drift from what
 * programs are compiled with.
 */
TEST(numbers_and_sizes)
{
	EXPECT_EQ(0x3b80, IOMMU_DESTROY);
	EXPECT_EQ(0x3b81, IOMMU_IOAS_ALLOC);
	EXPECT_EQ(0x3b82, IOMMU_IOAS_ALLOW_IOVAS);
	EXPECT_EQ(0x3b83, IOMMU_IOAS_COPY);
	EXPECT_EQ(0x3b84, IOMMU_IOAS_IOVA_RANGES);
	EXPECT_EQ(0x3b85, IOMMU_IOAS_MAP);
	EXPECT_EQ(0x3b86, IOMMU_IOAS_UNMAP);
	EXPECT_EQ(0x3b87, IOMMU_OPTION);
	EXPECT_EQ(0x3b88, IOMMU_VFIO_IOAS);
	EXPECT_EQ(0x3b89, IOMMU_HWPT_ALLOC);
	EXPECT_EQ(0x3b8a, IOMMU_GET_HW_INFO);
	EXPECT_EQ(0x3b8b, IOMMU_HWPT_SET_DIRTY_TRACKING);
	EXPECT_EQ(0x3b8c, IOMMU_HWPT_GET_DIRTY_BITMAP);
	EXPECT_EQ(0x3b8d, IOMMU_HWPT_INVALIDATE);
	EXPECT_EQ(0x3b8e, IOMMU_FAULT_QUEUE_ALLOC);
	EXPECT_EQ(0x3b8f, IOMMU_IOAS_MAP_FILE);
	EXPECT_EQ(0x3b90, IOMMU_VIOMMU_ALLOC);
	EXPECT_EQ(0x3b91, IOMMU_VDEVICE_ALLOC);
	EXPECT_EQ(0x3b92, IOMMU_IOAS_CHANGE_PROCESS);
	EXPECT_EQ(0x3b93, IOMMU_VEVENTQ_ALLOC);
	EXPECT_EQ(0x3bc0, IOMMU_GET_FEATURES);
	EXPECT_EQ(0x3bc1, IOMMU_DEVICE_PASID_ATTACH);
	EXPECT_EQ(0x3bc2, IOMMU_DEVICE_PASID_REPLACE);
	EXPECT_EQ(0x3bc3, IOMMU_DEVICE_PASID_DETACH);
	EXPECT_EQ(0x3bc4, IOMMU_DEVICE_PRI);
	EXPECT_EQ(0x3bc6, IOMMU_DEVICE_PROBE);
	EXPECT_EQ(0x3bca, IOMMU_DEVICE_MSI_WINDOW);

	EXPECT_EQ(8, sizeof(struct iommu_destroy));
	EXPECT_EQ(12, sizeof(struct iommu_ioas_alloc));
	EXPECT_EQ(24, sizeof(struct iommu_ioas_allow_iovas));
	EXPECT_EQ(40, sizeof(struct iommu_ioas_copy));
	EXPECT_EQ(32, sizeof(struct iommu_ioas_iova_ranges));
	EXPECT_EQ(40, sizeof(struct iommu_ioas_map));
	EXPECT_EQ(40, sizeof(struct iommu_ioas_map_file));
	EXPECT_EQ(12, offsetof(struct iommu_ioas_map_file, fd));
	EXPECT_EQ(16, offsetof(struct iommu_ioas_map_file, start));
	EXPECT_EQ(8, sizeof(struct iommu_ioas_change_process));
	EXPECT_EQ(24, sizeof(struct iommu_ioas_unmap));
	EXPECT_EQ(24, sizeof(struct iommu_option));
	EXPECT_EQ(12, sizeof(struct iommu_vfio_ioas));
	/* 48, and what goes beyond */
	EXPECT_EQ(48, offsetof(struct iommu_hwpt_alloc, devs_uptr));
	EXPECT_EQ(72, sizeof(struct iommu_hwpt_alloc));
	EXPECT_EQ(40, sizeof(struct iommu_hw_info));
	EXPECT_EQ(16, sizeof(struct iommu_hwpt_set_dirty_tracking));
	EXPECT_EQ(48, sizeof(struct iommu_hwpt_get_dirty_bitmap));
	EXPECT_EQ(32, sizeof(struct iommu_hwpt_invalidate));
	EXPECT_EQ(32, sizeof(struct iommu_fault_alloc));
	EXPECT_EQ(24, sizeof(struct iommu_features));
	EXPECT_EQ(24, sizeof(struct iommu_hwpt_eventq_alloc));
	EXPECT_EQ(40, sizeof(struct iommu_ioas_map_array));
	EXPECT_EQ(32, sizeof(struct iommu_ioas_map_entry));
	EXPECT_EQ(40, sizeof(struct iommu_ioas_unmap_array));
	EXPECT_EQ(16, sizeof(struct iommu_ioas_unmap_entry));
	EXPECT_EQ(32, sizeof(struct iommu_hwpt_event));
	EXPECT_EQ(24, sizeof(struct iommu_device_pasid));
	EXPECT_EQ(16, sizeof(struct iommu_device_pasid_detach));
	EXPECT_EQ(40, sizeof(struct iommu_device_pri));
	EXPECT_EQ(32, sizeof(struct iommu_device_probe));
	EXPECT_EQ(40, sizeof(struct iommu_device_msi_window));
	EXPECT_EQ(16, sizeof(struct iommu_probe_property));
	EXPECT_EQ(24, sizeof(struct iommu_probe_region));
	EXPECT_EQ(16, sizeof(struct iommu_probe_faults));
	EXPECT_EQ(24, sizeof(struct iommu_hwpt_invalidate_range));
	EXPECT_EQ(0x10000, IOMMU_HWPT_INVALIDATE_DATA_RANGE);
	EXPECT_EQ(40, sizeof(struct iommu_hwpt_pgfault));
	EXPECT_EQ(8, sizeof(struct iommu_hwpt_page_response));
	EXPECT_EQ(36, offsetof(struct iommu_hwpt_pgfault, cookie));
	EXPECT_EQ(24, offsetof(struct iommu_hwpt_pgfault, addr));

	EXPECT_EQ(40, sizeof(struct iommu_viommu_alloc));
	EXPECT_EQ(20, offsetof(struct iommu_viommu_alloc, out_viommu_id));
	EXPECT_EQ(32, offsetof(struct iommu_viommu_alloc, data_uptr));
	EXPECT_EQ(24, sizeof(struct iommu_vdevice_alloc));
	EXPECT_EQ(12, offsetof(struct iommu_vdevice_alloc, out_vdevice_id));
	EXPECT_EQ(16, offsetof(struct iommu_vdevice_alloc, virt_id));
	EXPECT_EQ(32, sizeof(struct iommu_veventq_alloc));
	EXPECT_EQ(16, offsetof(struct iommu_veventq_alloc, veventq_depth));
	EXPECT_EQ(24, offsetof(struct iommu_veventq_alloc, out_veventq_fd));
	EXPECT_EQ(8, sizeof(struct iommufd_vevent_header));
	EXPECT_EQ(1, IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	EXPECT_EQ(1, IOMMU_VIOMMU_TYPE_ARM_SMMUV3);
	EXPECT_EQ(1, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3);
	EXPECT_EQ(32, sizeof(struct iommu_vevent_arm_smmuv3));
	EXPECT_EQ(1, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3);
	EXPECT_EQ(16, sizeof(struct iommu_viommu_arm_smmuv3_invalidate));
	EXPECT_EQ(2, IOMMU_HWPT_DATA_ARM_SMMUV3);
	EXPECT_EQ(16, sizeof(struct iommu_hwpt_arm_smmuv3));
	EXPECT_EQ(2, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	EXPECT_EQ(40, sizeof(struct iommu_hw_info_arm_smmuv3));
	EXPECT_EQ(8, offsetof(struct iommu_hw_info_arm_smmuv3, idr));
}

TEST_HARNESS_MAIN
