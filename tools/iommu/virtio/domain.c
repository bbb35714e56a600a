// SPDX-License-Identifier: GPL-2.0
/*
 * Domains of a virtio-iommu device (virtio 1.3, 5.13.6.3 to 5.13.6.6): an IOAS each, and
 * a list of what was mapped, for the kernel keeps no record of doorbells, and a range to
 * unmap may cover nothing but must cut nothing.
 *
 * A list with room for all that a guest may map is moved by 2 MB at most for a new one
 * in front. A VMM whose guests map for each DMA takes a tree.
 */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_iommu.h"

#define BIT64(n)	(1ULL << (n))
#define PROT		(VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE)

static bool in_domain_range(const struct vio *v, __u32 id)
{
	return id < v->limits.domains;
}

static bool in_input_range(const struct vio *v, __u64 start, __u64 last)
{
	return start >= v->first && last <= v->last;
}

/* What the kernel says of a request that was looked at before */
static __u8 status_of(int rc)
{
	switch (rc) {
	case 0:
		return VIRTIO_IOMMU_S_OK;
	case -ENOMEM:
	case -ENOSPC:
		return VIRTIO_IOMMU_S_NOMEM;
	case -EFAULT:
		return VIRTIO_IOMMU_S_FAULT;
	case -EINVAL:
	case -EEXIST:
		return VIRTIO_IOMMU_S_INVAL;
	default:
		return VIRTIO_IOMMU_S_DEVERR;
	}
}

/* --- lists --- */

