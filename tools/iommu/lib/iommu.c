// SPDX-License-Identifier: GPL-2.0
/* /dev/iommu from a C program: see iommu.h. */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "iommu.h"

int iommu_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int iommu_features(int fd, __u32 *revision, __u64 *features)
{
	struct iommu_features cmd = { .size = sizeof(cmd) };
	int rc = iommu_call(fd, IOMMU_GET_FEATURES, &cmd);

	*revision = cmd.out_abi_revision;
	*features = cmd.out_features;
	return rc;
}

int iommu_destroy(int fd, __u32 id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return iommu_call(fd, IOMMU_DESTROY, &cmd);
}

int iommu_ioas_alloc(int fd, __u32 *ioas)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	int rc = iommu_call(fd, IOMMU_IOAS_ALLOC, &cmd);

	*ioas = cmd.out_ioas_id;
	return rc;
}

int iommu_map_flags(int fd, __u32 ioas, void *va, __u64 length, __u32 flags,
		    __u64 *iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = *iova,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_MAP, &cmd);

	if (!rc)
		*iova = cmd.iova;
	return rc;
}

int iommu_map(int fd, __u32 ioas, void *va, __u64 length, __u64 iova)
{
	return iommu_map_flags(fd, ioas, va, length,
			       IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA, &iova);
}

int iommu_map_file(int fd, __u32 ioas, int file, __u64 start, __u64 length,
		   __u32 flags, __u64 *iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.fd = file,
		.start = start,
		.length = length,
		.iova = *iova,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_MAP_FILE, &cmd);

	if (!rc)
		*iova = cmd.iova;
	return rc;
}

int iommu_change_process(int fd)
{
	struct iommu_ioas_change_process cmd = { .size = sizeof(cmd) };

	return iommu_call(fd, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

int iommu_copy(int fd, __u32 dst, __u32 src, __u64 src_iova, __u64 length,
	       __u32 flags, __u64 *dst_iova)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = length,
		.dst_iova = *dst_iova,
		.src_iova = src_iova,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_COPY, &cmd);

	if (!rc)
		*dst_iova = cmd.dst_iova;
	return rc;
}

int iommu_unmap(int fd, __u32 ioas, __u64 iova, __u64 length, __u64 *done)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_UNMAP, &cmd);

	if (done)
		*done = cmd.length;
	return rc;
}

int iommu_map_array(int fd, __u32 ioas, __u32 fault_id,
		    struct iommu_ioas_map_entry *entries, __u32 *num,
		    __u32 *answered)
{
	struct iommu_ioas_map_array cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.fault_id = fault_id,
		.entries = (uintptr_t)entries,
		.entry_len = sizeof(*entries),
		.entry_num = *num,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_MAP_ARRAY, &cmd);

	*num = cmd.out_done;
	if (answered)
		*answered = cmd.out_answered;
	return rc;
}

int iommu_unmap_array(int fd, __u32 ioas,
		      const struct iommu_ioas_unmap_entry *entries, __u32 *num,
		      __u64 *done)
{
	struct iommu_ioas_unmap_array cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.entries = (uintptr_t)entries,
		.entry_len = sizeof(*entries),
		.entry_num = *num,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_UNMAP_ARRAY, &cmd);

	*num = cmd.out_done;
	if (done)
		*done = cmd.out_unmapped;
	return rc;
}

int iommu_map_answer(int fd, __u32 ioas, __u32 fault_id, __u32 cookie, void *va,
		     __u64 length, __u64 iova)
{
	struct iommu_ioas_map_entry entry = {
		.flags = IOMMU_MAP_RW | IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA |
			 IOMMU_IOAS_MAP_ENTRY_ANSWER,
		.cookie = cookie,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = iova,
	};
	__u32 num = 1, answered;
	int rc;

	rc = iommu_map_array(fd, ioas, fault_id, &entry, &num, &answered);
	if (rc)
		return rc;
	return answered ? 0 : -ESTALE;
}

int iommu_ranges(int fd, __u32 ioas, struct iommu_iova_range *ranges,
		 __u32 *num, __u64 *alignment)
{
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = *num,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int rc = iommu_call(fd, IOMMU_IOAS_IOVA_RANGES, &cmd);

	*num = cmd.num_iovas;
	if (alignment)
		*alignment = cmd.out_iova_alignment;
	return rc;
}

