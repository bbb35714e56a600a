/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOMMU_HWPT_ALLOC for a list of devices, foretold from what IOMMU_DEVICE_PROBE says of
 * each: for every order of every subset of some devices, whichever they are.
 */
#ifndef SELFTESTS_IOMMU_PROBE_LIST_TEST_H
#define SELFTESTS_IOMMU_PROBE_LIST_TEST_H

#include "iommu_test.h"

#include "../../../iommu/lib/probe.h"

#define LIST_MAX	6
#define MAX_RANGES	64

/**
 * struct listed - some devices
 * @fd: /dev/iommu
 * @num: how many, up to LIST_MAX
 * @dev: their ids
 * @probe: what each can do
 * @attach: the @nth to *@pt, an IOAS or a HWPT; out: the HWPT
 * @detach: from what @attach has attached it to
 * @data: of those
 * @spot: where memory is mapped before, if @spot_length is not 0
 * @spot_length: bytes
 * @memory: what is mapped there
 */
struct listed {
	int fd;
	unsigned int num;
	__u32 dev[LIST_MAX];
	struct probe probe[LIST_MAX];
	int (*attach)(struct listed *l, unsigned int nth, __u32 *pt);
	int (*detach)(struct listed *l, unsigned int nth);
	void *data;
	__u64 spot;
	__u64 spot_length;
	void *memory;
};

static inline int listed_probe(struct listed *l)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < l->num && !rc; i++)
		rc = probe_read(l->fd, l->dev[i], &l->probe[i]);
	return rc;
}

static inline void listed_free(struct listed *l)
{
	unsigned int i;

	for (i = 0; i < l->num; i++)
		probe_free(&l->probe[i]);
}

/**
 * struct foretold - what becomes of a list
 * @rc: of IOMMU_HWPT_ALLOC
 * @who: the position in the list of the device that prevents it
 * @why: because of this property
 * @hwpt: what is made
 */
struct foretold {
	int rc;
	unsigned int who;
	__u16 why;
	struct probe_hwpt hwpt;
};

static inline bool covers(const struct iommu_iova_range *ranges, __u32 num,
			  __u64 start, __u64 length)
{
	__u32 i;

	for (i = 0; i < num; i++)
		if (ranges[i].start <= start &&
		    ranges[i].last - start >= length - 1 &&
		    ranges[i].last >= start)
			return true;
	return false;
}

static inline bool reserved_there(const struct probe *p, __u64 start,
				  __u64 length)
{
	const struct iommu_probe_property *property =
		probe_find(p, IOMMU_PROBE_RESV_REGIONS, 0);
	const struct iommu_probe_region *r = probe_value(property);
	size_t i;

	for (i = 0; i < property->length / sizeof(*r); i++)
		if (r[i].kind != IOMMU_PROBE_REGION_DIRECT_RELAXABLE &&
		    r[i].start <= start + length - 1 && r[i].last >= start)
			return true;
	return false;
}

/* What is mapped already: the first device that cannot have it there */
static inline void foretell_mapped(struct listed *l, const unsigned int *order,
				   unsigned int num, __u32 flags,
				   struct foretold *f)
{
	__u64 alignment, most = 0, length = l->spot_length;
	const struct iommu_probe_property *p;
	unsigned int i;

	f->rc = -EADDRINUSE;
	for (i = 0; i < num; i++) {
		f->who = i;
		f->why = IOMMU_PROBE_RESV_REGIONS;
		if (reserved_there(&l->probe[order[i]], l->spot, length))
			return;
		f->why = IOMMU_PROBE_IOVA_RANGES;
		p = probe_find(&l->probe[order[i]], IOMMU_PROBE_IOVA_RANGES,
			       flags);
		if (!covers(probe_value(p),
			    p->length / sizeof(struct iommu_iova_range),
			    l->spot, length))
			return;
	}
	f->who = 0;
	f->why = IOMMU_PROBE_TABLE_WIDTHS;
	if (!covers(f->hwpt.ranges, f->hwpt.num, l->spot, length))
		return;
	if ((l->spot | length) & (f->hwpt.alignment - 1)) {
		f->why = IOMMU_PROBE_ALIGNMENT;
		for (i = 0; i < num; i++) {
			alignment = probe_u64(&l->probe[order[i]],
					      IOMMU_PROBE_ALIGNMENT, flags, 0,
					      0);
			if (alignment > most) {
				most = alignment;
				f->who = i;
			}
		}
		return;
	}
	f->rc = 0;
}

