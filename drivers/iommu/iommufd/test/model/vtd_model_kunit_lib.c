// SPDX-License-Identifier: GPL-2.0-only
/* Tables made by hand, for the tests of the VT-d model. */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vtd_model_kunit.h"

unsigned int vtd_model_unmet;

static void raised(void *data, enum vtd_model_irq which)
{
	struct fixture *f = data;

	f->raised[which]++;
}

static bool on_invalidate(struct model_function *fn, bool pasid_valid, u32 pasid,
			  bool global, u64 addr, u64 size)
{
	struct fixture *f = container_of(fn, struct fixture, fn);

	f->invalidations++;
	f->inv_pasid_valid = pasid_valid;
	f->inv_pasid = pasid;
	f->inv_global = global;
	f->inv_addr = addr;
	f->inv_size = size;
	return f->answers;
}

static bool on_response(struct model_function *fn, bool pasid_valid, u32 pasid,
			u16 grpid, u8 code)
{
	struct fixture *f = container_of(fn, struct fixture, fn);

	f->responses++;
	f->rsp_pasid_valid = pasid_valid;
	f->rsp_pasid = pasid;
	f->rsp_grpid = grpid;
	f->rsp_code = code;
	return f->waiting;
}

static const struct model_function_ops fn_ops = {
	.invalidate = on_invalidate,
	.prg_response = on_response,
};

int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->test = test;
	f->answers = true;
	f->waiting = true;
	f->fn.ops = &fn_ops;
	test->priv = f;
	return 0;
}

void set_te(struct fixture *f, bool on)
{
	u32 sts = vtd_model_read(f->model, 0x1c, 4);

	sts &= ~(1U << 30);
	vtd_model_write(f->model, 0x18, 4, on ? sts | 1U << 31 : sts & ~(1U << 31));
}

void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	if (f && f->model) {
		set_te(f, false);
		f->port->ops->connect(f->port, RID, NULL);
		vtd_model_destroy(f->model);
	}
	for (i = 0; f && i < f->num_pages; i++)
		free_page((unsigned long)f->pages[i]);
	kunit_kfree(test, f);
	test->priv = NULL;
}

/* Violations that a case has asked for, so far */
static unsigned long meant;

/* As model_violations_expect() and model_violations_expected(). */
unsigned long violations_meant(void)
{
	return model_violations_expect();
}

unsigned long violations_came(unsigned long before)
{
	unsigned long num = model_violations_expected(before);

	meant += num;
	return num;
}

static bool case_notices(struct kunit *test, struct kunit_suite *suite,
			 struct kunit_case *one)
{
	unsigned int unmet = vtd_model_unmet;
	unsigned long violations;

	meant = 0;
	violations = model_violations_expect();
	KUNIT_ASSERT_EQ(test, 0, suite->init(test));
	one->run_case(test);
	suite->exit(test);
	violations = model_violations_expected(violations);
	return vtd_model_unmet != unmet || violations != meant;
}

/**
 * vtd_model_notices() - do the model's own tests notice its mistake?
 * @test: running, without a fixture
 *
 * May sleep.
 *
 * Return: name of the first case that does, NULL if none does.
 */
const char *vtd_model_notices(struct kunit *test)
{
	static struct kunit_suite *const suites[] = {
		&vtd_detail_suite, &vtd_queue_suite, &vtd_model_suite,
	};
	struct kunit_case *one;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (one = suites[i]->test_cases; one->run_case; one++)
			if (case_notices(test, suites[i], one))
				return one->name;
	return NULL;
}

/* A page of zeros, cleaned, freed with the fixture. */
void *page(struct fixture *f)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, page);
	KUNIT_ASSERT_LT(f->test, f->num_pages, MAX_PAGES);
	set_page_private(virt_to_page(page), VTD_MODEL_PAGE);
	f->pages[f->num_pages++] = page;
	if (f->model)
		vtd_model_clean(f->model, page, 4096);
	return page;
}

static void make_tables(struct fixture *f)
{
	u64 *lower;
	unsigned int i;

	f->root = page(f);
	lower = page(f);
	f->dir = page(f);
	f->pasids = page(f);
	f->fs = page(f);
	f->ss = page(f);
	for (i = 0; i < ARRAY_SIZE(f->data); i++) {
		f->data[i] = page(f);
		f->data[i][0] = 0xa0 + i;
	}
	/* root entry of bus 1, its lower half */
	f->root[2] = virt_to_phys(lower) | 1;
	f->ctx = lower + 0x10 * 4;
	/* P, DTE, PASIDE, PRE; directory of 2^14 entries */
	f->ctx[0] = virt_to_phys(f->dir) | 7 << 9 | 1 << 4 | 1 << 3 | 1 << 2 | 1;
	f->dir[0] = virt_to_phys(f->pasids) | 1;
	vtd_model_clean(f->model, f->root, 4096);
	vtd_model_clean(f->model, lower, 4096);
	vtd_model_clean(f->model, f->dir, 4096);
}

