// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMU_DEVICE_PROBE: its form, that what it says is what the other commands do, and
 * that it says the same of a device whatever the device is attached to.
 */
#include "iommu_test.h"

#include "../../../iommu/lib/probe.h"

#define HEAD		sizeof(struct iommu_probe_property)
#define ROOM		8192
#define MAX_RANGES	64
#define KINDS		4

FIXTURE(probe) {
	int fd;
	__u32 ioas;
	struct test_device d;
	bool made;
};

FIXTURE_SETUP(probe)
{
	int rc;

	self->fd = iommu_open();
	if (self->fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &self->ioas));
	rc = test_device_make(self->fd, 0, self->ioas, &self->d);
	if (rc == -ENODEV || rc == -ENOTTY)
		SKIP(return, "there is no " TEST_DEVICE_KIND " device here");
	ASSERT_EQ(0, rc);
	self->made = true;
}

FIXTURE_TEARDOWN(probe)
{
	if (self->made)
		test_device_remove(self->fd, &self->d);
	close(self->fd);
}

static int ask(FIXTURE_DATA(probe) *self, void *to, __u32 *len, __u32 *num)
{
	struct iommu_device_probe c = {
		.size = sizeof(c),
		.dev_id = self->d.id,
		.data_len = *len,
		.data_uptr = (uintptr_t)to,
	};
	int rc = iommu_call(self->fd, IOMMU_DEVICE_PROBE, &c);

	*len = c.data_len;
	*num = c.out_num;
	return rc;
}

/* Every size of buffer: as many whole properties as fit, and nothing behind them. */
TEST_F(probe, every_size)
{
	unsigned char *all = calloc(1, ROOM), *buf = calloc(1, ROOM);
	__u32 len = ROOM, num, need, total, room, stored;
	size_t at, i;

	ASSERT_NE(NULL, all);
	ASSERT_NE(NULL, buf);
	memset(all, 0x5a, ROOM);
	ASSERT_EQ(0, ask(self, all, &len, &total));
	need = len;
	ASSERT_LT(HEAD, need);
	ASSERT_GE(ROOM, need);
	for (i = need; i < ROOM; i++)
		ASSERT_EQ(0x5a, all[i]);

	len = 0;
	EXPECT_EQ(-EMSGSIZE, ask(self, NULL, &len, &num));
	EXPECT_EQ(need, len);
	EXPECT_EQ(0, num);

	for (room = 0; room <= need; room++) {
		memset(buf, 0xa5, need);
		len = room;
		ASSERT_EQ(room < need ? -EMSGSIZE : 0,
			  ask(self, buf, &len, &num));
		ASSERT_EQ(need, len);
		stored = 0;
		for (at = 0; at + HEAD <= room;) {
			struct iommu_probe_property head;

			memcpy(&head, all + at, HEAD);
			if (at + HEAD + head.length > room)
				break;
			at += HEAD + head.length;
			stored++;
		}
		ASSERT_EQ(stored, num);
		ASSERT_EQ(0, memcmp(all, buf, at));
		for (; at < need; at++)
			ASSERT_EQ(0xa5, buf[at]);
	}
	ASSERT_EQ(total, num);
	free(all);
	free(buf);
}

TEST_F(probe, refused)
{
	static unsigned char buf[ROOM];
	struct iommu_device_probe c;
	struct fdinfo before, after;
	int other = iommu_open(), i;

	ASSERT_LE(0, other);
	state_of(self->fd, &before);
#define CALL() ({							\
	c.size = sizeof(c);						\
	c.data_len = ROOM;						\
	iommu_call(self->fd, IOMMU_DEVICE_PROBE, &c);			\
})
	c = (struct iommu_device_probe){
		.dev_id = self->d.id,
		.data_uptr = (uintptr_t)buf,
	};
	for (i = 0; i < 32; i++) {
		c.flags = 1U << i;
		EXPECT_EQ(-EOPNOTSUPP, CALL());
	}
	c.flags = 0;
	c.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, CALL());
	c.__reserved = 0;
	for (i = 1; i < 8; i++) {
		c.data_uptr = (uintptr_t)buf + (unsigned int)i;
		EXPECT_EQ(-EINVAL, CALL());
	}
	c.data_uptr = (uintptr_t)no_memory();
	EXPECT_EQ(-EFAULT, CALL());
	c.data_uptr = (uintptr_t)mem_before_hole() + PAGE - 8;
	EXPECT_EQ(-EFAULT, CALL());
	c.data_uptr = (uintptr_t)buf;
	c.dev_id = self->ioas;
	EXPECT_EQ(-ENOENT, CALL());
	c.dev_id = 1000000;
	EXPECT_EQ(-ENOENT, CALL());
	c.dev_id = self->d.id;
	EXPECT_EQ(-ENOENT, iommu_call(other, IOMMU_DEVICE_PROBE, &c));
	EXPECT_EQ(0, CALL());
	state_of(self->fd, &after);
	EXPECT_STREQ(before.text, after.text);
	close(other);
}