int iommu_allow(int fd, __u32 ioas, const struct iommu_iova_range *ranges,
		__u32 num)
{
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = num,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return iommu_call(fd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

int iommu_option(int fd, __u32 option, __u16 op, __u32 object, __u64 *value)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int rc = iommu_call(fd, IOMMU_OPTION, &cmd);

	if (!rc)
		*value = cmd.val64;
	return rc;
}

int iommu_hwpt_nested(int fd, __u32 dev, __u32 parent, __u32 flags,
		      __u32 fault_id, __u32 type, const void *data, __u32 len,
		      __u32 *hwpt)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = dev,
		.pt_id = parent,
		.data_type = type,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
		.fault_id = fault_id,
	};
	int rc = iommu_call(fd, IOMMU_HWPT_ALLOC, &cmd);

	if (!rc)
		*hwpt = cmd.out_hwpt_id;
	return rc;
}

int iommu_hwpt_paging(int fd, __u32 dev, __u32 ioas, __u32 flags,
		      __u32 fault_id, __u32 *hwpt)
{
	return iommu_hwpt_nested(fd, dev, ioas, flags, fault_id,
				 IOMMU_HWPT_DATA_NONE, NULL, 0, hwpt);
}

int iommu_hwpt_for(int fd, const __u32 *devs, unsigned int num, __u32 ioas,
		   __u32 flags, __u32 *hwpt, __u32 *who, __u32 *why)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = devs[0],
		.pt_id = ioas,
		.devs_uptr = (uintptr_t)devs,
		.num_devs = num,
	};
	int rc = iommu_call(fd, IOMMU_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	*who = cmd.out_dev_id;
	*why = cmd.out_property;
	return rc;
}

int iommu_hwpt_invalidate(int fd, __u32 hwpt, __u32 type, const void *reqs,
			  __u32 entry_len, __u32 *num)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.data_uptr = (uintptr_t)reqs,
		.data_type = type,
		.entry_len = entry_len,
		.entry_num = *num,
	};
	int rc = iommu_call(fd, IOMMU_HWPT_INVALIDATE, &cmd);

	*num = cmd.entry_num;
	return rc;
}

static int pasid_call(int fd, unsigned long request, __u32 dev, __u32 pasid,
		      __u32 *pt, __u32 *wire)
{
	struct iommu_device_pasid cmd = {
		.size = sizeof(cmd),
		.dev_id = dev,
		.pasid = pasid,
		.pt_id = *pt,
	};
	int rc = iommu_call(fd, request, &cmd);

	if (!rc) {
		*pt = cmd.pt_id;
		*wire = cmd.out_pasid;
	}
	return rc;
}

int iommu_dirty_track(int fd, __u32 hwpt, bool on)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	return iommu_call(fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

int iommu_dirty_read(int fd, __u32 hwpt, __u64 iova, __u64 length,
		     __u64 page_size, void *bitmap, __u32 flags)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.data = (uintptr_t)bitmap,
	};

	return iommu_call(fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
}

int iommu_pasid_attach(int fd, __u32 dev, __u32 pasid, __u32 *pt)
{
	__u32 wire;

	return pasid_call(fd, IOMMU_DEVICE_PASID_ATTACH, dev, pasid, pt, &wire);
}

int iommu_pasid_replace(int fd, __u32 dev, __u32 pasid, __u32 *pt)
{
	__u32 wire;

	return pasid_call(fd, IOMMU_DEVICE_PASID_REPLACE, dev, pasid, pt,
			  &wire);
}

int iommu_vpasid_attach(int fd, __u32 dev, __u32 vpasid, __u32 *pt,
			__u32 *wire)
{
	return pasid_call(fd, IOMMU_DEVICE_PASID_ATTACH, dev, vpasid, pt, wire);
}

int iommu_vpasid_replace(int fd, __u32 dev, __u32 vpasid, __u32 *pt,
			 __u32 *wire)
{
	return pasid_call(fd, IOMMU_DEVICE_PASID_REPLACE, dev, vpasid, pt,
			  wire);
}

int iommu_pasid_detach(int fd, __u32 dev, __u32 pasid)
{
	struct iommu_device_pasid_detach cmd = {
		.size = sizeof(cmd),
		.dev_id = dev,
		.pasid = pasid,
	};

	return iommu_call(fd, IOMMU_DEVICE_PASID_DETACH, &cmd);
}