/* 0, or an error of ours. */
static inline int foretell(struct listed *l, const unsigned int *order,
			   unsigned int num, __u32 flags, struct foretold *f)
{
	struct probe all = { 0 }, next;
	unsigned int i;
	int rc = 0;

	*f = (struct foretold){ 0 };
	for (i = 0; i < num && !rc; i++) {
		const struct probe *one = &l->probe[order[i]];

		probe_hwpt_free(&f->hwpt);
		f->who = i;
		/* With itself: the same, but for what is a device's own */
		rc = probe_combine(i ? &all : one, one, &next, &f->why);
		if (rc)
			break;
		probe_free(&all);
		all = next;
		rc = probe_hwpt(&all, flags, &f->hwpt, &f->why);
	}
	probe_free(&all);
	f->rc = rc;
	if (!rc && l->spot_length)
		foretell_mapped(l, order, num, flags, f);
	return rc && rc != -EXDEV && rc != -EOPNOTSUPP ? rc : 0;
}

static inline void foretold_free(struct foretold *f)
{
	probe_hwpt_free(&f->hwpt);
}

static inline int check_ranges(struct listed *l, __u32 ioas,
			       const struct probe_hwpt *want)
{
	struct iommu_iova_range have[MAX_RANGES];
	__u32 num = MAX_RANGES;
	__u64 alignment;
	int rc;

	rc = iommu_ranges(l->fd, ioas, have, &num, &alignment);
	if (rc)
		return rc;
	if (num != want->num ||
	    memcmp(have, want->ranges, num * sizeof(*have)) ||
	    alignment != want->alignment)
		return -EBADMSG;
	return 0;
}

/* The HWPT is there: its ranges, then each device on it, in the list's order. */
static inline int use_hwpt(struct listed *l, const unsigned int *order,
			   unsigned int num, __u32 ioas, __u32 hwpt,
			   const struct probe_hwpt *want)
{
	unsigned int i;
	int rc;

	rc = check_ranges(l, ioas, want);
	for (i = 0; i < num && !rc; i++) {
		__u32 pt = hwpt;

		rc = l->attach(l, order[i], &pt);
		if (!rc && pt != hwpt)
			rc = -EBADMSG;
	}
	if (!rc)
		rc = check_ranges(l, ioas, want);
	while (i-- && !rc)
		rc = l->detach(l, order[i]);
	return rc;
}

static inline void say_list(const char *what, const unsigned int *order,
			    unsigned int num, __u32 flags)
{
	unsigned int i;

	fprintf(stderr, "# %s: flags %u, devices", what, flags);
	for (i = 0; i < num; i++)
		fprintf(stderr, " %u", order[i]);
	fprintf(stderr, "\n");
}