/* What is always there, once; of every property the form that its type promises. */
TEST_F(probe, form)
{
	static const struct {
		__u16 type;
		__u16 combine;
		__u32 length;
	} sometimes[] = {
		{ IOMMU_PROBE_IOVA_RANGES, IOMMU_PROBE_COMBINE_INTERSECT, 0 },
		{ IOMMU_PROBE_PAGE_SIZES, IOMMU_PROBE_COMBINE_AND, 8 },
		{ IOMMU_PROBE_TABLE_WIDTHS, IOMMU_PROBE_COMBINE_AND, 16 },
		{ IOMMU_PROBE_ALIGNMENT, IOMMU_PROBE_COMBINE_MAX, 8 },
		{ IOMMU_PROBE_ADDRESS_WIDTHS, IOMMU_PROBE_COMBINE_MIN, 32 },
		{ IOMMU_PROBE_NESTED_FORMATS, IOMMU_PROBE_COMBINE_COMMON, 0 },
		{ IOMMU_PROBE_HW_INFO, IOMMU_PROBE_COMBINE_NONE, 0 },
	}, forms[] = {
		{ IOMMU_PROBE_DRIVER, IOMMU_PROBE_COMBINE_SAME, 8 },
		{ IOMMU_PROBE_RESV_REGIONS, IOMMU_PROBE_COMBINE_UNION, 0 },
		{ IOMMU_PROBE_SNOOP, IOMMU_PROBE_COMBINE_SAME, 8 },
		{ IOMMU_PROBE_CAPABILITIES, IOMMU_PROBE_COMBINE_AND, 8 },
		{ IOMMU_PROBE_PASIDS, IOMMU_PROBE_COMBINE_MIN, 8 },
		{ IOMMU_PROBE_PASID_TABLE, IOMMU_PROBE_COMBINE_NONE, 8 },
		{ IOMMU_PROBE_FAULTS, IOMMU_PROBE_COMBINE_NONE, 16 },
		{ IOMMU_PROBE_INVALIDATION, IOMMU_PROBE_COMBINE_MAX, 16 },
	};
	const struct iommu_probe_property *p = NULL, *other;
	const char *unit;
	struct probe probe;
	size_t i, len = 0;

	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &probe));
	for (i = 0; i < ARRAY_LEN(forms); i++) {
		p = probe_find(&probe, forms[i].type, 0);
		ASSERT_NE(NULL, p)
			TH_LOG("no %s", probe_type_name(forms[i].type));
		EXPECT_EQ(forms[i].combine, p->combine);
		if (forms[i].length)
			EXPECT_EQ(forms[i].length, p->length);
	}
	p = probe_find(&probe, IOMMU_PROBE_UNIT, 0);
	ASSERT_NE(NULL, p);
	unit = probe_value(p);
	EXPECT_LT(0, strlen(unit));
	EXPECT_GT(p->length, strlen(unit));

	for (p = NULL; (p = probe_next(&probe, p));) {
		len += HEAD + p->length;
		EXPECT_EQ(0, p->length % 8);
		EXPECT_EQ(0, p->__reserved);
		EXPECT_STRNE("unknown", probe_type_name(p->type));
		EXPECT_STRNE("unknown", probe_combine_name(p->combine));
		for (i = 0; i < ARRAY_LEN(sometimes); i++) {
			if (sometimes[i].type != p->type)
				continue;
			EXPECT_EQ(sometimes[i].combine, p->combine);
			if (sometimes[i].length)
				EXPECT_EQ(sometimes[i].length, p->length);
		}
		for (other = p; (other = probe_next(&probe, other));)
			EXPECT_FALSE(other->type == p->type &&
				     other->hwpt_flags == p->hwpt_flags);
	}
	EXPECT_EQ(probe.len, len);
	probe_free(&probe);
}

