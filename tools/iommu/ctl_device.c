// SPDX-License-Identifier: GPL-2.0
/*
 * iommuctl device NAME - what a device and its IOMMU can do
 *
 * The device has to be in VFIO's hands, and in nobody else's: it is opened, bound to
 * a /dev/iommu of our own, asked, and let go. NAME "mock" is a device of the mock
 * IOMMU of test kernels.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl_device.h"
#include "lib/mock.h"
#include "lib/probe.h"
#include "lib/vfio_dev.h"

static const struct {
	__u64 bit;
	const char *name;
} capability_names[] = {
	{ IOMMU_PROBE_CAP_DIRTY_TRACKING, "dirty-tracking" },
	{ IOMMU_PROBE_CAP_COHERENT, "coherent" },
	{ IOMMU_PROBE_CAP_FAULT_QUEUE, "fault-queue" },
	{ IOMMU_PROBE_CAP_HWPT_EVENTQ, "hwpt-eventq" },
	{ IOMMU_PROBE_CAP_PASID_ATTACH, "pasid-attach" },
	{ IOMMU_PROBE_CAP_PASID_REPLACE, "pasid-replace" },
	{ IOMMU_PROBE_CAP_PASID_EXEC, "pasid-exec" },
	{ IOMMU_PROBE_CAP_PASID_PRIV, "pasid-priv" },
}, faults_names[] = {
	{ IOMMU_PROBE_FAULTS_ATS, "ats" },
	{ IOMMU_PROBE_FAULTS_PRI, "pri" },
	{ IOMMU_PROBE_FAULTS_STALL, "stall" },
	{ IOMMU_PROBE_FAULTS_RESP_PASID, "resp-pasid" },
};

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* The items of a value, in both forms of output */
static bool as_json;
static unsigned int items;

static void item_begin(void)
{
	if (as_json)
		printf("%s\"", items ? "," : "");
	else
		putchar(' ');
	items++;
}

static void item_end(void)
{
	if (as_json)
		putchar('"');
}

#define ITEM(...) do { item_begin(); printf(__VA_ARGS__); item_end(); } while (0)

/* 4K, 2M, 1G */
static void size_item(__u64 size)
{
	static const char units[] = "BKMGTPE";
	unsigned int i = 0;

	while (size >= 1024 && !(size % 1024)) {
		size /= 1024;
		i++;
	}
	if (i)
		ITEM("%llu%c", (unsigned long long)size, units[i]);
	else
		ITEM("%llu", (unsigned long long)size);
}

static void sizes(__u64 mask)
{
	for (; mask; mask &= mask - 1)
		size_item(mask & -mask);
}

/* Runs of bits: 39 48, or 1-48 */
static void widths(const char *what, __u64 mask)
{
	unsigned int first, last;

	for (first = 0; first < 64; first = last + 1) {
		last = first;
		if (!(mask >> first & 1))
			continue;
		while (last < 63 && mask >> (last + 1) & 1)
			last++;
		if (first == last)
			ITEM("%s:%u", what, first + 1);
		else
			ITEM("%s:%u-%u", what, first + 1, last + 1);
	}
}

static void capabilities(__u64 bits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(capability_names); i++) {
		if (bits & capability_names[i].bit)
			ITEM("%s", capability_names[i].name);
		bits &= ~capability_names[i].bit;
	}
	if (bits)
		ITEM("%#llx", (unsigned long long)bits);
}

static void faults(const struct iommu_probe_faults *f)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(faults_names); i++)
		if (f->flags & faults_names[i].bit)
			ITEM("%s", faults_names[i].name);
	if (f->ats_depth)
		ITEM("ats-depth:%u", f->ats_depth);
	if (f->pri_capacity)
		ITEM("pri-capacity:%u", f->pri_capacity);
	if (f->stall_depth)
		ITEM("stall-depth:%u", f->stall_depth);
}

static void granule(const char *what, __u64 bytes)
{
	if (bytes == ~0ULL)
		ITEM("%s:all", what);
	else if (bytes)
		ITEM("%s:%llu", what, (unsigned long long)bytes);
}

static void hw_info(const struct iommu_probe_hw_info *info)
{
	unsigned int i;

	ITEM("type:%#x", info->type);
	item_begin();
	for (i = 0; i < info->data_len; i++)
		printf("%02x", info->data[i]);
	item_end();
}

static void words(const __u64 *v, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		ITEM("%#llx", (unsigned long long)v[i]);
}

static void regions(const struct iommu_probe_region *r, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		ITEM("%s:0x%llx-0x%llx", probe_region_name(r[i].kind),
		     (unsigned long long)r[i].start,
		     (unsigned long long)r[i].last);
}

static void ranges(const struct iommu_iova_range *r, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		ITEM("0x%llx-0x%llx", (unsigned long long)r[i].start,
		     (unsigned long long)r[i].last);
}

static void address_widths(const __u64 *v, size_t num)
{
	static const char *const names[] = {
		"stage1-in", "stage1-out", "stage2-in", "stage2-out",
	};
	size_t i;

	for (i = 0; i < num && i < ARRAY_LEN(names); i++)
		if (v[i])
			ITEM("%s:%llu", names[i], (unsigned long long)v[i]);
}

static void formats(const __u64 *v, size_t num)
{
	char name[24];
	size_t i;

	for (i = 0; i + 1 < num; i += 2) {
		if (v[i] == IOMMU_HWPT_DATA_VTD_S1)
			snprintf(name, sizeof(name), "vtd-s1");
		else if (v[i] == IOMMU_HWPT_DATA_ARM_SMMUV3)
			snprintf(name, sizeof(name), "arm-smmuv3");
		else
			snprintf(name, sizeof(name), "%#llx",
				 (unsigned long long)v[i]);
		if (v[i + 1])
			widths(name, v[i + 1]);
		else
			ITEM("%s", name);
	}
}

