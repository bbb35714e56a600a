/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/iommu from a C program: one function a command. All return 0 (or what
 * they say) or a negative errno, and never print.
 */
#ifndef TOOLS_IOMMU_LIB_IOMMU_H
#define TOOLS_IOMMU_LIB_IOMMU_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include <linux/types.h>

#include <linux/iommufd.h>

#define IOMMU_MAP_RW	(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

static inline int iommu_call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

int iommu_open(void);
int iommu_features(int fd, __u32 *revision, __u64 *features);
int iommu_destroy(int fd, __u32 id);

int iommu_ioas_alloc(int fd, __u32 *ioas);
/* Readable and writeable at @iova; the plain case. */
int iommu_map(int fd, __u32 ioas, void *va, __u64 length, __u64 iova);
/* @flags without FIXED_IOVA: the kernel chooses and stores *@iova. */
int iommu_map_flags(int fd, __u32 ioas, void *va, __u64 length, __u32 flags,
		    __u64 *iova);
/* Memory of @file from @start on; otherwise as iommu_map_flags(). */
int iommu_map_file(int fd, __u32 ioas, int file, __u64 start, __u64 length,
		   __u32 flags, __u64 *iova);
int iommu_change_process(int fd);
int iommu_copy(int fd, __u32 dst, __u32 src, __u64 src_iova, __u64 length,
	       __u32 flags, __u64 *dst_iova);
/* @done may be NULL. */
int iommu_unmap(int fd, __u32 ioas, __u64 iova, __u64 length, __u64 *done);
/*
 * Many at once. *@num: in how many, out how many are done. @fault_id 0: none answers;
 * @answered, how many groups were answered, and @done, bytes, may be NULL.
 */
int iommu_map_array(int fd, __u32 ioas, __u32 fault_id,
		    struct iommu_ioas_map_entry *entries, __u32 *num,
		    __u32 *answered);
int iommu_unmap_array(int fd, __u32 ioas,
		      const struct iommu_ioas_unmap_entry *entries, __u32 *num,
		      __u64 *done);
/*
 * Map one page or more at a fixed IOVA for a group that was read, and answer it.
 * -ESTALE: mapped, but the group has been answered meanwhile.
 */
int iommu_map_answer(int fd, __u32 ioas, __u32 fault_id, __u32 cookie, void *va,
		     __u64 length, __u64 iova);
int iommu_ranges(int fd, __u32 ioas, struct iommu_iova_range *ranges,
		 __u32 *num, __u64 *alignment);
int iommu_allow(int fd, __u32 ioas, const struct iommu_iova_range *ranges,
		__u32 num);
int iommu_option(int fd, __u32 option, __u16 op, __u32 object, __u64 *value);

int iommu_hwpt_paging(int fd, __u32 dev, __u32 ioas, __u32 flags,
		      __u32 fault_id, __u32 *hwpt);
/*
 * A paging HWPT for all of @devs, 1 to IOMMU_HWPT_DEVICES_MAX. A device that
 * prevents it: *@who (0: none), because of property *@why.
 */
int iommu_hwpt_for(int fd, const __u32 *devs, unsigned int num, __u32 ioas,
		   __u32 flags, __u32 *hwpt, __u32 *who, __u32 *why);
int iommu_hwpt_nested(int fd, __u32 dev, __u32 parent, __u32 flags,
		      __u32 fault_id, __u32 type, const void *data, __u32 len,
		      __u32 *hwpt);
/* *@num: in the requests, out those carried out. */
int iommu_hwpt_invalidate(int fd, __u32 hwpt, __u32 type, const void *reqs,
			  __u32 entry_len, __u32 *num);

int iommu_dirty_track(int fd, __u32 hwpt, bool on);
/* Adds bits to @bitmap; @flags: IOMMU_HWPT_GET_DIRTY_BITMAP_* */
int iommu_dirty_read(int fd, __u32 hwpt, __u64 iova, __u64 length,
		     __u64 page_size, void *bitmap, __u32 flags);

/* *@pt: in the IOAS or HWPT, out the HWPT. */
int iommu_pasid_attach(int fd, __u32 dev, __u32 pasid, __u32 *pt);
int iommu_pasid_replace(int fd, __u32 dev, __u32 pasid, __u32 *pt);
/* The same; *@wire: out, which PASID goes with the device's requests. */
int iommu_vpasid_attach(int fd, __u32 dev, __u32 vpasid, __u32 *pt,
			__u32 *wire);
int iommu_vpasid_replace(int fd, __u32 dev, __u32 vpasid, __u32 *pt,
			 __u32 *wire);
int iommu_pasid_detach(int fd, __u32 dev, __u32 pasid);

/* @cmd gets its size, device and operation; the rest is the caller's. */
int iommu_pri(int fd, __u32 dev, __u32 op, struct iommu_device_pri *cmd);

/* Returns the event queue's fd and stores its id. */
int iommu_eventq(int fd, __u32 hwpt, __u32 depth, __u32 *id);
/* Returns the number of records, or a negative errno. */
int iommu_event_read(int queue, struct iommu_hwpt_event *records,
		     unsigned int max);

/**
 * struct iommu_msi_window - where a device's MSI doorbells are mapped
 * @start: first IOVA
 * @length: bytes
 * @flags: out: IOMMU_MSI_WINDOW_FIXED, IOMMU_MSI_WINDOW_STABLE
 * @doorbells: out: pages in use
 */
struct iommu_msi_window {
	__u64 start;
	__u64 length;
	__u32 flags;
	__u32 doorbells;
};

int iommu_msi_window(int fd, __u32 dev, struct iommu_msi_window *w);
/* @ioas: to look at too, or 0. */
int iommu_msi_window_set(int fd, __u32 dev, __u32 ioas, __u64 start,
			 __u64 length);

/* @data: of @type, or NULL; may be written to. */
int iommu_viommu(int fd, __u32 dev, __u32 parent, __u32 type, void *data,
		 __u32 len, __u32 *viommu);
int iommu_vdevice(int fd, __u32 viommu, __u32 dev, __u64 virt_id,
		  __u32 *vdevice);
/* Returns the queue's fd and stores its id. */
int iommu_veventq(int fd, __u32 viommu, __u32 type, __u32 depth, __u32 *id);

/* Returns the queue's fd and stores its id. */
int iommu_fault_queue(int fd, __u32 depth, __u32 policy, __u32 dev_id,
		      __u32 *id);
/* Returns the number of records, 0 when there are none, or a negative errno. */
int iommu_fault_read(int queue, struct iommu_hwpt_pgfault *records,
		     unsigned int max);
int iommu_fault_answer(int queue, __u32 cookie, __u32 code);

#endif