/* Of each kind of HWPT: the ranges and alignment of an IOAS with the device on one. */
TEST_F(probe, ranges_agree)
{
	struct iommu_iova_range have[MAX_RANGES];
	__u32 flags, ioas, hwpt, num, i;
	struct probe_hwpt want;
	struct probe probe;
	__u64 alignment;
	__u16 why;
	int rc;

	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &probe));
	for (flags = 0; flags < KINDS; flags++) {
		ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
		rc = probe_hwpt(&probe, flags, &want, &why);
		ASSERT_TRUE(!rc || rc == -EOPNOTSUPP);
		ASSERT_EQ(rc, iommu_hwpt_paging(self->fd, self->d.id, ioas,
						flags, 0, &hwpt))
			TH_LOG("flags %u", flags);
		if (rc) {
			ASSERT_NE(0, flags);
			ASSERT_EQ(0, iommu_destroy(self->fd, ioas));
			continue;
		}
		ASSERT_EQ(0, test_device_replace(self->fd, &self->d, hwpt));
		num = MAX_RANGES;
		ASSERT_EQ(0, iommu_ranges(self->fd, ioas, have, &num,
					  &alignment));
		ASSERT_EQ(num, want.num);
		for (i = 0; i < num; i++) {
			EXPECT_EQ(have[i].start, want.ranges[i].start);
			EXPECT_EQ(have[i].last, want.ranges[i].last);
		}
		EXPECT_EQ(alignment, want.alignment);
		EXPECT_NE(0, want.page_sizes & alignment);
		probe_hwpt_free(&want);
		ASSERT_EQ(0, test_device_replace(self->fd, &self->d,
						 self->ioas));
		ASSERT_EQ(0, iommu_destroy(self->fd, hwpt));
		ASSERT_EQ(0, iommu_destroy(self->fd, ioas));
	}
	probe_free(&probe);
}

TEST_F(probe, hw_info_agrees)
{
	const struct iommu_probe_property *p;
	const struct iommu_probe_hw_info *info;
	const struct iommu_probe_faults *faults;
	static unsigned char data[ROOM];
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = self->d.id,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};
	struct probe probe;
	__u64 caps;
	__u32 i;

	ASSERT_EQ(0, iommu_call(self->fd, IOMMU_GET_HW_INFO, &c));
	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &probe));
	p = probe_find(&probe, IOMMU_PROBE_HW_INFO, 0);
	ASSERT_EQ(c.out_data_type == IOMMU_HW_INFO_TYPE_NONE, !p);
	if (p) {
		info = probe_value(p);
		EXPECT_EQ(c.out_data_type, info->type);
		ASSERT_EQ(c.data_len, info->data_len);
		ASSERT_LE(sizeof(*info) + info->data_len, p->length);
		EXPECT_EQ(0, memcmp(data, info->data, info->data_len));
		for (i = info->data_len; i < p->length - sizeof(*info); i++)
			EXPECT_EQ(0, info->data[i]);
	}
	EXPECT_EQ(c.out_max_pasid_log2,
		  probe_u64(&probe, IOMMU_PROBE_PASIDS, 0, 0, 99));
	caps = probe_u64(&probe, IOMMU_PROBE_CAPABILITIES, 0, 0, 0);
	EXPECT_EQ(!(c.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING),
		  !(caps & IOMMU_PROBE_CAP_DIRTY_TRACKING));
	EXPECT_EQ(!(c.out_capabilities & IOMMU_HW_CAP_PCI_PASID_EXEC),
		  !(caps & IOMMU_PROBE_CAP_PASID_EXEC));
	EXPECT_EQ(!(c.out_capabilities & IOMMU_HW_CAP_PCI_PASID_PRIV),
		  !(caps & IOMMU_PROBE_CAP_PASID_PRIV));
	p = probe_find(&probe, IOMMU_PROBE_FAULTS, 0);
	ASSERT_NE(NULL, p);
	faults = probe_value(p);
	/* What may have it with a foreign driver is not said to lack it. */
	if (c.out_capabilities & IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED)
		EXPECT_EQ(0, faults->flags & IOMMU_PROBE_FAULTS_ATS);
	EXPECT_EQ(!probe_find(&probe, IOMMU_PROBE_IOVA_RANGES,
			      IOMMU_HWPT_ALLOC_DIRTY_TRACKING),
		  !(caps & IOMMU_PROBE_CAP_DIRTY_TRACKING));
	EXPECT_NE(0, caps & IOMMU_PROBE_CAP_COHERENT);
	probe_free(&probe);
}

