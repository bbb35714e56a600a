// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define HEAD		sizeof(struct iommu_probe_property)

/* The answer may grow while nothing is attached yet: a few times, not for ever. */
#define TRIES		8

int probe_read(int fd, __u32 dev, struct probe *p)
{
	struct iommu_device_probe c = { .size = sizeof(c), .dev_id = dev };
	unsigned int i;
	int rc;

	*p = (struct probe){ 0 };
	for (i = 0; i < TRIES; i++) {
		rc = iommu_call(fd, IOMMU_DEVICE_PROBE, &c);
		if (rc != -EMSGSIZE)
			break;
		probe_free(p);
		p->data = calloc(1, c.data_len);
		if (!p->data)
			return -ENOMEM;
		c.data_uptr = (uintptr_t)p->data;
	}
	if (rc)
		probe_free(p);
	else
		p->len = c.data_len;
	return rc;
}

void probe_free(struct probe *p)
{
	free(p->data);
	*p = (struct probe){ 0 };
}

static bool fits(const struct probe *p, size_t at)
{
	const struct iommu_probe_property *property;

	if (at > p->len || p->len - at < HEAD)
		return false;
	property = (const void *)(p->data + at);
	return p->len - at - HEAD >= property->length;
}

const struct iommu_probe_property *
probe_next(const struct probe *p, const struct iommu_probe_property *last)
{
	size_t at = 0;

	if (last)
		at = (size_t)((const unsigned char *)last - p->data) + HEAD +
		     last->length;
	return fits(p, at) ? (const void *)(p->data + at) : NULL;
}

const struct iommu_probe_property *
probe_find(const struct probe *p, __u16 type, __u32 hwpt_flags)
{
	const struct iommu_probe_property *property = NULL;

	while ((property = probe_next(p, property)))
		if (property->type == type &&
		    property->hwpt_flags == hwpt_flags)
			return property;
	return NULL;
}

__u64 probe_u64(const struct probe *p, __u16 type, __u32 hwpt_flags,
		unsigned int nth, __u64 missing)
{
	const struct iommu_probe_property *property =
		probe_find(p, type, hwpt_flags);
	const __u64 *value;

	if (!property || property->length / sizeof(*value) <= nth)
		return missing;
	value = probe_value(property);
	return value[nth];
}

/* --- combining --- */

/* A property with room for @length bytes; its length is set when it is filled. */
static struct iommu_probe_property *
append(struct probe *p, const struct iommu_probe_property *like, size_t length)
{
	unsigned char *data = realloc(p->data, p->len + HEAD + length);
	struct iommu_probe_property *property;

	if (!data)
		return NULL;
	p->data = data;
	property = (void *)(data + p->len);
	*property = *like;
	property->length = 0;
	return property;
}

static void appended(struct probe *p, struct iommu_probe_property *property,
		     size_t length)
{
	property->length = (__u32)length;
	p->len += HEAD + length;
}

static int copy_property(struct probe *p,
			 const struct iommu_probe_property *from)
{
	struct iommu_probe_property *to = append(p, from, from->length);

	if (!to)
		return -ENOMEM;
	memcpy(to + 1, from + 1, from->length);
	appended(p, to, from->length);
	return 0;
}

static __u64 combine_u64(__u16 combine, __u64 a, __u64 b)
{
	switch (combine) {
	case IOMMU_PROBE_COMBINE_MIN:
		return a < b ? a : b;
	case IOMMU_PROBE_COMBINE_MAX:
		return a > b ? a : b;
	default:
		return a & b;
	}
}

static size_t combine_words(const struct iommu_probe_property *a,
			    const struct iommu_probe_property *b, __u64 *out)
{
	const __u64 *va = probe_value(a), *vb = probe_value(b);
	size_t na = a->length / sizeof(*va), nb = b->length / sizeof(*vb);
	size_t i, num = na < nb ? na : nb;

	for (i = 0; i < num; i++)
		out[i] = combine_u64(a->combine, va[i], vb[i]);
	return num * sizeof(*out);
}

