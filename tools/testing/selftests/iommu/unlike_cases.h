/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions behind units of one kind that differ: a program includes it behind its fixture
 * "unlike". UNLIKE_SPOT is an address that not all of its first three units have, and
 * UNLIKE_OTHER the unit that can have a table with the first.
 */

TEST_F_TIMEOUT(unlike, any_order_on_an_ioas, 600)
{
	struct ended *first = calloc(1, sizeof(*first));
	struct ended *ended = calloc(1, sizeof(*ended));
	unsigned int at;

	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, ended);
	self->l.spot = IOVA_BASE;
	self->l.spot_length = PAGE;
	for (at = 0; at <= NUM_UNITS + 1; at++) {
		ASSERT_EQ(0, try_all_attaches(&self->l, at, ended));
		if (!at)
			*first = *ended;
		EXPECT_EQ(0, memcmp(first->with, ended->with,
				    sizeof(first->with)));
	}
	free(first);
	free(ended);
}

/* As it is foretold, whether it is mapped before or after who cannot have it comes. */
TEST_F_TIMEOUT(unlike, map_and_attach_in_any_order, 600)
{
	struct crossed crossed = { 0 };
	int rc;

	/* Of three, for the time that it takes */
	self->l.num = 3;
	self->l.spot = UNLIKE_SPOT;
	self->l.spot_length = PAGE;
	rc = try_all_crossed(&self->l, &crossed);
	self->l.num = NUM_UNITS;
	ASSERT_EQ(0, rc);
	EXPECT_LT(0, crossed.attach_refused);
	EXPECT_LT(0, crossed.map_refused);
}

/* DMA of two functions through the one table that both of their units can have. */
TEST_F_TIMEOUT(unlike, dma, 120)
{
	__u32 devs[] = { self->l.dev[0], self->l.dev[UNLIKE_OTHER] };
	__u32 ioas, hwpt, who, why, pt;
	char *memory = self->l.memory;
	char text[8] = "through";
	unsigned int i;
	bool tracing;

	ASSERT_EQ(0, iommu_ioas_alloc(self->l.fd, &ioas));
	ASSERT_EQ(0, iommu_map(self->l.fd, ioas, memory, 2 * PAGE, IOVA_BASE));
	ASSERT_EQ(0, iommu_hwpt_for(self->l.fd, devs, 2, ioas, 0, &hwpt, &who,
				    &why));
	tracing = map_trace_begin();
	for (i = 0; i <= UNLIKE_OTHER; i += UNLIKE_OTHER) {
		pt = hwpt;
		ASSERT_EQ(0, attach(&self->l, i, &pt));
		memset(memory, 0, PAGE);
		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK,
			  model_dma(&self->d[i], IOMMUFD_MODEL_DMA_WRITE,
				    MODEL_NO_PASID, IOVA_BASE + 8, text,
				    sizeof(text), FOREVER_MS));
		EXPECT_STREQ(text, memory + 8);
		ASSERT_EQ(0, detach(&self->l, i));
	}
	/* All the work was done when it was made */
	if (tracing) {
		EXPECT_EQ(0, map_traced());
		EXPECT_EQ(0, map_trace_end());
	}
}
