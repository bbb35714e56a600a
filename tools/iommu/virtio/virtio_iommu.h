/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio-iommu device (virtio 1.3, section 5.13) in front of devices that
 * /dev/iommu has: what a VMM does between the queues of its guest and the kernel. An
 * IOAS for each domain; PROBE is answered from IOMMU_DEVICE_PROBE.
 *
 * Requests come as the two parts of a buffer, the one the device reads and the one it
 * writes; queues, and who reads the parts from the guest's memory once and for all, are
 * the caller's. Nothing of a request is trusted. One thread at a time.
 *
 * Functions return 0 or what they say, or a negative errno, and never print.
 */
#ifndef TOOLS_IOMMU_VIRTIO_IOMMU_H
#define TOOLS_IOMMU_VIRTIO_IOMMU_H

#include <linux/virtio_iommu.h>

#include "../lib/probe.h"

/* What vio_open() takes for 0 */
#define VIO_DOMAINS	4096
#define VIO_MAPPINGS	65536
#define VIO_PROBE_SIZE	512

#define VIO_ENDPOINTS_MAX	256
#define VIO_MEMORY_MAX		64

/**
 * struct vio_region - addresses of an endpoint that a guest cannot map
 * @start: first
 * @last: last
 * @subtype: VIRTIO_IOMMU_RESV_MEM_T_*
 */
struct vio_region {
	__u64 start;
	__u64 last;
	__u8 subtype;
};

/**
 * struct vio_regions - all of one endpoint: ascending, none overlaps another
 * @list: vio_regions_free() frees them
 * @num: how many
 */
struct vio_regions {
	struct vio_region *list;
	unsigned int num;
};

/*
 * What an endpoint reserves of addresses @first to @last, from what was said of its
 * device: everything that the IOAS cannot map. @msi: where its interrupts leave
 * untranslated; NULL: where hardware's do (IOMMU_PROBE_REGION_MSI), or nowhere.
 * -EOPNOTSUPP: the ranges are not known. -EINVAL: @msi is no range.
 */
int vio_regions_of(const struct probe *p, __u64 first, __u64 last,
		   const struct iommu_iova_range *msi, struct vio_regions *regions);
void vio_regions_free(struct vio_regions *regions);
/* The first one that has an address of @start to @last, or NULL */
const struct vio_region *vio_regions_meet(const struct vio_regions *regions,
					  __u64 start, __u64 last);
/* Bytes of its properties */
size_t vio_regions_size(const struct vio_regions *regions);
/* To @to, which has room for them; returns their size. */
size_t vio_regions_put(const struct vio_regions *regions, void *to);

/**
 * struct vio_mapping - what one MAP request made
 * @start: first address
 * @last: last one
 * @phys: guest physical address of the first
 * @flags: VIRTIO_IOMMU_MAP_F_*
 * @in_kernel: the IOAS has it; else it is of a doorbell
 */
struct vio_mapping {
	__u64 start;
	__u64 last;
	__u64 phys;
	__u32 flags;
	bool in_kernel;
};

/**
 * struct vio_domain - an address space of the guest's
 * @id: the guest's name for it
 * @ioas: the kernel's; 0: there is no such domain
 * @endpoints: attached; with the last one it goes
 * @mappings: ascending, none overlaps another
 * @num: how many
 * @room: for how many there is memory
 */
struct vio_domain {
	__u32 id;
	__u32 ioas;
	unsigned int endpoints;
	struct vio_mapping *mappings;
	size_t num;
	size_t room;
};

/**
 * struct vio_device_ops - a device that is bound to the same /dev/iommu
 * @attach: to an IOAS, from wherever it is; if it fails it stays there
 * @detach: it reaches nothing when this returns
 */
struct vio_device_ops {
	int (*attach)(void *device, __u32 ioas);
	int (*detach)(void *device);
};

/**
 * struct vio_endpoint - a device as the guest sees it
 * @id: the guest's name for it
 * @ops: how it is attached
 * @device: for @ops
 * @p: what is said of it
 * @msi: where its interrupts leave untranslated, if @has_msi
 * @has_msi: the caller said so; else it is as with hardware
 * @regions: reserved, since vio_start()
 * @domain: what it is attached to, or NULL
 */
struct vio_endpoint {
	__u32 id;
	const struct vio_device_ops *ops;
	void *device;
	struct probe p;
	struct iommu_iova_range msi;
	bool has_msi;
	struct vio_regions regions;
	struct vio_domain *domain;
};

/**
 * struct vio_memory - a part of the guest's physical address space
 * @start: first address
 * @last: last one
 * @va: where that is here; NULL: doorbells of the guest's interrupt controller
 */
struct vio_memory {
	__u64 start;
	__u64 last;
	char *va;
};

/**
 * struct vio_limits - what a guest can have; 0 is the default
 * @domains: ids of domains are below this
 * @mappings: of all domains together
 * @probe_size: bytes of properties, at least. An endpoint that comes later has to do
 *	with those that vio_start() found
 */