static int by_start(const void *a, const void *b)
{
	const struct iommu_probe_region *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static size_t combine_regions(const struct iommu_probe_property *a,
			      const struct iommu_probe_property *b,
			      struct iommu_probe_region *out)
{
	size_t num = (a->length + b->length) / sizeof(*out), kept = 0, i, k;

	memcpy(out, a + 1, a->length);
	memcpy((char *)out + a->length, b + 1, b->length);
	qsort(out, num, sizeof(*out), by_start);
	for (i = 0; i < num; i++) {
		for (k = 0; k < kept; k++)
			if (!memcmp(&out[k], &out[i], sizeof(*out)))
				break;
		if (k == kept)
			out[kept++] = out[i];
	}
	return kept * sizeof(*out);
}

static size_t combine_ranges(const struct iommu_probe_property *a,
			     const struct iommu_probe_property *b,
			     struct iommu_iova_range *out)
{
	const struct iommu_iova_range *ra = probe_value(a), *rb = probe_value(b);
	size_t na = a->length / sizeof(*ra), nb = b->length / sizeof(*rb);
	size_t i = 0, k = 0, num = 0;

	while (i < na && k < nb) {
		__u64 start = ra[i].start > rb[k].start ? ra[i].start :
							  rb[k].start;
		__u64 last = ra[i].last < rb[k].last ? ra[i].last : rb[k].last;

		if (start <= last) {
			out[num].start = start;
			out[num++].last = last;
		}
		if (ra[i].last < rb[k].last)
			i++;
		else
			k++;
	}
	return num * sizeof(*out);
}

static size_t combine_pairs(const struct iommu_probe_property *a,
			    const struct iommu_probe_property *b, __u64 *out)
{
	const __u64 *va = probe_value(a), *vb = probe_value(b);
	size_t na = a->length / sizeof(*va), nb = b->length / sizeof(*vb);
	size_t i, k, num = 0;

	for (i = 0; i + 1 < na; i += 2) {
		for (k = 0; k + 1 < nb; k += 2) {
			if (va[i] != vb[k])
				continue;
			out[num++] = va[i];
			out[num++] = va[i + 1] & vb[k + 1];
		}
	}
	return num * sizeof(*out);
}

static int combine_property(struct probe *both,
			    const struct iommu_probe_property *a,
			    const struct iommu_probe_property *b)
{
	struct iommu_probe_property *to =
		append(both, a, a->length + b->length);
	void *value;

	if (!to)
		return -ENOMEM;
	value = to + 1;
	switch (a->combine) {
	case IOMMU_PROBE_COMBINE_MIN:
	case IOMMU_PROBE_COMBINE_MAX:
	case IOMMU_PROBE_COMBINE_AND:
		appended(both, to, combine_words(a, b, value));
		break;
	case IOMMU_PROBE_COMBINE_UNION:
		appended(both, to, combine_regions(a, b, value));
		break;
	case IOMMU_PROBE_COMBINE_INTERSECT:
		appended(both, to, combine_ranges(a, b, value));
		break;
	case IOMMU_PROBE_COMBINE_COMMON:
		appended(both, to, combine_pairs(a, b, value));
		break;
	default:
		break;
	}
	return 0;
}

static bool same(const struct iommu_probe_property *a,
		 const struct iommu_probe_property *b)
{
	return a->length == b->length && !memcmp(a + 1, b + 1, a->length);
}

/* Not with the other device: is it still there with both? */
static bool survives_alone(const struct iommu_probe_property *property)
{
	return property->combine == IOMMU_PROBE_COMBINE_UNION ||
	       property->combine == IOMMU_PROBE_COMBINE_MAX;
}

static int combine_into(struct probe *both, const struct probe *a,
			const struct probe *b, __u16 *why)
{
	const struct iommu_probe_property *property = NULL, *other;
	int rc = 0;

	while (!rc && (property = probe_next(a, property))) {
		other = probe_find(b, property->type, property->hwpt_flags);
		if (property->combine == IOMMU_PROBE_COMBINE_SAME) {
			*why = property->type;
			if (!other || !same(property, other))
				return -EXDEV;
			rc = copy_property(both, property);
		} else if (other && other->combine == property->combine) {
			if (property->combine != IOMMU_PROBE_COMBINE_NONE)
				rc = combine_property(both, property, other);
		} else if (!other && survives_alone(property)) {
			rc = copy_property(both, property);
		}
	}
	property = NULL;
	while (!rc && (property = probe_next(b, property))) {
		if (probe_find(a, property->type, property->hwpt_flags))
			continue;
		if (property->combine == IOMMU_PROBE_COMBINE_SAME) {
			*why = property->type;
			rc = -EXDEV;
		} else if (survives_alone(property)) {
			rc = copy_property(both, property);
		}
	}
	return rc;
}

int probe_combine(const struct probe *a, const struct probe *b,
		  struct probe *both, __u16 *why)
{
	int rc;

	*both = (struct probe){ 0 };
	rc = combine_into(both, a, b, why);
	if (rc)
		probe_free(both);
	return rc;
}

/* --- foretelling --- */

static unsigned int top_bit(__u64 mask)
{
	return 63 - (unsigned int)__builtin_clzll(mask);
}

/* The last address of the widest table that all can have; U64_MAX: not known */
static int last_address(const struct probe *p, __u32 hwpt_flags, __u64 *last)
{
	__u64 stage1 = probe_u64(p, IOMMU_PROBE_TABLE_WIDTHS, hwpt_flags, 0, 0);
	__u64 stage2 = probe_u64(p, IOMMU_PROBE_TABLE_WIDTHS, hwpt_flags, 1, 0);
	__u64 mask = stage1 ? stage1 : stage2;

	*last = ~0ULL;
	if (!probe_find(p, IOMMU_PROBE_TABLE_WIDTHS, hwpt_flags))
		return 0;
	if (!mask)
		return -EXDEV;
	if (top_bit(mask) < 63)
		*last = (2ULL << top_bit(mask)) - 1;
	return 0;
}

static int cut_ranges(const struct iommu_probe_property *property, __u64 last,
		      struct probe_hwpt *hwpt)
{
	const struct iommu_iova_range *from = probe_value(property);
	size_t i, num = property->length / sizeof(*from);

	hwpt->ranges = calloc(num + 1, sizeof(*from));
	if (!hwpt->ranges)
		return -ENOMEM;
	for (i = 0; i < num && from[i].start <= last; i++) {
		hwpt->ranges[hwpt->num] = from[i];
		if (from[i].last > last)
			hwpt->ranges[hwpt->num].last = last;
		hwpt->num++;
	}
	return 0;
}

int probe_hwpt(const struct probe *p, __u32 hwpt_flags, struct probe_hwpt *hwpt,
	       __u16 *why)
{
	const struct iommu_probe_property *ranges =
		probe_find(p, IOMMU_PROBE_IOVA_RANGES, hwpt_flags);
	__u64 last;
	int rc;

	*hwpt = (struct probe_hwpt){ 0 };
	*why = IOMMU_PROBE_IOVA_RANGES;
	if (!ranges)
		return -EOPNOTSUPP;
	*why = IOMMU_PROBE_PAGE_SIZES;
	hwpt->page_sizes = probe_u64(p, IOMMU_PROBE_PAGE_SIZES, hwpt_flags, 0,
				     0);
	if (!hwpt->page_sizes)
		return -EXDEV;
	*why = IOMMU_PROBE_TABLE_WIDTHS;
	rc = last_address(p, hwpt_flags, &last);
	if (rc)
		return rc;
	/* Of the table of one device alone it may be less than what is in common */
	hwpt->alignment = probe_u64(p, IOMMU_PROBE_ALIGNMENT, hwpt_flags, 0, 0);
	if (hwpt->alignment < (hwpt->page_sizes & -hwpt->page_sizes))
		hwpt->alignment = hwpt->page_sizes & -hwpt->page_sizes;
	*why = IOMMU_PROBE_IOVA_RANGES;
	rc = cut_ranges(ranges, last, hwpt);
	if (rc)
		return rc;
	if (!hwpt->num) {
		probe_hwpt_free(hwpt);
		return -EXDEV;
	}
	return 0;
}

void probe_hwpt_free(struct probe_hwpt *hwpt)
{
	free(hwpt->ranges);
	hwpt->ranges = NULL;
	hwpt->num = 0;
}

/* --- names --- */

static const char *name_of(const char *const *names, size_t num, unsigned int n)
{
	return n < num && names[n] ? names[n] : "unknown";
}

const char *probe_type_name(__u16 type)
{
	static const char *const names[] = {
		[IOMMU_PROBE_DRIVER] = "driver",
		[IOMMU_PROBE_UNIT] = "unit",
		[IOMMU_PROBE_RESV_REGIONS] = "reserved-regions",
		[IOMMU_PROBE_IOVA_RANGES] = "iova-ranges",
		[IOMMU_PROBE_PAGE_SIZES] = "page-sizes",
		[IOMMU_PROBE_TABLE_WIDTHS] = "table-widths",
		[IOMMU_PROBE_ALIGNMENT] = "alignment",
		[IOMMU_PROBE_SNOOP] = "snoop",
		[IOMMU_PROBE_CAPABILITIES] = "capabilities",
		[IOMMU_PROBE_ADDRESS_WIDTHS] = "address-widths",
		[IOMMU_PROBE_PASIDS] = "pasids",
		[IOMMU_PROBE_PASID_TABLE] = "pasid-table",
		[IOMMU_PROBE_FAULTS] = "faults",
		[IOMMU_PROBE_INVALIDATION] = "invalidation",
		[IOMMU_PROBE_NESTED_FORMATS] = "nested-formats",
		[IOMMU_PROBE_HW_INFO] = "hw-info",
	};

	return name_of(names, ARRAY_LEN(names), type);
}

const char *probe_combine_name(__u16 combine)
{
	static const char *const names[] = {
		[IOMMU_PROBE_COMBINE_NONE] = "none",
		[IOMMU_PROBE_COMBINE_MIN] = "min",
		[IOMMU_PROBE_COMBINE_MAX] = "max",
		[IOMMU_PROBE_COMBINE_AND] = "and",
		[IOMMU_PROBE_COMBINE_SAME] = "same",
		[IOMMU_PROBE_COMBINE_UNION] = "union",
		[IOMMU_PROBE_COMBINE_INTERSECT] = "intersect",
		[IOMMU_PROBE_COMBINE_COMMON] = "common",
	};

	return name_of(names, ARRAY_LEN(names), combine);
}

const char *probe_region_name(__u32 kind)
{
	static const char *const names[] = {
		[IOMMU_PROBE_REGION_RESERVED] = "reserved",
		[IOMMU_PROBE_REGION_DIRECT] = "direct",
		[IOMMU_PROBE_REGION_DIRECT_RELAXABLE] = "direct-relaxable",
		[IOMMU_PROBE_REGION_MSI] = "msi",
		[IOMMU_PROBE_REGION_SW_MSI] = "sw-msi",
	};

	return name_of(names, ARRAY_LEN(names), kind);
}
