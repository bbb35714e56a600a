// SPDX-License-Identifier: GPL-2.0-only
/* Tables made by hand, for the tests of the SMMUv3 model. */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "smmuv3_model_kunit.h"

unsigned int sm_unmet;

static void raised(void *data, enum smmuv3_model_irq which)
{
	struct sm *f = data;

	f->raised[which]++;
}

static void msi(void *data, u64 addr, u32 val)
{
	struct sm *f = data;

	f->msi_addr = addr;
	f->msi_data = val;
	f->msis++;
}

static bool on_invalidate(struct model_function *fn, bool pasid_valid, u32 pasid,
			  bool global, u64 addr, u64 size)
{
	struct sm *f = container_of(fn, struct sm, fn);

	f->invs++;
	f->inv_ssv = pasid_valid;
	f->inv_ssid = pasid;
	f->inv_global = global;
	f->inv_addr = addr;
	f->inv_size = size;
	return f->answers;
}

static bool on_response(struct model_function *fn, bool pasid_valid, u32 pasid,
			u16 grpid, u8 code)
{
	struct sm *f = container_of(fn, struct sm, fn);

	f->responses++;
	f->rsp_ssv = pasid_valid;
	f->rsp_ssid = pasid;
	f->rsp_grpid = grpid;
	f->rsp_code = code;
	return f->waiting;
}

static void on_resume(struct model_function *fn, u32 tag, enum model_resume how)
{
	struct sm *f = container_of(fn, struct sm, fn);

	f->resumes++;
	f->resume_tag = tag;
	f->resume_how = how;
}

static const struct model_function_ops fn_ops = {
	.invalidate = on_invalidate,
	.prg_response = on_response,
	.resume = on_resume,
};

int sm_init(struct kunit *test)
{
	struct sm *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->test = test;
	f->answers = true;
	f->waiting = true;
	f->fn.ops = &fn_ops;
	test->priv = f;
	return 0;
}

static void unmark(struct sm *f, unsigned int i)
{
	unsigned int n;

	for (n = 0; n < 1U << f->orders[i]; n++)
		set_page_private(virt_to_page(f->pages[i]) + n, 0);
}

void sm_exit(struct kunit *test)
{
	struct sm *f = test->priv;
	unsigned int i;

	if (f && f->model) {
		sm_wr(f, R_CR0, 0);
		f->port->ops->connect(f->port, SID, NULL);
		smmuv3_model_destroy(f->model);
	}
	for (i = 0; f && i < f->num_pages; i++) {
		unmark(f, i);
		free_pages((unsigned long)f->pages[i], f->orders[i]);
	}
	kunit_kfree(test, f);
	test->priv = NULL;
}

/* Violations that a case has asked for, so far */
static unsigned long meant;

/* As model_violations_expect() and model_violations_expected(). */
unsigned long sm_violations_meant(void)
{
	return model_violations_expect();
}

unsigned long sm_violations_came(unsigned long before)
{
	unsigned long num = model_violations_expected(before);

	meant += num;
	return num;
}

/* See recent_notice() */
#define SM_RECENT	6

static bool case_notices(struct kunit *test, struct kunit_suite *suite,
			 struct kunit_case *one)
{
	unsigned int unmet = sm_unmet;
	unsigned long violations;

	meant = 0;
	violations = model_violations_expect();
	KUNIT_ASSERT_EQ(test, 0, suite->init(test));
	one->run_case(test);
	suite->exit(test);
	violations = model_violations_expected(violations);
	return sm_unmet != unmet || violations != meant;
}

/**
 * struct known - a case that noticed a mistake
 * @suite: its suite
 * @one: the case; NULL: not yet
 */
struct known {
	struct kunit_suite *suite;
	struct kunit_case *one;
};

/* The cases that noticed most recently, each once, the latest first */
static struct known recent[SM_RECENT];

static const char *remember(struct known now)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(recent) - 1; i++)
		if (recent[i].one == now.one)
			break;
	memmove(&recent[1], &recent[0], i * sizeof(recent[0]));
	recent[0] = now;
	return now.one->name;
}

/*
 * Mistakes of one kind are often noticed by one case; those that noticed the last
 * ones are asked first, which saves most of the time.
 */
static const char *recent_notice(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(recent) && recent[i].one; i++)
		if (case_notices(test, recent[i].suite, recent[i].one))
			return remember(recent[i]);
	return NULL;
}