/* The first mapping that does not end before @address: an index, up to num */
static size_t first_from(const struct vio_domain *d, __u64 address)
{
	size_t low = 0, high = d->num, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (d->mappings[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vio_mapping *vio_mapping_at(const struct vio_domain *d, __u64 address)
{
	size_t i = first_from(d, address);

	return i < d->num && d->mappings[i].start <= address ? &d->mappings[i] : NULL;
}

static int make_room(struct vio_domain *d)
{
	size_t room = d->room ? 2 * d->room : 16;
	void *more;

	if (d->num < d->room)
		return 0;
	more = realloc(d->mappings, room * sizeof(*d->mappings));
	if (!more)
		return -ENOMEM;
	d->mappings = more;
	d->room = room;
	return 0;
}

static void insert(struct vio *v, struct vio_domain *d, size_t at,
		   const struct vio_mapping *m)
{
	memmove(&d->mappings[at + 1], &d->mappings[at],
		(d->num - at) * sizeof(*d->mappings));
	d->mappings[at] = *m;
	d->num++;
	v->mappings++;
}

static void forget(struct vio *v, struct vio_domain *d, size_t at, size_t num)
{
	memmove(&d->mappings[at], &d->mappings[at + num],
		(d->num - at - num) * sizeof(*d->mappings));
	d->num -= num;
	v->mappings -= num;
}

/* --- domains --- */

struct vio_domain *vio_domain_find(struct vio *v, __u32 id)
{
	unsigned int i;

	for (i = 0; i <= VIO_ENDPOINTS_MAX; i++)
		if (v->domains[i].ioas && v->domains[i].id == id)
			return &v->domains[i];
	return NULL;
}

static int domain_make(struct vio *v, __u32 id, struct vio_domain **made)
{
	unsigned int i = 0;

	/* Each endpoint has one at most, and this one is for a further one. */
	while (v->domains[i].ioas)
		i++;
	v->domains[i] = (struct vio_domain){ .id = id };
	*made = &v->domains[i];
	return iommu_ioas_alloc(v->fd, &v->domains[i].ioas);
}

static void domain_put(struct vio *v, struct vio_domain *d)
{
	if (d->endpoints)
		return;
	v->mappings -= d->num;
	free(d->mappings);
	iommu_destroy(v->fd, d->ioas);
	*d = (struct vio_domain){ 0 };
}

/* From the domain, not from the kernel's table */
static void unlink_endpoint(struct vio *v, struct vio_endpoint *e)
{
	struct vio_domain *d = e->domain;

	e->domain = NULL;
	if (!d)
		return;
	d->endpoints--;
	domain_put(v, d);
}

void vio_leave(struct vio *v, struct vio_endpoint *e)
{
	if (!e->domain)
		return;
	e->ops->detach(e->device);
	unlink_endpoint(v, e);
}

/* Something is mapped where this endpoint cannot have it. */
static bool suits(const struct vio_domain *d, const struct vio_endpoint *e)
{
	size_t i;

	for (i = 0; i < d->num; i++)
		if (vio_regions_meet(&e->regions, d->mappings[i].start,
				     d->mappings[i].last))
			return false;
	return true;
}

static __u8 attach_to(struct vio *v, struct vio_endpoint *e, struct vio_domain *d)
{
	int rc;

	if (!suits(d, e))
		return VIRTIO_IOMMU_S_UNSUPP;
	rc = e->ops->attach(e->device, d->ioas);
	if (rc)
		return rc == -ENOMEM ? VIRTIO_IOMMU_S_NOMEM : VIRTIO_IOMMU_S_UNSUPP;
	unlink_endpoint(v, e);
	e->domain = d;
	d->endpoints++;
	return VIRTIO_IOMMU_S_OK;
}

/* An endpoint that cannot be attached stays where it is. */
__u8 vio_attach(struct vio *v, const struct virtio_iommu_req_attach *r)
{
	static const __u8 none[sizeof(r->reserved)];
	__u32 id = le32toh(r->domain);
	struct vio_endpoint *e;
	struct vio_domain *d;
	__u8 status;

	if (memcmp(r->reserved, none, sizeof(none)) || r->flags)
		return VIRTIO_IOMMU_S_INVAL;
	if (!in_domain_range(v, id))
		return VIRTIO_IOMMU_S_RANGE;
	e = vio_endpoint_find(v, le32toh(r->endpoint));
	if (!e)
		return VIRTIO_IOMMU_S_NOENT;
	d = vio_domain_find(v, id);
	if (d && e->domain == d)
		return VIRTIO_IOMMU_S_OK;
	if (!d) {
		int rc = domain_make(v, id, &d);

		if (rc)
			return status_of(rc);
	}
	status = attach_to(v, e, d);
	domain_put(v, d);
	return status;
}

__u8 vio_detach(struct vio *v, const struct virtio_iommu_req_detach *r)
{
	__u32 id = le32toh(r->domain);
	struct vio_endpoint *e;
	int rc;

	if (!in_domain_range(v, id))
		return VIRTIO_IOMMU_S_RANGE;
	e = vio_endpoint_find(v, le32toh(r->endpoint));
	if (!e)
		return VIRTIO_IOMMU_S_NOENT;
	if (!e->domain || e->domain->id != id)
		return VIRTIO_IOMMU_S_INVAL;
	rc = e->ops->detach(e->device);
	if (rc)
		return VIRTIO_IOMMU_S_DEVERR;
	unlink_endpoint(v, e);
	return VIRTIO_IOMMU_S_OK;
}

/* --- mappings --- */

/* Is it memory from end to end, or all doorbells? Two neighbours in memory may do. */
static bool physical(const struct vio *v, __u64 phys, __u64 last, bool *doorbell)
{
	const struct vio_memory *part = vio_memory_at(v, phys);

	if (!part)
		return false;
	*doorbell = !part->va;
	while (part->last < last) {
		part = vio_memory_at(v, part->last + 1);
		if (!part || !part->va != *doorbell)
			return false;
	}
	return true;
}

/* An area of the IOAS is within one part. */
static int fill(struct vio *v, struct vio_domain *d, const struct vio_mapping *m)
{
	__u64 at = m->start, phys = m->phys, left = m->last - m->start + 1, length, iova;
	const struct vio_memory *part;
	__u32 flags = IOMMU_IOAS_MAP_FIXED_IOVA;
	int rc = 0;

	if (m->flags & VIRTIO_IOMMU_MAP_F_READ)
		flags |= IOMMU_IOAS_MAP_READABLE;
	if (m->flags & VIRTIO_IOMMU_MAP_F_WRITE)
		flags |= IOMMU_IOAS_MAP_WRITEABLE;
	while (left) {
		part = vio_memory_at(v, phys);
		length = part->last - phys + 1;
		if (length > left)
			length = left;
		iova = at;
		rc = iommu_map_flags(v->fd, d->ioas, part->va + (phys - part->start),
				     length, flags, &iova);
		if (rc)
			break;
		at += length;
		phys += length;
		left -= length;
	}
	if (rc && at > m->start)
		iommu_unmap(v->fd, d->ioas, m->start, at - m->start, NULL);
	return rc;
}

/* Whoever is attached cannot have something there. */
static bool reserved(const struct vio *v, const struct vio_domain *d, __u64 start,
		     __u64 last)
{
	unsigned int i;

	for (i = 0; i < v->num_endpoints; i++)
		if (v->endpoints[i]->domain == d &&
		    vio_regions_meet(&v->endpoints[i]->regions, start, last))
			return true;
	return false;
}

static bool aligned(const struct vio *v, const struct vio_mapping *m)
{
	return !((m->start | m->phys | (m->last + 1)) & (v->granule - 1));
}

static bool flags_known(const struct vio *v, __u32 flags)
{
	__u32 known = PROT;

	if (v->features & BIT64(VIRTIO_IOMMU_F_MMIO))
		known |= VIRTIO_IOMMU_MAP_F_MMIO;
	return !(flags & ~known) && (flags & PROT);
}

/* What the specification has a status for, in its order, then what it has none for */
static __u8 check_map(const struct vio *v, const struct vio_domain *d,
		      struct vio_mapping *m, size_t *at)
{
	__u64 phys_last = m->phys + (m->last - m->start);
	bool doorbell;

	if (m->last <= m->start || !flags_known(v, m->flags))
		return VIRTIO_IOMMU_S_INVAL;
	if (!aligned(v, m) || !in_input_range(v, m->start, m->last))
		return VIRTIO_IOMMU_S_RANGE;
	*at = first_from(d, m->start);
	if (*at < d->num && d->mappings[*at].start <= m->last)
		return VIRTIO_IOMMU_S_INVAL;
	if (reserved(v, d, m->start, m->last))
		return VIRTIO_IOMMU_S_RANGE;
	if (phys_last < m->phys || !physical(v, m->phys, phys_last, &doorbell))
		return VIRTIO_IOMMU_S_FAULT;
	m->in_kernel = !doorbell;
	return VIRTIO_IOMMU_S_OK;
}

__u8 vio_map(struct vio *v, const struct virtio_iommu_req_map *r)
{
	struct vio_mapping m = {
		.start = le64toh(r->virt_start),
		.last = le64toh(r->virt_end),
		.phys = le64toh(r->phys_start),
		.flags = le32toh(r->flags),
	};
	__u32 id = le32toh(r->domain);
	struct vio_domain *d;
	__u8 status;
	size_t at;
	int rc = 0;

	if (!in_domain_range(v, id))
		return VIRTIO_IOMMU_S_RANGE;
	d = vio_domain_find(v, id);
	if (!d)
		return VIRTIO_IOMMU_S_NOENT;
	status = check_map(v, d, &m, &at);
	if (status)
		return status;
	if (v->mappings >= v->limits.mappings || make_room(d))
		return VIRTIO_IOMMU_S_NOMEM;
	if (m.in_kernel)
		rc = fill(v, d, &m);
	if (!rc)
		insert(v, d, at, &m);
	return status_of(rc);
}

/* Those from @at on: what the kernel does not let go of stays. */
static __u8 unmap_some(struct vio *v, struct vio_domain *d, size_t at, size_t num)
{
	size_t done;
	int rc = 0;

	for (done = 0; done < num; done++) {
		const struct vio_mapping *m = &d->mappings[at + done];

		if (m->in_kernel)
			rc = iommu_unmap(v->fd, d->ioas, m->start,
					 m->last - m->start + 1, NULL);
		if (rc)
			break;
	}
	forget(v, d, at, done);
	return rc ? VIRTIO_IOMMU_S_DEVERR : VIRTIO_IOMMU_S_OK;
}

__u8 vio_unmap(struct vio *v, const struct virtio_iommu_req_unmap *r)
{
	static const __u8 none[sizeof(r->reserved)];
	__u64 start = le64toh(r->virt_start), last = le64toh(r->virt_end);
	__u32 id = le32toh(r->domain);
	struct vio_domain *d;
	size_t at, end;

	if (memcmp(r->reserved, none, sizeof(none)) || last < start)
		return VIRTIO_IOMMU_S_INVAL;
	if (!in_domain_range(v, id))
		return VIRTIO_IOMMU_S_RANGE;
	d = vio_domain_find(v, id);
	if (!d)
		return VIRTIO_IOMMU_S_NOENT;
	at = first_from(d, start);
	for (end = at; end < d->num && d->mappings[end].start <= last; end++)
		if (d->mappings[end].start < start || d->mappings[end].last > last)
			return VIRTIO_IOMMU_S_RANGE;
	return unmap_some(v, d, at, end - at);
}