/* 0, or what was not as foretold, in words too */
static inline int try_list(struct listed *l, const unsigned int *order,
			   unsigned int num, __u32 flags)
{
	__u32 devs[LIST_MAX], ioas, hwpt, who, why, ranges = 8;
	struct iommu_iova_range whole[8];
	struct foretold f;
	unsigned int i;
	int rc, made;

	rc = foretell(l, order, num, flags, &f);
	if (rc)
		return rc;
	for (i = 0; i < num; i++)
		devs[i] = l->dev[order[i]];
	rc = iommu_ioas_alloc(l->fd, &ioas);
	if (!rc && l->spot_length)
		rc = iommu_map(l->fd, ioas, l->memory, l->spot_length, l->spot);
	if (rc)
		return rc;
	made = iommu_hwpt_for(l->fd, devs, num, ioas, flags, &hwpt, &who, &why);
	if (made != f.rc) {
		say_list("not as foretold", order, num, flags);
		fprintf(stderr, "# %d, not %d (device %u of them, %s)\n", made,
			f.rc, f.who, probe_type_name(f.why));
		return -EBADMSG;
	}
	if (made && (who != devs[f.who] || why != f.why)) {
		say_list("another culprit", order, num, flags);
		fprintf(stderr, "# %s of id %u, not %s of %u\n",
			probe_type_name((__u16)why), who,
			probe_type_name(f.why), devs[f.who]);
		return -EBADMSG;
	}
	if (!made)
		rc = use_hwpt(l, order, num, ioas, hwpt, &f.hwpt);
	if (!rc && !made)
		rc = iommu_destroy(l->fd, hwpt);
	/* Whatever it was: nothing is left of it */
	if (!rc)
		rc = iommu_ranges(l->fd, ioas, whole, &ranges, NULL);
	if (!rc && (ranges != 1 || whole[0].start || whole[0].last != ~0ULL))
		rc = -EBADMSG;
	if (!rc)
		rc = iommu_destroy(l->fd, ioas);
	if (rc) {
		say_list("what was made is not as foretold", order, num, flags);
		fprintf(stderr, "# %s\n", strerror(-rc));
	}
	foretold_free(&f);
	return rc;
}

typedef int (*order_fn)(struct listed *l, const unsigned int *order,
			unsigned int num, void *data);

/* @fn for every order of every subset that begins with @order; stops if it is not 0. */
static inline int each_order(struct listed *l, unsigned int *order,
			     unsigned int num, order_fn fn, void *data)
{
	unsigned int i, k;
	int rc;

	for (i = 0; i < l->num; i++) {
		for (k = 0; k < num && order[k] != i; k++)
			;
		if (k < num)
			continue;
		order[num] = i;
		rc = fn(l, order, num + 1, data);
		if (!rc)
			rc = each_order(l, order, num + 1, fn, data);
		if (rc)
			return rc;
	}
	return 0;
}

struct list_count {
	__u32 flags;
	unsigned int tried;
};

static inline int count_list(struct listed *l, const unsigned int *order,
			     unsigned int num, void *data)
{
	struct list_count *count = data;

	count->tried++;
	return try_list(l, order, num, count->flags);
}

/* Returns 0 if all was as foretold; *@tried: how many lists. */
static inline int try_all_lists(struct listed *l, __u32 flags,
				unsigned int *tried)
{
	struct list_count count = { .flags = flags };
	unsigned int order[LIST_MAX];
	int rc = each_order(l, order, 0, count_list, &count);

	*tried = count.tried;
	return rc;
}

/* --- an IOAS, attached to in any order --- */

/**
 * struct ended - which devices share a HWPT, by subset
 * @map_at: after so many attaches there is a mapping; above LIST_MAX: none
 * @seen: the subset has been tried
 * @with: of each subset and device: the first device in it with the same HWPT
 * @tried: orders
 */
struct ended {
	unsigned int map_at;
	bool seen[1 << LIST_MAX];
	unsigned char with[1 << LIST_MAX][LIST_MAX];
	unsigned int tried;
};

static inline int try_attach(struct listed *l, const unsigned int *order,
			     unsigned int num, void *data)
{
	struct ended *ended = data;
	unsigned int i, k, subset = 0;
	__u32 pt[LIST_MAX], ioas;
	int rc;

	for (i = 0; i < num; i++)
		subset |= 1U << order[i];
	rc = iommu_ioas_alloc(l->fd, &ioas);
	for (i = 0; i <= num && !rc; i++) {
		if (i == ended->map_at || (i == num && ended->map_at <= LIST_MAX &&
					   ended->map_at > num))
			rc = iommu_map(l->fd, ioas, l->memory, l->spot_length,
				       l->spot);
		if (rc || i == num)
			break;
		pt[order[i]] = ioas;
		rc = l->attach(l, order[i], &pt[order[i]]);
	}
	if (rc) {
		say_list("attach or map failed", order, i, 0);
		return rc;
	}
	ended->tried++;
	for (i = 0; i < l->num; i++) {
		if (!(subset >> i & 1))
			continue;
		for (k = 0; !(subset >> k & 1) || pt[k] != pt[i]; k++)
			;
		if (!ended->seen[subset]) {
			ended->with[subset][i] = (unsigned char)k;
		} else if (ended->with[subset][i] != k) {
			say_list("another HWPT in this order", order, num, 0);
			return -EBADMSG;
		}
	}
	ended->seen[subset] = true;
	for (i = 0; i < num && !rc; i++)
		rc = l->detach(l, order[i]);
	return rc ? rc : iommu_destroy(l->fd, ioas);
}