static void value_items(const struct iommu_probe_property *p)
{
	const void *value = probe_value(p);
	const __u64 *v = value;
	size_t num = p->length / sizeof(*v);

	switch (p->type) {
	case IOMMU_PROBE_UNIT:
		ITEM("%.*s", (int)p->length, (const char *)value);
		break;
	case IOMMU_PROBE_RESV_REGIONS:
		regions(value, p->length / sizeof(struct iommu_probe_region));
		break;
	case IOMMU_PROBE_IOVA_RANGES:
		ranges(value, num / 2);
		break;
	case IOMMU_PROBE_PAGE_SIZES:
	case IOMMU_PROBE_ALIGNMENT:
		sizes(v[0]);
		break;
	case IOMMU_PROBE_TABLE_WIDTHS:
		widths("stage1", v[0]);
		widths("stage2", v[1]);
		break;
	case IOMMU_PROBE_CAPABILITIES:
		capabilities(v[0]);
		break;
	case IOMMU_PROBE_ADDRESS_WIDTHS:
		address_widths(v, num);
		break;
	case IOMMU_PROBE_PASID_TABLE:
		ITEM("%s", v[0] ? "guest" : "kernel");
		break;
	case IOMMU_PROBE_FAULTS:
		faults(value);
		break;
	case IOMMU_PROBE_INVALIDATION:
		granule("iotlb", v[0]);
		granule("device", v[1]);
		break;
	case IOMMU_PROBE_NESTED_FORMATS:
		formats(v, num);
		break;
	case IOMMU_PROBE_HW_INFO:
		hw_info(value);
		break;
	default:
		words(v, num);
	}
}

static const char *kind_of(__u32 hwpt_flags)
{
	static const char *const names[] = {
		"", "nest-parent", "dirty-tracking",
		"nest-parent,dirty-tracking",
	};

	return hwpt_flags < ARRAY_LEN(names) ? names[hwpt_flags] : "?";
}

static void show_property(const struct iommu_probe_property *p, bool more)
{
	items = 0;
	if (as_json) {
		printf("%s{\"type\":\"%s\",\"number\":%u,\"combine\":\"%s\",",
		       more ? "," : "", probe_type_name(p->type), p->type,
		       probe_combine_name(p->combine));
		printf("\"hwpt_flags\":%u,\"value\":[", p->hwpt_flags);
	} else {
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s%s",
			 probe_type_name(p->type), p->hwpt_flags ? "(" : "",
			 kind_of(p->hwpt_flags), p->hwpt_flags ? ")" : "");
		printf("  %-9s %-30s", probe_combine_name(p->combine), name);
	}
	value_items(p);
	puts(as_json ? "]}" : "");
}

static void show(const char *name, const struct probe *probe)
{
	const struct iommu_probe_property *p = NULL;
	bool more = false;

	if (as_json)
		printf("{\"device\":\"%s\",\"properties\":[\n", name);
	else
		printf("%s\n", name);
	while ((p = probe_next(probe, p))) {
		show_property(p, more);
		more = true;
	}
	if (as_json)
		puts("]}");
}

/* *@id: its id. @v is to be closed afterwards. */
static int take(int fd, const char *name, struct vfio_dev *v, __u32 *id)
{
	struct mock_device mock;
	__u32 ioas;
	int rc;

	v->fd = -1;
	if (!strcmp(name, "mock")) {
		rc = iommu_ioas_alloc(fd, &ioas);
		if (!rc)
			rc = mock_device(fd, ioas, MOCK_FLAGS_DEVICE_PASID,
					 &mock);
		*id = mock.dev;
		return rc;
	}
	rc = vfio_dev_open(name, v);
	if (rc == -ENOENT)
		rc = vfio_platform_open(name, v);
	if (!rc)
		rc = vfio_dev_bind(v, fd);
	*id = v->id;
	return rc;
}

/*
 * Some IOMMU drivers know what they can map only when the device is attached: to an
 * address space with nothing in it, which is no more than the device has now.
 */
static int ask(int fd, struct vfio_dev *v, __u32 id, struct probe *probe)
{
	__u32 ioas;
	int rc;

	rc = probe_read(fd, id, probe);
	if (rc || v->fd < 0 || probe_find(probe, IOMMU_PROBE_IOVA_RANGES, 0))
		return rc;
	rc = iommu_ioas_alloc(fd, &ioas);
	if (!rc)
		rc = vfio_dev_attach(v, &ioas);
	/* What is known is better than nothing */
	if (rc)
		return 0;
	probe_free(probe);
	return probe_read(fd, id, probe);
}

int ctl_device(const char *name, bool json)
{
	struct probe probe = { 0 };
	struct vfio_dev v;
	__u32 id = 0;
	int fd, rc;

	as_json = json;
	fd = iommu_open();
	if (fd < 0) {
		fprintf(stderr, "iommuctl: /dev/iommu: %s\n", strerror(-fd));
		return 1;
	}
	rc = take(fd, name, &v, &id);
	if (rc) {
		fprintf(stderr,
			"iommuctl: %s: %s (is vfio-pci its driver, and nobody using it?)\n",
			name, strerror(-rc));
	} else {
		rc = ask(fd, &v, id, &probe);
		if (rc == -ENOTTY)
			fprintf(stderr,
				"iommuctl: this kernel's /dev/iommu has no IOMMU_DEVICE_PROBE\n");
		else if (rc)
			fprintf(stderr, "iommuctl: %s: %s\n", name,
				strerror(-rc));
		else
			show(name, &probe);
	}
	probe_free(&probe);
	if (v.fd >= 0)
		vfio_dev_close(&v);
	close(fd);
	return rc ? 1 : 0;
}