/**
 * sm_notices() - do the model's own tests notice its mistake?
 * @test: running, without a fixture
 *
 * May sleep.
 *
 * Return: name of the first case that does, NULL if none does.
 */
const char *sm_notices(struct kunit *test)
{
	static struct kunit_suite *const suites[] = {
		&smmuv3_config_suite, &smmuv3_walk_suite, &smmuv3_cache_suite,
		&smmuv3_queue_suite, &smmuv3_ats_suite, &smmuv3_stall_suite,
	};
	const char *by = recent_notice(test);
	struct kunit_case *one;
	unsigned int i;

	for (i = 0; !by && i < ARRAY_SIZE(suites); i++)
		for (one = suites[i]->test_cases; !by && one->run_case; one++)
			if (case_notices(test, suites[i], one))
				by = remember((struct known){ suites[i], one });
	return by;
}

/* Pages of zeros, freed with the fixture. */
void *sm_pages(struct sm *f, unsigned int order)
{
	void *page = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(f->test, page);
	KUNIT_ASSERT_LT(f->test, f->num_pages, SM_MAX_PAGES);
	for (i = 0; i < 1U << order; i++)
		set_page_private(virt_to_page(page) + i, SMMUV3_MODEL_PAGE);
	f->orders[f->num_pages] = order;
	f->pages[f->num_pages++] = page;
	return page;
}

u32 sm_rd(struct sm *f, u32 offset)
{
	return smmuv3_model_read(f->model, offset, 4);
}

void sm_wr(struct sm *f, u32 offset, u32 val)
{
	smmuv3_model_write(f->model, offset, 4, val);
}

u64 sm_rd64(struct sm *f, u32 offset)
{
	return smmuv3_model_read(f->model, offset, 8);
}

void sm_wr64(struct sm *f, u32 offset, u64 val)
{
	smmuv3_model_write(f->model, offset, 8, val);
}

static void make_tables(struct sm *f)
{
	unsigned int i;

	f->strtab = sm_pages(f, 4);
	f->ste = f->strtab + SID * 8;
	f->cds = sm_pages(f, 0);
	f->s1 = sm_pages(f, 0);
	f->s2 = sm_pages(f, 0);
	f->cmdq = sm_pages(f, 0);
	f->evtq = sm_pages(f, 0);
	f->priq = sm_pages(f, 0);
	for (i = 0; i < ARRAY_SIZE(f->data); i++) {
		f->data[i] = sm_pages(f, 0);
		f->data[i][0] = 0xa0 + i;
	}
}

void sm_config(struct smmuv3_model_config *config)
{
	*config = (struct smmuv3_model_config){
		.idr0 = smmuv3_model_idr0, .idr1 = smmuv3_model_idr1,
		.idr3 = smmuv3_model_idr3, .idr5 = smmuv3_model_idr5,
		.iidr = 0x12345678, .aidr = 3, .raise = raised, .msi = msi,
	};
}

/* A unit that translates, with queues and interrupts on, and no STE yet. */
struct sm *sm_unit_config(struct kunit *test, const struct smmuv3_model_config *given)
{
	struct smmuv3_model_config config = *given;
	struct sm *f = test->priv;
	struct smmuv3_model *model;
	u32 cr0 = CR0_ALL;

	config.data = f;
	model = smmuv3_model_create(&config);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, model);
	f->model = model;
	f->port = smmuv3_model_port(model);
	make_tables(f);
	sm_wr64(f, R_STRTAB, virt_to_phys(f->strtab) | 1ULL << 62);
	sm_wr(f, R_STRTAB_CFG, 9);
	sm_wr64(f, R_CMDQ_BASE, virt_to_phys(f->cmdq) | 1ULL << 62 | 8);
	sm_wr64(f, R_EVTQ_BASE, virt_to_phys(f->evtq) | 1ULL << 62 | 3);
	if (config.idr0 & 1 << 16)
		sm_wr64(f, R_PRIQ_BASE, virt_to_phys(f->priq) | 1ULL << 62 | 3);
	else
		cr0 &= ~2;
	if (!(config.idr0 & 1 << 10))
		cr0 &= ~0x10;
	/* RECINVSID, PTM */
	sm_wr(f, R_CR2, 6);
	sm_wr(f, R_IRQ_CTRL, 7);
	sm_wr(f, R_CR0, cr0);
	KUNIT_ASSERT_EQ(test, 0, f->port->ops->connect(f->port, SID, &f->fn));
	return f;
}

