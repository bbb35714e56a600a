/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the kernel may ask of /dev/iommu: VFIO and other owners of
 * devices bind and attach them, mediated devices reach mapped memory through an
 * access. The user ABI is in uapi/linux/iommufd.h. Each function is described
 * where it is defined, and in Documentation/driver-api/iommufd/.
 */
#ifndef __LINUX_IOMMUFD_H
#define __LINUX_IOMMUFD_H

#include <linux/args.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct device;
struct file;
struct iommu_group;
struct iommufd_access;
struct iommufd_ctx;
struct iommufd_device;
struct iommufd_pasid_pool;
struct notifier_block;
struct page;

/* Devices: owned from bind to unbind, doing DMA from attach to detach */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id);
void iommufd_device_unbind(struct iommufd_device *idev);

int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id);
int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id);
void iommufd_device_detach(struct iommufd_device *idev);

/* The same for a PASID; IOMMU_NO_PASID: for the device itself */
int iommufd_device_attach_pasid(struct iommufd_device *idev, u32 pasid,
				u32 *pt_id);
int iommufd_device_replace_pasid(struct iommufd_device *idev, u32 pasid,
				 u32 *pt_id);
void iommufd_device_detach_pasid(struct iommufd_device *idev, u32 pasid);

/*
 * Later kernels have one set of functions with the PASID as the second argument.
 * A driver written for those compiles here too: which is meant shows in the number
 * of arguments.
 */
#define __iommufd_device_attach2(idev, pt_id)				\
	((iommufd_device_attach)(idev, pt_id))
#define __iommufd_device_attach3(idev, pasid, pt_id)			\
	iommufd_device_attach_pasid(idev, pasid, pt_id)