int iommu_pri(int fd, __u32 dev, __u32 op, struct iommu_device_pri *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->dev_id = dev;
	cmd->op = op;
	return iommu_call(fd, IOMMU_DEVICE_PRI, cmd);
}

int iommu_fault_queue(int fd, __u32 depth, __u32 policy, __u32 dev_id,
		      __u32 *id)
{
	struct iommu_fault_alloc cmd = {
		.size = sizeof(cmd),
		.depth = depth,
		.policy = policy,
		.dev_id = dev_id,
	};
	int rc = iommu_call(fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

	if (rc)
		return rc;
	*id = cmd.out_fault_id;
	return (int)cmd.out_fault_fd;
}

int iommu_fault_read(int queue, struct iommu_hwpt_pgfault *records,
		     unsigned int max)
{
	ssize_t n = read(queue, records, max * sizeof(*records));

	return n < 0 ? -errno : (int)(n / (ssize_t)sizeof(*records));
}

int iommu_fault_answer(int queue, __u32 cookie, __u32 code)
{
	struct iommu_hwpt_page_response answer = {
		.cookie = cookie,
		.code = code,
	};
	ssize_t n = write(queue, &answer, sizeof(answer));

	if (n < 0)
		return -errno;
	return n == sizeof(answer) ? 0 : -EIO;
}

int iommu_eventq(int fd, __u32 hwpt, __u32 depth, __u32 *id)
{
	struct iommu_hwpt_eventq_alloc c = {
		.size = sizeof(c),
		.hwpt_id = hwpt,
		.depth = depth,
	};
	int rc = iommu_call(fd, IOMMU_HWPT_EVENTQ_ALLOC, &c);

	*id = c.out_eventq_id;
	return rc ? rc : (int)c.out_eventq_fd;
}

int iommu_event_read(int queue, struct iommu_hwpt_event *records,
		     unsigned int max)
{
	ssize_t n = read(queue, records, max * sizeof(*records));

	return n < 0 ? -errno : (int)((size_t)n / sizeof(*records));
}

int iommu_viommu(int fd, __u32 dev, __u32 parent, __u32 type, void *data,
		 __u32 len, __u32 *viommu)
{
	struct iommu_viommu_alloc c = {
		.size = sizeof(c),
		.type = type,
		.dev_id = dev,
		.hwpt_id = parent,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
	int rc = iommu_call(fd, IOMMU_VIOMMU_ALLOC, &c);

	if (!rc)
		*viommu = c.out_viommu_id;
	return rc;
}

int iommu_vdevice(int fd, __u32 viommu, __u32 dev, __u64 virt_id,
		  __u32 *vdevice)
{
	struct iommu_vdevice_alloc c = {
		.size = sizeof(c),
		.viommu_id = viommu,
		.dev_id = dev,
		.virt_id = virt_id,
	};
	int rc = iommu_call(fd, IOMMU_VDEVICE_ALLOC, &c);

	if (!rc)
		*vdevice = c.out_vdevice_id;
	return rc;
}

int iommu_veventq(int fd, __u32 viommu, __u32 type, __u32 depth, __u32 *id)
{
	struct iommu_veventq_alloc c = {
		.size = sizeof(c),
		.viommu_id = viommu,
		.type = type,
		.veventq_depth = depth,
	};
	int rc = iommu_call(fd, IOMMU_VEVENTQ_ALLOC, &c);

	if (rc)
		return rc;
	*id = c.out_veventq_id;
	return (int)c.out_veventq_fd;
}

int iommu_msi_window(int fd, __u32 dev, struct iommu_msi_window *w)
{
	struct iommu_device_msi_window cmd = {
		.size = sizeof(cmd),
		.dev_id = dev,
	};
	int rc = iommu_call(fd, IOMMU_DEVICE_MSI_WINDOW, &cmd);

	w->start = cmd.start;
	w->length = cmd.length;
	w->flags = cmd.out_flags;
	w->doorbells = cmd.out_doorbells;
	return rc;
}

int iommu_msi_window_set(int fd, __u32 dev, __u32 ioas, __u64 start,
			 __u64 length)
{
	struct iommu_device_msi_window cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_MSI_WINDOW_SET,
		.dev_id = dev,
		.ioas_id = ioas,
		.start = start,
		.length = length,
	};

	return iommu_call(fd, IOMMU_DEVICE_MSI_WINDOW, &cmd);
}