TEST_F(probe, faults_agree)
{
	struct iommu_device_pri pri = { 0 };
	const struct iommu_probe_faults *f;
	__u32 queue_id, hwpt, want;
	struct probe probe;
	int queue, rc;
	__u64 caps;

	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &probe));
	f = probe_value(probe_find(&probe, IOMMU_PROBE_FAULTS, 0));
	caps = probe_u64(&probe, IOMMU_PROBE_CAPABILITIES, 0, 0, 0);
	rc = iommu_pri(self->fd, self->d.id, IOMMU_DEVICE_PRI_QUERY, &pri);
	want = rc ? 0 : IOMMU_PROBE_FAULTS_PRI;
	if (!rc && pri.out_state & IOMMU_DEVICE_PRI_RESP_PASID)
		want |= IOMMU_PROBE_FAULTS_RESP_PASID;
	EXPECT_EQ(want, f->flags & (IOMMU_PROBE_FAULTS_PRI |
				    IOMMU_PROBE_FAULTS_RESP_PASID));
	EXPECT_EQ(pri.out_capacity, f->pri_capacity);
	EXPECT_EQ(!(f->flags & IOMMU_PROBE_FAULTS_ATS), !f->ats_depth);
	EXPECT_GE(32, f->ats_depth);
	EXPECT_EQ(!(f->flags & IOMMU_PROBE_FAULTS_STALL), !f->stall_depth);

	queue = iommu_fault_queue(self->fd, 16, 0, 0, &queue_id);
	ASSERT_LE(0, queue);
	rc = iommu_hwpt_paging(self->fd, self->d.id, self->ioas,
			       IOMMU_HWPT_FAULT_ID_VALID, queue_id, &hwpt);
	EXPECT_EQ(caps & IOMMU_PROBE_CAP_FAULT_QUEUE ? 0 : -EOPNOTSUPP, rc);
	if (!rc)
		EXPECT_EQ(0, iommu_destroy(self->fd, hwpt));
	close(queue);
	probe_free(&probe);
}

/* Nothing that is done with the device makes a difference. */
TEST_F(probe, stays_true)
{
	struct probe before, after;
	__u32 ioas;
	void *mem;

	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &before));
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	mem = mem_get(PAGE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, iommu_map(self->fd, ioas, mem, PAGE, IOVA_BASE));
	ASSERT_EQ(0, test_device_replace(self->fd, &self->d, ioas));
	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &after));
	ASSERT_EQ(before.len, after.len);
	EXPECT_EQ(0, memcmp(before.data, after.data, before.len));
	probe_free(&after);
	probe_free(&before);
	ASSERT_EQ(0, test_device_replace(self->fd, &self->d, self->ioas));
}

/* Two devices on one IOAS: what the combination of the two says. */
TEST_F(probe, together)
{
	struct iommu_iova_range have[MAX_RANGES];
	struct probe a, b, ab, ba;
	struct test_device other;
	struct probe_hwpt want;
	__u64 alignment;
	__u32 num, i;
	__u16 why;
	int rc;

	rc = test_device_make(self->fd, 1, self->ioas, &other);
	if (rc == -ENODEV)
		SKIP(return, "there is no second device here");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &a));
	ASSERT_EQ(0, probe_read(self->fd, other.id, &b));
	ASSERT_EQ(0, probe_combine(&a, &b, &ab, &why));
	ASSERT_EQ(0, probe_combine(&b, &a, &ba, &why));
	ASSERT_EQ(ab.len, ba.len);
	EXPECT_EQ(0, memcmp(ab.data, ba.data, ab.len));
	ASSERT_EQ(0, probe_hwpt(&ab, 0, &want, &why));
	num = MAX_RANGES;
	ASSERT_EQ(0, iommu_ranges(self->fd, self->ioas, have, &num,
				  &alignment));
	ASSERT_EQ(num, want.num);
	for (i = 0; i < num; i++) {
		EXPECT_EQ(have[i].start, want.ranges[i].start);
		EXPECT_EQ(have[i].last, want.ranges[i].last);
	}
	EXPECT_EQ(alignment, want.alignment);
	probe_hwpt_free(&want);
	probe_free(&a);
	probe_free(&b);
	probe_free(&ab);
	probe_free(&ba);
	test_device_remove(self->fd, &other);
}

/* --- programs that come with it, which have to be in the PATH --- */

/* The first line that @command prints with @word in it; its exit status. */
static int run(const char *command, const char *word, char *line, size_t size)
{
	FILE *f = popen(command, "re");
	char text[4096];

	*line = 0;
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f))
		if (!*line && strstr(text, word))
			snprintf(line, size, "%s", text);
	return pclose(f);
}

/* All that it prints is @want. */
static bool prints(const char *command, const char *want)
{
	FILE *f = popen(command, "re");
	static char text[8192];
	size_t used;

	if (!f)
		return false;
	used = fread(text, 1, sizeof(text) - 1, f);
	text[used] = 0;
	if (!pclose(f) && !strcmp(text, want))
		return true;
	fprintf(stderr, "# %s prints:\n%s", command, text);
	return false;
}

