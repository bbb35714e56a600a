// SPDX-License-Identifier: GPL-2.0
/* A virtio-iommu device, but for its domains: see virtio_iommu.h. */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_iommu.h"

#define BIT64(n)	(1ULL << (n))

/* No BYPASS_CONFIG: what is not attached reaches nothing. */
#define OFFERED		(BIT64(VIRTIO_IOMMU_F_INPUT_RANGE) |	\
			 BIT64(VIRTIO_IOMMU_F_DOMAIN_RANGE) |	\
			 BIT64(VIRTIO_IOMMU_F_MAP_UNMAP) |	\
			 BIT64(VIRTIO_IOMMU_F_PROBE) |		\
			 BIT64(VIRTIO_IOMMU_F_MMIO))

void vio_open(struct vio *v, int fd, const struct vio_limits *limits)
{
	*v = (struct vio){ .fd = fd };
	if (limits)
		v->limits = *limits;
	if (!v->limits.domains)
		v->limits.domains = VIO_DOMAINS;
	if (!v->limits.mappings)
		v->limits.mappings = VIO_MAPPINGS;
	if (!v->limits.probe_size)
		v->limits.probe_size = VIO_PROBE_SIZE;
}

void vio_reset(struct vio *v)
{
	unsigned int i;

	for (i = 0; i < v->num_endpoints; i++)
		vio_leave(v, v->endpoints[i]);
	v->features = OFFERED;
}

static void endpoint_free(struct vio_endpoint *e)
{
	vio_regions_free(&e->regions);
	probe_free(&e->p);
	free(e);
}

void vio_close(struct vio *v)
{
	unsigned int i;

	vio_reset(v);
	for (i = 0; i < v->num_endpoints; i++)
		endpoint_free(v->endpoints[i]);
	v->num_endpoints = 0;
	v->started = false;
}

/* --- the guest's memory --- */

const struct vio_memory *vio_memory_at(const struct vio *v, __u64 phys)
{
	unsigned int i;

	for (i = 0; i < v->num_memory; i++)
		if (phys >= v->memory[i].start && phys <= v->memory[i].last)
			return &v->memory[i];
	return NULL;
}

int vio_memory_add(struct vio *v, __u64 start, __u64 length, void *va)
{
	__u64 last = start + length - 1;
	unsigned int i;

	if (!length || last < start)
		return -EINVAL;
	for (i = 0; i < v->num_memory; i++)
		if (v->memory[i].start <= last && v->memory[i].last >= start)
			return -EEXIST;
	if (v->num_memory == VIO_MEMORY_MAX)
		return -ENOSPC;
	v->memory[v->num_memory++] = (struct vio_memory){
		.start = start,
		.last = last,
		.va = va,
	};
	return 0;
}

/* --- endpoints --- */

struct vio_endpoint *vio_endpoint_find(struct vio *v, __u32 id)
{
	unsigned int i;

	for (i = 0; i < v->num_endpoints; i++)
		if (v->endpoints[i]->id == id)
			return v->endpoints[i];
	return NULL;
}

/* Some IOMMU drivers know their tables only once the device is attached. */
static int probe_attached(struct vio *v, struct vio_endpoint *e, __u32 dev)
{
	__u32 ioas;
	int rc;

	rc = iommu_ioas_alloc(v->fd, &ioas);
	if (rc)
		return rc;
	rc = e->ops->attach(e->device, ioas);
	if (!rc) {
		probe_free(&e->p);
		rc = probe_read(v->fd, dev, &e->p);
		e->ops->detach(e->device);
	}
	iommu_destroy(v->fd, ioas);
	return rc;
}

static int learn(struct vio *v, struct vio_endpoint *e, __u32 dev)
{
	int rc = probe_read(v->fd, dev, &e->p);

	if (!rc && !probe_find(&e->p, IOMMU_PROBE_IOVA_RANGES, 0))
		rc = probe_attached(v, e, dev);
	return rc;
}

static int find_regions(const struct vio *v, struct vio_endpoint *e)
{
	return vio_regions_of(&e->p, v->first, v->last, e->has_msi ? &e->msi : NULL,
			      &e->regions);
}

/* The guest has its configuration already. */
static int come_late(const struct vio *v, struct vio_endpoint *e)
{
	struct probe_hwpt hwpt;
	__u16 why;
	int rc;

	rc = probe_hwpt(&e->p, 0, &hwpt, &why);
	if (rc)
		return rc;
	probe_hwpt_free(&hwpt);
	if (hwpt.alignment > v->granule)
		return -EXDEV;
	rc = find_regions(v, e);
	if (!rc && vio_regions_size(&e->regions) > le32toh(v->config.probe_size))
		rc = -ENOSPC;
	return rc;
}

