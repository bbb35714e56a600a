// SPDX-License-Identifier: GPL-2.0-only
/* What an IOAS says of itself in fdinfo, while somebody is at work on another one. */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "ioas.h"
#include "map_kunit.h"

/**
 * struct context - a context with an IOAS that has something mapped
 * @ictx: context
 * @ioas: IOAS
 * @line: what it says
 */
struct context {
	struct iommufd_ctx ictx;
	struct iommufd_ioas *ioas;
	char line[256];
};

static struct context *context_new(struct kunit *test, struct user_memory *mem)
{
	unsigned long iova = SZ_1M;
	struct context *c;

	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	iommufd_ctx_init(&c->ictx);
	c->ioas = iommufd_ioas_new(&c->ictx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c->ioas));
	iommufd_object_finalize(&c->ioas->obj);
	KUNIT_ASSERT_EQ(test, 0,
			iova_space_map_user(&c->ioas->space, MAP_CHARGE_USER,
					    &iova, (void __user *)mem->addr,
					    PAGE_SIZE, IOMMU_READ, 0));
	return c;
}

static const char *context_show(struct context *c)
{
	struct seq_file m = { .buf = c->line, .size = sizeof(c->line) - 1 };

	memset(c->line, 0, sizeof(c->line));
	c->ioas->obj.ops->show(&c->ioas->obj, &m);
	return c->line;
}

/* A count takes as long as there are areas; nobody waits for another one's. */
static void ioas_count_alone(struct kunit *test)
{
	static const char text[] = " areas=1 mapped=4096 pinned-pages=0 domains=0";
	struct user_memory *mem = user_memory_new(test, 1);
	struct context *mine, *other;

	if (!mem)
		return;
	mine = context_new(test, mem);
	other = context_new(test, mem);
	KUNIT_EXPECT_STREQ(test, context_show(mine), text);

	mutex_lock(&mine->ictx.stat_lock);
	KUNIT_EXPECT_STREQ(test, context_show(mine), " busy");
	KUNIT_EXPECT_STREQ(test, context_show(other), text);
	mutex_unlock(&mine->ictx.stat_lock);
	KUNIT_EXPECT_STREQ(test, context_show(mine), text);

	/* While it is changed */
	down_write(&mine->ioas->space.lock);
	KUNIT_EXPECT_STREQ(test, context_show(mine), " busy");
	KUNIT_EXPECT_STREQ(test, context_show(other), text);
	up_write(&mine->ioas->space.lock);
	KUNIT_EXPECT_STREQ(test, context_show(mine), text);

	KUNIT_EXPECT_TRUE(test, iommufd_ctx_destroy_objects(&mine->ictx));
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_destroy_objects(&other->ictx));
	user_memory_free(mem);
}

static struct kunit_case ioas_cases[] = {
	KUNIT_CASE(ioas_count_alone),
	{}
};

static struct kunit_suite ioas_suite = {
	.name = "iommufd_ioas",
	.test_cases = ioas_cases,
};

kunit_test_suite(ioas_suite);