static bool have_program(const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	return !system(command);
}

#ifndef TEST_VTD
/* Mock devices that differ: what is the device's own, and what they share. */
TEST_F(probe, unlike_mock_devices)
{
	const struct iommu_probe_region *region;
	const struct iommu_probe_faults *faults;
	const struct iommu_probe_property *p;
	struct mock_device narrow;
	struct probe a, b, ab;
	__u16 why;

	ASSERT_EQ(0, mock_device(self->fd, self->ioas,
				 MOCK_FLAGS_DEVICE_NO_DIRTY |
					 MOCK_FLAGS_DEVICE_RESERVED |
					 MOCK_FLAGS_DEVICE_HUGE_IOVA |
					 MOCK_FLAGS_DEVICE_PASID,
				 &narrow));
	ASSERT_EQ(0, probe_read(self->fd, self->d.id, &a));
	ASSERT_EQ(0, probe_read(self->fd, narrow.dev, &b));
	p = probe_find(&b, IOMMU_PROBE_RESV_REGIONS, 0);
	ASSERT_EQ(sizeof(*region), p->length);
	region = probe_value(p);
	EXPECT_EQ(MOCK_RESERVED_START, region->start);
	EXPECT_EQ(MOCK_RESERVED_LAST, region->last);
	EXPECT_EQ(IOMMU_PROBE_REGION_RESERVED, region->kind);
	EXPECT_EQ(0, region->prot);
	EXPECT_EQ(0, probe_find(&a, IOMMU_PROBE_RESV_REGIONS, 0)->length);
	EXPECT_EQ(MOCK_PASID_WIDTH, probe_u64(&b, IOMMU_PROBE_PASIDS, 0, 0, 0));
	EXPECT_EQ(0, probe_u64(&a, IOMMU_PROBE_PASIDS, 0, 0, 1));
	EXPECT_EQ(1, probe_u64(&b, IOMMU_PROBE_PASID_TABLE, 0, 0, 0));
	EXPECT_EQ(IOMMU_HWPT_DATA_SELFTEST,
		  probe_u64(&b, IOMMU_PROBE_NESTED_FORMATS, 0, 0, 0));
	EXPECT_EQ(MOCK_PAGE | 512 * MOCK_PAGE,
		  probe_u64(&b, IOMMU_PROBE_PAGE_SIZES, 0, 0, 0));
	faults = probe_value(probe_find(&b, IOMMU_PROBE_FAULTS, 0));
	EXPECT_EQ(IOMMU_FAULT_DEPTH_MAX, faults->pri_capacity);

	ASSERT_EQ(0, probe_combine(&a, &b, &ab, &why));
	EXPECT_EQ(MOCK_PAGE, probe_u64(&ab, IOMMU_PROBE_PAGE_SIZES, 0, 0, 0));
	EXPECT_EQ(0, probe_u64(&ab, IOMMU_PROBE_PASIDS, 0, 0, 1));
	EXPECT_EQ(sizeof(*region),
		  probe_find(&ab, IOMMU_PROBE_RESV_REGIONS, 0)->length);
	EXPECT_EQ(NULL, probe_find(&ab, IOMMU_PROBE_IOVA_RANGES,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING));
	EXPECT_EQ(2 * sizeof(struct iommu_iova_range),
		  probe_find(&ab, IOMMU_PROBE_IOVA_RANGES, 0)->length);
	EXPECT_EQ(NULL, probe_find(&ab, IOMMU_PROBE_FAULTS, 0));
	probe_free(&a);
	probe_free(&b);
	probe_free(&ab);
}

/* The guest's table of all PASIDs is not for a part, which has some: but one HWPT is. */
TEST_F(probe, part_of_a_device)
{
	struct mock_pool pool = {
		.global = true,
		.dev_flags = MOCK_FLAGS_DEVICE_PASID,
	};
	struct mock_device whole, part;
	struct probe a, b, ab;
	__u32 devs[2], hwpt, who, why_not;
	__u16 why;

	ASSERT_EQ(0, mock_parent(self->fd, &pool));
	ASSERT_EQ(0, mock_mediated(self->fd, pool.id, 0, &part));
	ASSERT_EQ(0, mock_device(self->fd, self->ioas, pool.dev_flags, &whole));
	ASSERT_EQ(0, probe_read(self->fd, whole.dev, &a));
	ASSERT_EQ(0, probe_read(self->fd, part.dev, &b));
	EXPECT_EQ(1, probe_u64(&a, IOMMU_PROBE_PASID_TABLE, 0, 0, 0));
	EXPECT_EQ(0, probe_u64(&b, IOMMU_PROBE_PASID_TABLE, 0, 0, 1));
	EXPECT_NE(NULL, probe_find(&a, IOMMU_PROBE_NESTED_FORMATS, 0));
	EXPECT_EQ(NULL, probe_find(&b, IOMMU_PROBE_NESTED_FORMATS, 0));

	ASSERT_EQ(0, probe_combine(&a, &b, &ab, &why));
	devs[0] = whole.dev;
	devs[1] = part.dev;
	EXPECT_EQ(0, iommu_hwpt_for(self->fd, devs, 2, self->ioas, 0, &hwpt, &who,
				    &why_not));
	probe_free(&a);
	probe_free(&b);
	probe_free(&ab);
}