int vio_endpoint_add(struct vio *v, __u32 id, __u32 dev,
		     const struct vio_device_ops *ops, void *device,
		     const struct iommu_iova_range *msi)
{
	struct vio_endpoint *e;
	int rc;

	if (vio_endpoint_find(v, id))
		return -EEXIST;
	if (v->num_endpoints == VIO_ENDPOINTS_MAX)
		return -ENOSPC;
	if (msi && msi->start > msi->last)
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->id = id;
	e->ops = ops;
	e->device = device;
	if (msi) {
		e->msi = *msi;
		e->has_msi = true;
	}
	rc = learn(v, e, dev);
	if (!rc && v->started)
		rc = come_late(v, e);
	if (rc)
		endpoint_free(e);
	else
		v->endpoints[v->num_endpoints++] = e;
	return rc;
}

/* --- configuration --- */

/* Wide enough for each: who reaches less has the rest reserved. */
static int size_up(struct vio *v)
{
	struct probe_hwpt hwpt;
	unsigned int i;
	__u16 why;
	int rc;

	v->granule = 1;
	v->first = ~0ULL;
	v->last = 0;
	for (i = 0; i < v->num_endpoints; i++) {
		rc = probe_hwpt(&v->endpoints[i]->p, 0, &hwpt, &why);
		if (rc)
			return rc;
		if (hwpt.alignment > v->granule)
			v->granule = hwpt.alignment;
		if (hwpt.ranges[0].start < v->first)
			v->first = hwpt.ranges[0].start;
		if (hwpt.ranges[hwpt.num - 1].last > v->last)
			v->last = hwpt.ranges[hwpt.num - 1].last;
		probe_hwpt_free(&hwpt);
	}
	return 0;
}

static void configure(struct vio *v, size_t probe_size)
{
	if (probe_size < v->limits.probe_size)
		probe_size = v->limits.probe_size;
	v->config = (struct virtio_iommu_config){
		/* Every multiple of the granule can be mapped. */
		.page_size_mask = htole64(-v->granule),
		.input_range = {
			.start = htole64(v->first),
			.end = htole64(v->last),
		},
		.domain_range.end = htole32(v->limits.domains - 1),
		.probe_size = htole32(probe_size),
	};
	v->features = OFFERED;
	v->started = true;
}

int vio_start(struct vio *v)
{
	size_t size = 0, one;
	unsigned int i;
	int rc;

	if (v->started)
		return -EALREADY;
	if (!v->num_endpoints)
		return -ENODEV;
	rc = size_up(v);
	for (i = 0; !rc && i < v->num_endpoints; i++) {
		rc = find_regions(v, v->endpoints[i]);
		one = vio_regions_size(&v->endpoints[i]->regions);
		if (one > size)
			size = one;
	}
	if (!rc) {
		configure(v, size);
		return 0;
	}
	for (i = 0; i < v->num_endpoints; i++)
		vio_regions_free(&v->endpoints[i]->regions);
	return rc;
}

int vio_negotiate(struct vio *v, __u64 features)
{
	if ((features & ~OFFERED) ||
	    !(features & BIT64(VIRTIO_IOMMU_F_MAP_UNMAP)))
		return -EINVAL;
	v->features = features;
	return 0;
}

/* --- requests --- */

/* The device-readable parts */
union request {
	struct virtio_iommu_req_head head;
	struct virtio_iommu_req_attach attach;
	struct virtio_iommu_req_detach detach;
	struct virtio_iommu_req_map map;
	struct virtio_iommu_req_unmap unmap;
	struct virtio_iommu_req_probe probe;
};

/* Bytes of such a part; 0: no such request */
static size_t request_size(const struct vio *v, __u8 type)
{
	switch (type) {
	case VIRTIO_IOMMU_T_ATTACH:
		return offsetof(struct virtio_iommu_req_attach, tail);
	case VIRTIO_IOMMU_T_DETACH:
		return offsetof(struct virtio_iommu_req_detach, tail);
	case VIRTIO_IOMMU_T_MAP:
		return offsetof(struct virtio_iommu_req_map, tail);
	case VIRTIO_IOMMU_T_UNMAP:
		return offsetof(struct virtio_iommu_req_unmap, tail);
	case VIRTIO_IOMMU_T_PROBE:
		if (!(v->features & BIT64(VIRTIO_IOMMU_F_PROBE)))
			return 0;
		return offsetof(struct virtio_iommu_req_probe, properties);
	}
	return 0;
}