struct sm *sm_unit(struct kunit *test)
{
	struct smmuv3_model_config config;

	sm_config(&config);
	return sm_unit_config(test, &config);
}

/* Put a command in the queue, and say so later. */
void sm_push(struct sm *f, u64 word0, u64 word1)
{
	u32 prod = f->prod;

	f->cmdq[prod % SM_CMDS * 2] = word0;
	f->cmdq[prod % SM_CMDS * 2 + 1] = word1;
	f->prod = (prod + 1) % (2 * SM_CMDS);
}

void sm_go(struct sm *f)
{
	sm_wr(f, R_CMDQ_PROD, f->prod);
}

/* Carry out a command. Returns CERROR_*. */
unsigned int sm_cmd(struct sm *f, u64 word0, u64 word1)
{
	sm_push(f, word0, word1);
	sm_go(f);
	if (!((sm_rd(f, R_GERROR) ^ sm_rd(f, R_GERRORN)) & 1)) {
		SM_EXPECT_EQ(f->test, f->prod, sm_rd(f, R_CMDQ_CONS) & 0xfffff);
		return 0;
	}
	return sm_rd(f, R_CMDQ_CONS) >> 24 & 0x7f;
}

/* Put CMD_SYNC in the place of a command that stopped the queue, and go on. */
static void recover(struct sm *f)
{
	u32 at = sm_rd(f, R_CMDQ_CONS) % SM_CMDS;

	if (!((sm_rd(f, R_GERROR) ^ sm_rd(f, R_GERRORN)) & 1))
		return;
	f->cmdq[at * 2] = 0x46;
	f->cmdq[at * 2 + 1] = 0;
	sm_wr(f, R_GERRORN, sm_rd(f, R_GERRORN) ^ 1);
}

void sm_ok(struct sm *f, u64 word0, u64 word1)
{
	unsigned int error = sm_cmd(f, word0, word1);

	SM_EXPECT_EQ_MSG(f->test, 0, error, "command %#llx %#llx", word0, word1);
	recover(f);
}

/* A command that is illegal, which is a violation. Returns CERROR_*. */
unsigned int sm_illegal(struct sm *f, u64 word0, u64 word1)
{
	unsigned long before = sm_violations_meant();
	unsigned int error = sm_cmd(f, word0, word1);

	SM_EXPECT_EQ(f->test, 1, sm_violations_came(before));
	recover(f);
	return error;
}

/* Everything out of the caches. */
void sm_flush(struct sm *f)
{
	sm_ok(f, 0x04, 31);
	sm_ok(f, 0x30, 0);
	if (sm_rd(f, 0) & 1 << 9)
		sm_ok(f, 0x20, 0);
	sm_ok(f, 0x46, 0);
}

/* Take the first event. Returns its number, 0 if there is none. */
u8 sm_event(struct sm *f)
{
	u32 prod = sm_rd(f, R_EVTQ_PROD), cons = sm_rd(f, R_EVTQ_CONS);
	u64 *slot = f->evtq + cons % SM_EVENTS * 4;

	if (!((prod ^ cons) & (2 * SM_EVENTS - 1)))
		return 0;
	memcpy(f->ev, slot, sizeof(f->ev));
	sm_wr(f, R_EVTQ_CONS, (cons & 1U << 31) |
	      ((cons + 1) & (2 * SM_EVENTS - 1)));
	return f->ev[0] & 0xff;
}

void sm_set_ste(struct sm *f, u32 sid, u64 word0, u64 word1, u64 word2, u64 word3)
{
	u64 *ste = f->strtab + sid * 8;

	ste[0] = word0;
	ste[1] = word1;
	ste[2] = word2;
	ste[3] = word3;
}

void sm_set_cd(struct sm *f, u32 ssid, u64 word0, u64 ttb0)
{
	f->cds[ssid * 8] = word0;
	f->cds[ssid * 8 + 1] = ttb0;
}

/* Stage 1, 64 CDs, of which 0 and SSID are there; both with the same table */
void sm_stage1(struct sm *f)
{
	u64 cd = CD0;

	sm_set_ste(f, SID, STE0(CFG_S1) | virt_to_phys(f->cds) | 6ULL << 59,
		   STE1 | STE1_EATS(1), VMID, 0);
	sm_set_cd(f, 0, cd | (u64)ASID(0) << 48, virt_to_phys(f->s1));
	sm_set_cd(f, SSID, cd | (u64)ASID(SSID) << 48, virt_to_phys(f->s1));
	sm_flush(f);
}