/* Firmware's memory, which is told of and can be mapped as any other */
TEST_F(probe, region_until_a_driver_takes_over)
{
	const struct iommu_probe_region *region;
	const struct iommu_probe_property *p;
	struct iommu_iova_range r[8];
	void *memory = mem_get(PAGE);
	__u32 ioas, num = 8;
	struct mock_device d;
	struct probe a;

	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, iommu_ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, mock_device(self->fd, ioas, MOCK_FLAGS_DEVICE_RELAXABLE |
				 MOCK_FLAGS_DEVICE_RESERVED, &d));
	ASSERT_EQ(0, probe_read(self->fd, d.dev, &a));
	p = probe_find(&a, IOMMU_PROBE_RESV_REGIONS, 0);
	ASSERT_EQ(2 * sizeof(*region), p->length);
	region = probe_value(p);
	EXPECT_EQ(MOCK_RELAXABLE_START, region->start);
	EXPECT_EQ(MOCK_RELAXABLE_LAST, region->last);
	EXPECT_EQ(IOMMU_PROBE_REGION_DIRECT_RELAXABLE, region->kind);
	EXPECT_EQ(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		  region->prot);
	EXPECT_EQ(MOCK_RESERVED_START, region[1].start);
	EXPECT_EQ(0, region[1].prot);
	/* Below and above what is reserved */
	EXPECT_EQ(2 * sizeof(r[0]),
		  probe_find(&a, IOMMU_PROBE_IOVA_RANGES, 0)->length);
	probe_free(&a);
	ASSERT_EQ(0, iommu_ranges(self->fd, ioas, r, &num, NULL));
	EXPECT_EQ(2, num);
	EXPECT_EQ(0, iommu_map(self->fd, ioas, memory, PAGE,
			       MOCK_RELAXABLE_START));
}

/* A type that no program knows */
#define STRANGE		0x7abc
#define RULE_WORDS	6

/* What becomes of a property with two devices; without words one does not have it */
struct rule {
	__u16 combine;
	unsigned int num_a, num_b, num;
	__u64 a[RULE_WORDS], b[RULE_WORDS], want[RULE_WORDS];
	int rc;
};

static struct probe one_property(__u16 combine, const __u64 *words,
				 unsigned int num)
{
	struct iommu_probe_property head = {
		.type = STRANGE,
		.combine = combine,
		.length = num * sizeof(*words),
	};
	struct probe p = { 0 };

	if (!num)
		return p;
	p.len = HEAD + head.length;
	p.data = calloc(1, p.len);
	memcpy(p.data, &head, HEAD);
	memcpy(p.data + HEAD, words, head.length);
	return p;
}

/* Of @rule->num words, 0 if there are none because it is gone; -EBADMSG: otherwise */
static int check_rule(const struct rule *rule, const struct probe *both)
{
	const struct iommu_probe_property *p = probe_find(both, STRANGE, 0);

	if (!p)
		return rule->num ? -EBADMSG : 0;
	if (p->combine != rule->combine ||
	    p->length != rule->num * sizeof(__u64) ||
	    memcmp(rule->want, probe_value(p), p->length))
		return -EBADMSG;
	return 0;
}