/* A unit that translates, with RID in its tables, and no PASID entry yet. */
struct fixture *unit(struct kunit *test, u64 cap, u64 ecap)
{
	struct fixture *f = test->priv;
	struct vtd_model_config config = {
		.cap = cap, .ecap = ecap, .raise = raised, .data = f,
	};
	struct vtd_model *model = vtd_model_create(&config);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, model);
	f->model = model;
	f->port = vtd_model_port(model);
	make_tables(f);
	vtd_model_write(model, 0x20, 8, virt_to_phys(f->root) | 1 << 10);
	vtd_model_write(model, 0x18, 4, 1 << 30);
	set_te(f, true);
	KUNIT_ASSERT_EQ(test, 0, f->port->ops->connect(f->port, RID, &f->fn));
	return f;
}

u64 *pasid_entry(struct fixture *f, u32 pasid)
{
	return f->pasids + pasid * 8;
}

/* 4-level tables of both stages, snooped if the unit can. */
void set_pasid(struct fixture *f, u32 pasid, u16 did, unsigned int pgtt)
{
	u64 *pe = pasid_entry(f, pasid);

	memset(pe, 0, 64);
	pe[1] = did;
	if (!f->model || vtd_model_read(f->model, 0x10, 8) >> 48 & 1)
		pe[1] |= 1 << 23;
	if (pgtt != PGTT_SS && pgtt != PGTT_PT)
		pe[2] = virt_to_phys(f->fs);
	pe[0] = pgtt << 6 | 1;
	if (pgtt != PGTT_FS)
		pe[0] |= 2 << 2;
	if (pgtt == PGTT_SS || pgtt == PGTT_NESTED)
		pe[0] |= virt_to_phys(f->ss);
	vtd_model_clean(f->model, pe, 64);
}

/* Where @iova is to be found in tables that are made on the way; the leaf. */
u64 *map(struct fixture *f, u64 *top, unsigned int levels, unsigned int leaf_level,
	 u64 table_bits, u64 iova, u64 entry)
{
	unsigned int level;
	u64 *slot;

	for (level = levels;; level--) {
		slot = top + (iova >> (12 + 9 * (level - 1)) & 511);
		if (level == leaf_level)
			break;
		if (!*slot)
			*slot = virt_to_phys(page(f)) | table_bits;
		vtd_model_clean(f->model, slot, 8);
		top = phys_to_virt(*slot & 0x000ffffffffff000ULL);
	}
	*slot = entry;
	vtd_model_clean(f->model, slot, 8);
	return slot;
}

u64 *map_ss(struct fixture *f, u64 iova, u64 entry)
{
	return map(f, f->ss, 4, 1, 3, iova, entry);
}

u64 *map_fs(struct fixture *f, u64 iova, u64 entry)
{
	return map(f, f->fs, 4, 1, 7, iova, entry);
}

/* The first record, and clear it. 0: there is none. */
u8 last_record(struct fixture *f, u64 *low, u64 *high)
{
	u32 fsts = vtd_model_read(f->model, 0x34, 4);
	u32 at = 0x400 + 16 * (fsts >> 8 & 0xff);

	if (!(fsts & 2))
		return 0;
	*low = vtd_model_read(f->model, at, 8);
	*high = vtd_model_read(f->model, at + 8, 8);
	vtd_model_write(f->model, at + 12, 4, 1U << 31);
	return *high >> 32 & 0xff;
}

static struct model_tlp tlp(u16 rid, u32 pasid, u32 perm, u64 addr)
{
	return (struct model_tlp){
		.rid = rid, .pasid_valid = pasid != NO_PASID,
		.pasid = pasid == NO_PASID ? 0 : pasid, .perm = perm, .addr = addr,
	};
}

/* Read or write a byte. 0, the fault reason it was recorded with, or QUIET. */
u8 dma_from(struct fixture *f, u16 rid, u32 pasid, u32 perm, u64 addr)
{
	struct model_tlp request = tlp(rid, pasid, perm, addr);
	u64 low, high;

	if (perm & MODEL_WRITE)
		f->byte = 0x5a;
	if (f->port->ops->access(f->port, &request, &f->byte, 1) == MODEL_OK)
		return 0;
	return last_record(f, &low, &high) ?: QUIET;
}

u8 dma(struct fixture *f, u32 pasid, u32 perm, u64 addr)
{
	return dma_from(f, RID, pasid, perm, addr);
}

enum model_status ats(struct fixture *f, u32 pasid, u32 perm, bool no_write,
		      u64 addr, struct model_translation *result)
{
	struct model_tlp request = tlp(RID, pasid, perm, addr);

	return f->port->ops->translate(f->port, &request, no_write, result);
}

int submit(struct fixture *f, u64 word0, u64 word1)
{
	const u64 desc[1][4] = { { word0, word1 } };
	unsigned int index;
	int rc;

	rc = vtd_model_submit(f->model, desc, 1, false, &index);
	if (rc == -EINVAL)
		queue_go_on(f);
	return rc;
}

/* As software does that has seen to the descriptor that the queue stopped at (IQE). */
void queue_go_on(struct fixture *f)
{
	vtd_model_write(f->model, 0x34, 4, 1 << 4);
}

/* Context, PASID and IOTLB caches, all of them. */
void flush(struct fixture *f)
{
	MODEL_EXPECT_EQ(f->test, 0, submit(f, 0x1 | 1 << 4, 0));
	MODEL_EXPECT_EQ(f->test, 0, submit(f, 0x7 | 3 << 4, 0));
	MODEL_EXPECT_EQ(f->test, 0, submit(f, 0x2 | 1 << 4, 0));
}