#define iommufd_device_attach(...)					\
	CONCATENATE(__iommufd_device_attach,				\
		    COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define __iommufd_device_replace2(idev, pt_id)				\
	((iommufd_device_replace)(idev, pt_id))
#define __iommufd_device_replace3(idev, pasid, pt_id)			\
	iommufd_device_replace_pasid(idev, pasid, pt_id)
#define iommufd_device_replace(...)					\
	CONCATENATE(__iommufd_device_replace,				\
		    COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define __iommufd_device_detach1(idev)					\
	((iommufd_device_detach)(idev))
#define __iommufd_device_detach2(idev, pasid)				\
	iommufd_device_detach_pasid(idev, pasid)
#define iommufd_device_detach(...)					\
	CONCATENATE(__iommufd_device_detach,				\
		    COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)

/*
 * Mediated devices: parts of a device that all use its requester id, and are told
 * apart by PASIDs that come from a pool. The parent's driver makes the pool.
 */
struct iommufd_pasid_pool *iommufd_pasid_pool_create(struct device *parent,
						     u32 first, u32 last,
						     u32 quota);
struct iommufd_pasid_pool *iommufd_pasid_pool_global(void);
void iommufd_pasid_pool_put(struct iommufd_pasid_pool *pool);
struct iommufd_device *
iommufd_device_bind_mediated(struct iommufd_ctx *ictx, struct device *parent,
			     struct iommufd_pasid_pool *pool, u32 *id);

/**
 * struct iommufd_pasid_binding - which PASID is on the wire for which vPASID
 * @dev_id: the device, as user space names it; 0: any, by way of the global pool
 * @vpasid: as user space calls it; IOMMU_NO_PASID: a mediated device itself
 * @ppasid: on the wire
 */
struct iommufd_pasid_binding {
	u32 dev_id;
	u32 vpasid;
	u32 ppasid;
};

/**
 * enum iommufd_pasid_event - What a notifier of iommufd_pasid_notifier_register()
 *	is called with
 * @IOMMUFD_PASID_GONE: a binding, struct iommufd_pasid_binding, holds no more.
 *	Whoever uses its pPASID has to have stopped when the callback returns: after
 *	it the PASID is detached, and then may become another vPASID's
 */
enum iommufd_pasid_event {
	IOMMUFD_PASID_GONE = 1,
};

int iommufd_pasid_translate(struct iommufd_ctx *ictx, u32 dev_id, u32 vpasid,
			    u32 *ppasid);
int iommufd_pasid_notifier_register(struct iommufd_ctx *ictx,
				    struct notifier_block *nb);
void iommufd_pasid_notifier_unregister(struct iommufd_ctx *ictx,
				       struct notifier_block *nb);

struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev);
u32 iommufd_device_to_id(struct iommufd_device *idev);

/*
 * A capability of an IOMMU driver, besides those of enum iommu_cap: its
 * set_dev_pasid() puts the domain in the place of the one given as @old, at once
 * for the device, and leaves @old attached if it fails. Its domain_alloc_user()
 * knows IOMMU_HWPT_ALLOC_PASID.
 */
#define IOMMUFD_CAP_PASID_REPLACE	0x10000
/*
 * capable(): the driver reports accesses that failed for good with
 * iommufd_event_report(): HWPTs of its devices can have an event queue.
 */
#define IOMMUFD_CAP_EVENTS		0x10001

/**
 * struct iommufd_access_ops - What the owner of an access provides
 * @needs_pin_pages: The owner is going to pin pages; without it only
 *	iommufd_access_rw() may be used, and the IOAS may have mappings that are
 *	not aligned to pages
 * @unmap: Called before a range the owner may have pinned pages in goes away.
 *	It has to have unpinned them all when it returns. No lock of the IOAS is
 *	held, and the owner may be pinning elsewhere at the same time. Required
 *	with @needs_pin_pages
 *
 * Set once, before iommufd_access_create(); read only from then on.
 */
struct iommufd_access_ops {
	u8 needs_pin_pages : 1;
	void (*unmap)(void *data, unsigned long iova, unsigned long length);
};

/* Flags of iommufd_access_rw() and, but for KTHREAD, _pin_pages() */
enum {
	IOMMUFD_ACCESS_RW_READ = 0,
	IOMMUFD_ACCESS_RW_WRITE = 1 << 0,
	/* The caller is a kernel thread and borrows the mm of the mapping */
	IOMMUFD_ACCESS_RW_KTHREAD = 1 << 1,

	/* For tests alone: go by pinned pages even where a copy would do */
	__IOMMUFD_ACCESS_RW_SLOW_PATH = 1 << 2,
};

/* Accesses: a kernel driver in the place of a device's DMA */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data,
		      u32 *id);
void iommufd_access_destroy(struct iommufd_access *access);
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id);
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id);
void iommufd_access_detach(struct iommufd_access *access);

void iommufd_ctx_get(struct iommufd_ctx *ictx);

#if IS_ENABLED(CONFIG_IOMMUFD)
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file);
struct iommufd_ctx *iommufd_ctx_from_fd(int fd);
void iommufd_ctx_put(struct iommufd_ctx *ictx);
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group);

int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags);
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length);
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t len, unsigned int flags);

/* The VFIO container on top of an IOAS; for VFIO's group code alone */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id);
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx);
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx);
#else /* !CONFIG_IOMMUFD: only what callers do not guard themselves */
static inline struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
}

static inline int iommufd_access_pin_pages(struct iommufd_access *access,
					   unsigned long iova,
					   unsigned long length,
					   struct page **out_pages,
					   unsigned int flags)
{
	return -EOPNOTSUPP;
}

static inline void iommufd_access_unpin_pages(struct iommufd_access *access,
					      unsigned long iova,
					      unsigned long length)
{
}

static inline int iommufd_access_rw(struct iommufd_access *access,
				    unsigned long iova, void *data, size_t len,
				    unsigned int flags)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}
#endif /* CONFIG_IOMMUFD */
#endif /* __LINUX_IOMMUFD_H */