/* What is not known is combined all the same, as it says itself, in either order. */
TEST(combined_as_each_says)
{
	static const struct rule rules[] = {
		{ IOMMU_PROBE_COMBINE_MIN, 4, 4, 4, { 48, 40, 0, 57 },
		  { 39, 44, 9, 57 }, { 39, 40, 0, 57 }, 0 },
		{ IOMMU_PROBE_COMBINE_MAX, 2, 2, 2, { 4096, 0 },
		  { 2048, ~0ULL }, { 4096, ~0ULL }, 0 },
		{ IOMMU_PROBE_COMBINE_AND, 2, 2, 2, { 0x201000, 7 },
		  { 0x40201000, 5 }, { 0x201000, 5 }, 0 },
		{ IOMMU_PROBE_COMBINE_INTERSECT, 4, 2, 4, { 0, 9, 20, 29 },
		  { 5, 24 }, { 5, 9, 20, 24 }, 0 },
		{ IOMMU_PROBE_COMBINE_INTERSECT, 2, 2, 0, { 0, 9 }, { 10, 24 },
		  { 0 }, 0 },
		{ IOMMU_PROBE_COMBINE_COMMON, 4, 4, 2, { 1, 0xf, 2, 3 },
		  { 2, 6, 3, 1 }, { 2, 2 }, 0 },
		/* Start, last, kind */
		{ IOMMU_PROBE_COMBINE_UNION, 3, 6, 6, { 8, 9, 1 },
		  { 4, 5, 1, 8, 9, 1 }, { 4, 5, 1, 8, 9, 1 }, 0 },
		{ IOMMU_PROBE_COMBINE_SAME, 1, 1, 1, { 3 }, { 3 }, { 3 }, 0 },
		{ IOMMU_PROBE_COMBINE_SAME, 1, 1, 0, { 3 }, { 4 }, { 0 },
		  -EXDEV },
		{ IOMMU_PROBE_COMBINE_NONE, 1, 1, 0, { 7 }, { 7 }, { 0 }, 0 },
		/* With one of the two devices only */
		{ IOMMU_PROBE_COMBINE_MIN, 1, 0, 0, { 7 }, { 0 }, { 0 }, 0 },
		{ IOMMU_PROBE_COMBINE_MAX, 1, 0, 1, { 7 }, { 0 }, { 7 }, 0 },
		{ IOMMU_PROBE_COMBINE_AND, 1, 0, 0, { 7 }, { 0 }, { 0 }, 0 },
		{ IOMMU_PROBE_COMBINE_UNION, 3, 0, 3, { 1, 2, 3 }, { 0 },
		  { 1, 2, 3 }, 0 },
		{ IOMMU_PROBE_COMBINE_SAME, 1, 0, 0, { 7 }, { 0 }, { 0 },
		  -EXDEV },
	};
	const struct rule *rule;
	struct probe p[2], both;
	unsigned int i, order;
	__u16 why;

	for (i = 0; i < 2 * ARRAY_LEN(rules); i++) {
		rule = &rules[i / 2];
		order = i % 2;
		p[order] = one_property(rule->combine, rule->a, rule->num_a);
		p[!order] = one_property(rule->combine, rule->b, rule->num_b);
		why = STRANGE;
		EXPECT_EQ(rule->rc, probe_combine(&p[0], &p[1], &both, &why))
			TH_LOG("rule %u, order %u", i / 2, order);
		EXPECT_EQ(STRANGE, why);
		EXPECT_EQ(0, check_rule(rule, &both))
			TH_LOG("rule %u, order %u", i / 2, order);
		probe_free(&both);
		probe_free(&p[0]);
		probe_free(&p[1]);
	}
}

TEST(programs)
{
	char line[4096];

	if (!have_program("size_viommu") || !have_program("iommuctl"))
		SKIP(return, "the programs are not in the PATH");
	if (access("/dev/iommu", F_OK))
		SKIP(return, "there is no /dev/iommu");
	/* As probe.rst and virtio-iommu.rst have it */
	EXPECT_TRUE(prints("size_viommu",
			   "guest address width: 31 bits\n"
			   "granule: 2048 bytes\n"
			   "usable: 0x1000000-0x3fffffff\n"
			   "usable: 0x40100000-0x7fffffff\n"
			   "reserved: 0x40000000-0x400fffff, taken by the device or its bus\n"
			   "PASIDs: 0 bits\n"
			   "page faults: the guest can be asked\n"
			   "nesting: format 0xdead, widths\n"
			   "nesting: format 0xdead51, widths 21 30\n"
			   "the kernel's ranges, with all attached, are the same\n"));
	EXPECT_TRUE(prints("virtio_probe mock mock-reserved",
			   "page_size_mask 0xfffffffffffff800\n"
			   "input_range    0x1000000-0x7fffffff\n"
			   "probe_size     512\n"
			   "endpoint 0 (mock)\n"
			   "endpoint 1 (mock-reserved)\n"
			   "  RESV_MEM RESERVED 0x40000000-0x400fffff\n"));
	EXPECT_EQ(0, run("iommuctl --json device mock", "\"pasids\"", line,
			 sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "\"combine\":\"min\""));
	EXPECT_NE(NULL, strstr(line, "\"value\":[\"0x14\"]"));
	EXPECT_EQ(0, run("iommuctl device mock", "iova-ranges ", line,
			 sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "0x1000000-0x7fffffff"));
	EXPECT_NE(0, run("iommuctl device 0000:ff:1f.7 2>/dev/null", "x", line,
			 sizeof(line)));
	/* Each feature has a name */
	EXPECT_EQ(0, run("iommuctl features", "unknown", line, sizeof(line)));
	EXPECT_STREQ("", line);
	EXPECT_EQ(0, run("iommuctl --json features", "change-process", line,
			 sizeof(line)));
	EXPECT_EQ(NULL, strstr(line, "\"0x"));
	EXPECT_NE(0, *line);
}