/* Bytes are used from the first one on: what is before the status is zero, or full. */
static size_t answer(void *in, size_t before, __u8 status)
{
	const struct virtio_iommu_req_tail tail = { .status = status };

	memcpy((char *)in + before, &tail, sizeof(tail));
	return before + sizeof(tail);
}

/*
 * The status of a list that is too small is where the driver looks for it, at the end
 * of the list that it has.
 */
static size_t answer_probe(struct vio *v, const struct virtio_iommu_req_probe *r,
			   bool whole, void *in, size_t in_len)
{
	size_t size = le32toh(v->config.probe_size);
	struct vio_endpoint *e;

	if (in_len - sizeof(struct virtio_iommu_req_tail) < size) {
		size = in_len - sizeof(struct virtio_iommu_req_tail);
		whole = false;
	}
	memset(in, 0, size);
	if (!whole)
		return answer(in, size, VIRTIO_IOMMU_S_INVAL);
	e = vio_endpoint_find(v, le32toh(r->endpoint));
	if (!e)
		return answer(in, size, VIRTIO_IOMMU_S_NOENT);
	vio_regions_put(&e->regions, in);
	return answer(in, size, VIRTIO_IOMMU_S_OK);
}

static __u8 carry_out(struct vio *v, const union request *r)
{
	switch (r->head.type) {
	case VIRTIO_IOMMU_T_ATTACH:
		return vio_attach(v, &r->attach);
	case VIRTIO_IOMMU_T_DETACH:
		return vio_detach(v, &r->detach);
	case VIRTIO_IOMMU_T_MAP:
		return vio_map(v, &r->map);
	default:
		return vio_unmap(v, &r->unmap);
	}
}

size_t vio_request(struct vio *v, const void *out, size_t out_len, void *in,
		   size_t in_len)
{
	union request r = { 0 };
	size_t size;

	if (!v->started || out_len < sizeof(r.head) ||
	    in_len < sizeof(struct virtio_iommu_req_tail))
		return 0;
	memcpy(&r.head, out, sizeof(r.head));
	size = request_size(v, r.head.type);
	if (!size)
		return 0;
	/* A later driver's may be longer. */
	if (out_len >= size)
		memcpy(&r, out, size);
	if (r.head.type == VIRTIO_IOMMU_T_PROBE)
		return answer_probe(v, &r.probe, out_len >= size, in, in_len);
	return answer(in, 0, out_len < size ? VIRTIO_IOMMU_S_INVAL : carry_out(v, &r));
}

/* --- accesses --- */

static int report(struct virtio_iommu_fault *fault, __u8 reason, __u32 id,
		  __u64 address, __u32 access)
{
	*fault = (struct virtio_iommu_fault){
		.reason = reason,
		.flags = htole32(access | VIRTIO_IOMMU_FAULT_F_ADDRESS),
		.endpoint = htole32(id),
		.address = htole64(address),
	};
	return VIO_FAULT;
}

static bool allows(const struct vio_mapping *m, __u32 access)
{
	if ((access & VIRTIO_IOMMU_FAULT_F_READ) && !(m->flags & VIRTIO_IOMMU_MAP_F_READ))
		return false;
	return !(access & VIRTIO_IOMMU_FAULT_F_WRITE) ||
	       (m->flags & VIRTIO_IOMMU_MAP_F_WRITE);
}

/*
 * Whose region it is counts, not which domain: another endpoint's interrupts are
 * nothing of this one's. They are decoded before any table is looked at, so that they
 * come through attached or not.
 */
int vio_translate(struct vio *v, __u32 id, __u64 address, __u32 access, __u64 *phys,
		  struct virtio_iommu_fault *fault)
{
	struct vio_endpoint *e = vio_endpoint_find(v, id);
	const struct vio_mapping *m;
	const struct vio_region *r;

	if (!e)
		return -ENOENT;
	r = vio_regions_meet(&e->regions, address, address);
	if (r && r->subtype == VIRTIO_IOMMU_RESV_MEM_T_MSI &&
	    access == VIRTIO_IOMMU_FAULT_F_WRITE) {
		*phys = address;
		return VIO_UNTRANSLATED;
	}
	if (!e->domain)
		return report(fault, VIRTIO_IOMMU_FAULT_R_DOMAIN, id, address, access);
	m = vio_mapping_at(e->domain, address);
	if (r || !m || !allows(m, access))
		return report(fault, VIRTIO_IOMMU_FAULT_R_MAPPING, id, address, access);
	*phys = m->phys + (address - m->start);
	return m->in_kernel ? VIO_MEMORY : VIO_DOORBELL;
}