void sm_stage2(struct sm *f)
{
	sm_set_ste(f, SID, STE0(CFG_S2), STE1 | STE1_EATS(1), STE2,
		   virt_to_phys(f->s2));
	sm_flush(f);
}

/* A page of memory that is where it is, also for stage 1 */
void sm_identity(struct sm *f, const void *page)
{
	u64 pa = virt_to_phys((void *)page);

	sm_map_s2(f, pa, pa | S2_PAGE);
}

/* As sm_stage1(), over a stage 2 that has CDs and top table */
void sm_nested(struct sm *f)
{
	sm_stage1(f);
	sm_set_ste(f, SID, STE0(CFG_NEST) | virt_to_phys(f->cds) | 6ULL << 59,
		   STE1 | STE1_EATS(1), STE2, virt_to_phys(f->s2));
	sm_identity(f, f->cds);
	sm_identity(f, f->s1);
	sm_flush(f);
}

/*
 * Set the descriptor of @addr at level @leaf, in tables that are made on the way.
 * Returns where it is.
 */
u64 *sm_map(struct sm *f, u64 *top, unsigned int granule, unsigned int start,
	    unsigned int leaf, u64 addr, u64 desc)
{
	unsigned int stride = granule - 3, level, shift;
	u64 mask = start || granule != 12 ? 0xffffULL : 511, *slot;

	for (level = start;; level++) {
		shift = granule + (3 - level) * stride;
		slot = top + (addr >> shift & (level == start ? mask :
					       (1ULL << stride) - 1));
		if (level == leaf)
			break;
		if (!*slot)
			*slot = virt_to_phys(sm_pages(f, granule - 12)) | 3;
		top = phys_to_virt(*slot & 0x0000fffffffff000ULL);
	}
	*slot = desc;
	return slot;
}

u64 *sm_map_s2(struct sm *f, u64 ipa, u64 desc)
{
	return sm_map(f, f->s2, 12, 0, 3, ipa, desc);
}

/* In a table of ours that stage 2 may have to know of */
u64 *sm_map_s1(struct sm *f, u64 va, u64 desc)
{
	unsigned int before = f->num_pages, last;
	u64 *slot = sm_map(f, f->s1, 12, 0, 3, va, desc);

	last = f->num_pages;
	for (; before < last; before++)
		sm_identity(f, f->pages[before]);
	return slot;
}

static struct model_tlp tlp(u16 sid, u32 ssid, u32 perm, u64 addr)
{
	return (struct model_tlp){
		.rid = sid, .pasid_valid = ssid != NO_SSID,
		.pasid = ssid == NO_SSID ? 0 : ssid, .perm = perm, .addr = addr,
		.tag = 0x77,
	};
}

/* Read or write a byte. OK, the event it was recorded as, QUIET or STALLED. */
u8 sm_dma_from(struct sm *f, u16 sid, u32 ssid, u32 perm, u64 addr)
{
	struct model_tlp request = tlp(sid, ssid, perm, addr);
	enum model_status status;

	f->byte = 0x5a;
	status = f->port->ops->access(f->port, &request, &f->byte, 1);
	if (status == MODEL_STALLED)
		return STALLED;
	if (status == MODEL_OK)
		return OK;
	return sm_event(f) ?: QUIET;
}

u8 sm_dma(struct sm *f, u32 ssid, u32 perm, u64 addr)
{
	return sm_dma_from(f, SID, ssid, perm, addr);
}

enum model_status sm_ats(struct sm *f, u32 ssid, u32 perm, bool no_write, u64 addr,
			 struct model_translation *result)
{
	struct model_tlp request = tlp(SID, ssid, perm, addr);

	return f->port->ops->translate(f->port, &request, no_write, result);
}

enum model_status sm_translated(struct sm *f, u32 perm, u64 addr)
{
	struct model_tlp request = tlp(SID, NO_SSID, perm, addr);

	f->byte = 0x5a;
	return f->port->ops->access_translated(f->port, &request, &f->byte, 1);
}

/* What the unit has done so far */
const struct smmuv3_model_counts *sm_counts(struct sm *f)
{
	smmuv3_model_counts(f->model, &f->counts);
	return &f->counts;
}