/* What a program reads of all PASIDs of a device */
TEST(status_of_pasids)
{
	char line[4096], command[64];
	struct mock_device mock;
	__u32 ioas, pt;
	int fd;

	if (!have_program("iommuctl"))
		SKIP(return, "the program is not in the PATH");
	fd = iommu_open();
	if (fd < 0)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, mock_device(fd, ioas, MOCK_FLAGS_DEVICE_PASID, &mock));
	pt = ioas;
	ASSERT_EQ(0, iommu_pasid_attach(fd, mock.dev, 5, &pt));
	snprintf(command, sizeof(command), "iommuctl --json status %d", getpid());
	EXPECT_EQ(0, run(command, "\"pasids\":1,\"pasid\":[\"5:hwpt=", line,
			 sizeof(line)));
	EXPECT_NE(0, *line);
	pt = ioas;
	ASSERT_EQ(0, iommu_pasid_attach(fd, mock.dev, 6, &pt));
	EXPECT_EQ(0, run(command, "\"pasids\":2,\"pasid\":[\"5:hwpt=", line,
			 sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "\",\"6:hwpt="));
	EXPECT_NE(NULL, strstr(line, "\"complete\":true"));
	close(fd);
}
#else
/* The example, on the device file of each function there is. */
TEST(programs)
{
	char name[32], path[96], command[512] = "size_viommu";
	unsigned int i;
	char line[4096];

	if (!have_program("size_viommu") || !have_program("iommuctl"))
		SKIP(return, "the programs are not in the PATH");
	for (i = 0; i < 2; i++) {
		if (pci_find(EDU_VENDOR, EDU_DEVICE, i, name, sizeof(name)))
			break;
		ASSERT_EQ(0, pci_give_to_vfio(name));
		snprintf(path, sizeof(path),
			 " $(ls -d /sys/bus/pci/devices/%s/vfio-dev/*", name);
		strcat(command, path);
		strcat(command, "|sed s,.*/,/dev/vfio/devices/,)");
	}
	if (!i)
		SKIP(return, "there is no edu function here");
	EXPECT_EQ(0, run(command, "the kernel", line, sizeof(line)));
	EXPECT_STREQ("the kernel's ranges, with all attached, are the same\n",
		     line);
	snprintf(command, sizeof(command), "iommuctl device %s", name);
	EXPECT_EQ(0, run(command, "iova-ranges ", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "0x0-"));
	/* What it prints is of use to whoever reads the log */
	TH_LOG("%s", line);
}

/* What virtio-iommu.rst shows: the regions of hardware are the guest's, each its own. */
TEST(virtio_program)
{
	char name[32] = "", path[96], command[512], want[1024];
	struct mock_device mock;
	__u32 ioas;
	int fd;

	pci_find(EDU_VENDOR, EDU_DEVICE, 0, name, sizeof(name));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu/vtd", name);
	if (!have_program("virtio_probe") || access(path, F_OK))
		SKIP(return, "there is no program, or no edu function behind VT-d");
	ASSERT_EQ(0, pci_give_to_vfio(name));
	fd = iommu_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	if (mock_device(fd, ioas, 0, &mock)) {
		close(fd);
		SKIP(return, "this kernel has no mock");
	}
	close(fd);
	snprintf(command, sizeof(command), "virtio_probe %s mock-reserved", name);
	snprintf(want, sizeof(want),
		 "page_size_mask 0xfffffffffffff000\n"
		 "input_range    0x0-0xffffffffffff\n"
		 "probe_size     512\n"
		 "endpoint 0 (%s)\n"
		 "  RESV_MEM MSI 0xfee00000-0xfeefffff\n"
		 "endpoint 1 (mock-reserved)\n"
		 "  RESV_MEM RESERVED 0x0-0xffffff\n"
		 "  RESV_MEM RESERVED 0x40000000-0x400fffff\n"
		 "  RESV_MEM RESERVED 0x80000000-0xffffffffffff\n", name);
	EXPECT_TRUE(prints(command, want));
}
#endif

TEST_HARNESS_MAIN