struct vio_limits {
	__u32 domains;
	__u32 mappings;
	__u32 probe_size;
};

/**
 * struct vio - the device
 * @fd: /dev/iommu
 * @limits: none of them 0
 * @started: @config is what the guest sees
 * @features: negotiated; all that are offered, until vio_negotiate()
 * @config: as it is in configuration space
 * @granule: the lowest bit of page_size_mask
 * @first: input_range
 * @last: input_range
 * @memory: the guest's
 * @num_memory: how many
 * @endpoints: those there are
 * @num_endpoints: how many
 * @domains: an endpoint has one at most, and one more is there while one moves; some are
 *	not used
 * @mappings: there are now, of all domains
 */
struct vio {
	int fd;
	struct vio_limits limits;
	bool started;
	__u64 features;
	struct virtio_iommu_config config;
	__u64 granule;
	__u64 first;
	__u64 last;
	struct vio_memory memory[VIO_MEMORY_MAX];
	unsigned int num_memory;
	struct vio_endpoint *endpoints[VIO_ENDPOINTS_MAX];
	unsigned int num_endpoints;
	struct vio_domain domains[VIO_ENDPOINTS_MAX + 1];
	size_t mappings;
};

/* @limits may be NULL. @fd stays the caller's. */
void vio_open(struct vio *v, int fd, const struct vio_limits *limits);
/* Detaches everything; the devices stay bound. */
void vio_close(struct vio *v);

/*
 * The guest has memory, or with @va NULL doorbells, from @start on. -EINVAL: it is
 * nothing, or more than there are addresses; -EEXIST: there is something; -ENOSPC.
 */
int vio_memory_add(struct vio *v, __u64 start, __u64 length, void *va);

/*
 * A device that the guest calls @id, known as @dev to /dev/iommu and not attached. @msi
 * as in vio_regions_of(). -EEXIST: @id is taken; -ENOSPC: there are VIO_ENDPOINTS_MAX,
 * or its properties do not fit; -EXDEV: it came after vio_start() and its granule is
 * larger than what the guest was told.
 */
int vio_endpoint_add(struct vio *v, __u32 id, __u32 dev,
		     const struct vio_device_ops *ops, void *device,
		     const struct iommu_iova_range *msi);

/*
 * What the guest sees is made of the endpoints there are. -ENODEV: none; -EALREADY;
 * -EOPNOTSUPP: of one of them it is not known what it can be given.
 */
int vio_start(struct vio *v);
/* -EINVAL: a feature that was not offered, or without MAP_UNMAP */
int vio_negotiate(struct vio *v, __u64 features);
/* All endpoints are detached, all domains gone. */
void vio_reset(struct vio *v);

/*
 * One request. Returns the used length: how many bytes of @in were written. 0: it is
 * not known, or there is no room for a status.
 */
size_t vio_request(struct vio *v, const void *out, size_t out_len, void *in,
		   size_t in_len);

/**
 * enum vio_meaning - what an address of an endpoint is
 * @VIO_FAULT: nothing it can reach
 * @VIO_UNTRANSLATED: an interrupt that no table is asked about
 * @VIO_MEMORY: memory of the guest
 * @VIO_DOORBELL: an interrupt, translated
 */
enum vio_meaning {
	VIO_FAULT,
	VIO_UNTRANSLATED,
	VIO_MEMORY,
	VIO_DOORBELL,
};

/*
 * An access of endpoint @id, as a VMM has to know for an emulated device, or for the
 * MSI that a guest programs into one: VIRTIO_IOMMU_FAULT_F_READ or _WRITE in @access.
 * *@phys: where it goes; with VIO_FAULT *@fault is the report for the event queue. An
 * @id that is not there is -ENOENT.
 */
int vio_translate(struct vio *v, __u32 id, __u64 address, __u32 access, __u64 *phys,
		  struct virtio_iommu_fault *fault);

/* --- between the files of this directory --- */

struct vio_endpoint *vio_endpoint_find(struct vio *v, __u32 id);
struct vio_domain *vio_domain_find(struct vio *v, __u32 id);
/* Each returns the status of the specification; of domain.c. */
__u8 vio_attach(struct vio *v, const struct virtio_iommu_req_attach *r);
__u8 vio_detach(struct vio *v, const struct virtio_iommu_req_detach *r);
__u8 vio_map(struct vio *v, const struct virtio_iommu_req_map *r);
__u8 vio_unmap(struct vio *v, const struct virtio_iommu_req_unmap *r);
/* The one that has @address, or NULL */
const struct vio_mapping *vio_mapping_at(const struct vio_domain *d, __u64 address);
const struct vio_memory *vio_memory_at(const struct vio *v, __u64 phys);
void vio_leave(struct vio *v, struct vio_endpoint *e);

#endif