/* --- a map, and attaches, each of which may be refused because of the other --- */

/**
 * struct crossed - what has become of them
 * @tried: orders, and places of the map in them
 * @map_refused: in so many the map, by who was attached
 * @attach_refused: so many devices, by what was mapped
 */
struct crossed {
	unsigned int tried;
	unsigned int map_refused;
	unsigned int attach_refused;
};

/* Can the device have the spot? */
static inline bool suits(struct listed *l, unsigned int nth)
{
	const struct iommu_probe_property *p =
		probe_find(&l->probe[nth], IOMMU_PROBE_IOVA_RANGES, 0);
	__u64 alignment = probe_u64(&l->probe[nth], IOMMU_PROBE_ALIGNMENT, 0, 0,
				    1);

	return covers(probe_value(p),
		      p->length / sizeof(struct iommu_iova_range), l->spot,
		      l->spot_length) &&
	       !((l->spot | l->spot_length) & (alignment - 1));
}

static inline int try_crossed_at(struct listed *l, const unsigned int *order,
				 unsigned int num, unsigned int map_at,
				 struct crossed *crossed)
{
	bool attached[LIST_MAX] = { false }, mapped = false, may = true;
	__u32 ioas, pt;
	unsigned int i;
	int rc, want = 0;

	rc = iommu_ioas_alloc(l->fd, &ioas);
	if (rc)
		return rc;
	for (i = 0; i <= num; i++) {
		if (i == map_at) {
			want = may ? 0 : -EINVAL;
			rc = iommu_map(l->fd, ioas, l->memory, l->spot_length,
				       l->spot);
			mapped = !rc;
			crossed->map_refused += !mapped;
			if (rc != want)
				break;
		}
		if (i == num)
			break;
		want = mapped && !suits(l, order[i]) ? -EADDRINUSE : 0;
		pt = ioas;
		rc = l->attach(l, order[i], &pt);
		attached[i] = !rc;
		crossed->attach_refused += !!rc;
		if (rc != want)
			break;
		if (!rc)
			may = may && suits(l, order[i]);
	}
	if (rc != want) {
		say_list("not as foretold", order, num, 0);
		fprintf(stderr, "# %d, not %d: at %u, mapped before %u\n", rc,
			want, i, map_at);
		return -EBADMSG;
	}
	for (i = 0, rc = 0; i < num && !rc; i++)
		if (attached[i])
			rc = l->detach(l, order[i]);
	crossed->tried++;
	return rc ? rc : iommu_destroy(l->fd, ioas);
}

static inline int try_crossed(struct listed *l, const unsigned int *order,
			      unsigned int num, void *data)
{
	unsigned int at;
	int rc = 0;

	for (at = 0; at <= num && !rc; at++)
		rc = try_crossed_at(l, order, num, at, data);
	return rc;
}

static inline int try_all_crossed(struct listed *l, struct crossed *crossed)
{
	unsigned int order[LIST_MAX];

	return each_order(l, order, 0, try_crossed, crossed);
}

/* All that is to be mapped has to be within what all devices have in common. */
static inline int try_all_attaches(struct listed *l, unsigned int map_at,
				   struct ended *ended)
{
	unsigned int order[LIST_MAX];

	memset(ended, 0, sizeof(*ended));
	ended->map_at = map_at;
	return each_order(l, order, 0, try_attach, ended);
}

#endif
