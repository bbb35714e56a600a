/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cases of a hostile guest, for any IOMMU with a struct hostile_kind: the file that
 * includes this names it HOSTILE_KIND and adds the variants, which say with which PASID.
 */

FIXTURE(hostile) {
	struct hostile h;
	bool started;
};

FIXTURE_VARIANT(hostile) {
	__u32 pasid;
};

FIXTURE_VARIANT_ADD(hostile, rid) { MODEL_NO_PASID };
FIXTURE_VARIANT_ADD(hostile, pasid) { 0x25 };

FIXTURE_SETUP(hostile)
{
	int rc;

	hostile_pasid = variant->pasid;
	rc = hostile_start(&self->h, &HOSTILE_KIND);
	if (rc == GUEST_NONE)
		SKIP(return, "this kernel has no model of it");
	ASSERT_EQ(0, rc)
		TH_LOG("%s", model_error());
	self->started = true;
}

FIXTURE_TEARDOWN(hostile)
{
	struct hostile *h = &self->h;

	if (self->started) {
		HOSTILE_CHECK(h);
		ksft_print_msg("seed %llu: DMAs: %lu done, %lu not; calls: %lu done, %lu not; %lu answers\n",
			       h->seed, h->ended[IOMMUFD_MODEL_DMA_OK],
			       h->ended[IOMMUFD_MODEL_DMA_BLOCKED] +
			       h->ended[IOMMUFD_MODEL_DMA_FAULTED],
			       h->taken, h->refused, atomic_load(&h->answers));
	}
	if (h->g)
		h->kind->stop(h);
}

/* --- the judge --- */

/*
 * What the other cases rely on: an access that was not granted is not made, and is
 * told. Here it is the test that takes back what the HWPT has mapped.
 */
TEST_F(hostile, outside_would_be_seen)
{
	const __u32 write = IOMMUFD_MODEL_DMA_WRITE |
			    IOMMUFD_MODEL_DMA_UNTRANSLATED;
	struct hostile *h = &self->h;
	struct guest *g = h->g;
	char *page = data_page(g, 0);
	__u64 count;

	hostile_path(h, data_gpa(0));
	ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, hostile_dma(h, VA_PATH, write));
	ASSERT_EQ((char)0xa5, *page);
	*page = 0;

	ASSERT_EQ(0, model_grant(&g->m, page, PAGE, IOMMUFD_MODEL_GRANT_REVOKE));
	ASSERT_EQ(0, model_expect_begin(&g->m));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, hostile_dma(h, VA_PATH, write));
	/* By a translation that the function asks for, too */
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  hostile_dma(h, VA_PATH, IOMMUFD_MODEL_DMA_WRITE));
	ASSERT_EQ(0, model_expect_end(&g->m, &count));
	EXPECT_EQ(2, count);
	EXPECT_EQ(0, *page);
	ASSERT_EQ(0, model_grant(&g->m, page, PAGE, IOMMUFD_MODEL_GRANT_READ_ONLY));
	ASSERT_EQ(0, model_expect_begin(&g->m));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  hostile_dma(h, VA_PATH, IOMMUFD_MODEL_DMA_UNTRANSLATED));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED, hostile_dma(h, VA_PATH, write));
	ASSERT_EQ(0, model_expect_end(&g->m, &count));
	EXPECT_EQ(1, count);
	ASSERT_EQ(0, model_grant(&g->m, page, PAGE, IOMMUFD_MODEL_GRANT_REVOKE));
	ASSERT_EQ(0, model_grant(&g->m, page, PAGE, 0));

	/* A table: of what no walk has been through yet */
	ASSERT_EQ(0, model_grant(&g->m, at_gpa(g, h->table[1]), PAGE,
				 IOMMUFD_MODEL_GRANT_REVOKE));
	hostile_set(g, h->table[1], 0, h->kind->table(h->path[1]));
	hostile_set(g, h->table[0], PATH_INDEX + 1, h->kind->table(h->table[1]));
	ASSERT_EQ(0, model_expect_begin(&g->m));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  hostile_dma(h, VA_PATH + (1ULL << 39), write));
	ASSERT_EQ(0, model_expect_end(&g->m, &count));
	EXPECT_LE(1, count);
	ASSERT_EQ(0, model_grant(&g->m, at_gpa(g, h->table[1]), PAGE, 0));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  hostile_dma(h, VA_PATH + (1ULL << 39), write));
	*page = 0;

	/* And nothing of it counts afterwards. */
	ASSERT_EQ(0, model_violations(&g->m, &g->violations));
}

/* What the second stage has not, or not to be written, needs no other judge. */
TEST_F(hostile, beside_its_memory)
{
	static const __u64 beside[] = {
		GPA - HOSTILE_BLOCK, FIXED_GPA + HOSTILE_BLOCK, 0, 1ULL << 40,
		(1ULL << 48) - HOSTILE_BLOCK,
	};
	struct hostile *h = &self->h;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(beside); i++) {
		hostile_path(h, beside[i]);
		EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
			  hostile_dma(h, VA_PATH + i * PAGE,
				      IOMMUFD_MODEL_DMA_UNTRANSLATED));
		EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
			  hostile_dma(h, VA_PATH + i * PAGE,
				      IOMMUFD_MODEL_DMA_UNTRANSLATED |
				      IOMMUFD_MODEL_DMA_WRITE));
	}
	hostile_path(h, FIXED_GPA);
	EXPECT_EQ(IOMMUFD_MODEL_DMA_OK,
		  hostile_dma(h, VA_PATH + 8 * PAGE,
			      IOMMUFD_MODEL_DMA_UNTRANSLATED));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_BLOCKED,
		  hostile_dma(h, VA_PATH + 8 * PAGE,
			      IOMMUFD_MODEL_DMA_UNTRANSLATED |
			      IOMMUFD_MODEL_DMA_WRITE));
}

/* --- at random --- */

TEST_F_TIMEOUT(hostile, tables, 600)
{
	unsigned int i, j, rounds = 150 * test_scale();
	struct hostile *h = &self->h;

	HOSTILE_OK(h, hostile_answerer(h));
	for (i = 0; i < rounds; i++) {
		hostile_fill(h, &h->rng, 6);
		if (h->kind->mutate && one_in(&h->rng, 4))
			h->kind->mutate(h, &h->rng);
		/* Not each time: what is cached is hostile, too. */
		if (one_in(&h->rng, 2))
			HOSTILE_OK(h, hostile_forget(h));
		for (j = 0; j < 4; j++)
			ASSERT_LE(0, hostile_dma(h, 0, 0))
				TH_LOG("%s", h->why);
		if (one_in(&h->rng, 4))
			HOSTILE_OK(h, hostile_ask(h));
		if (one_in(&h->rng, 16))
			HOSTILE_OK(h, hostile_balloon(h));
	}
	/* It tries in earnest: some of the DMAs go somewhere, and more do not. */
	EXPECT_LT(rounds / 10, h->ended[IOMMUFD_MODEL_DMA_OK]);
	EXPECT_LT(rounds, h->ended[IOMMUFD_MODEL_DMA_BLOCKED] +
		  h->ended[IOMMUFD_MODEL_DMA_FAULTED]);
}

static void *hostile_changes(void *arg)
{
	struct hostile *h = arg;
	__u64 rng = h->seed ^ 0xc4a6e;

	while (!atomic_load(&h->stop)) {
		hostile_fill(h, &rng, 16);
		if (h->kind->mutate)
			h->kind->mutate(h, &rng);
		sched_yield();
	}
	return NULL;
}

TEST_F_TIMEOUT(hostile, changed_while_walked, 600)
{
	unsigned int i, rounds = 300 * test_scale();
	struct hostile *h = &self->h;
	pthread_t changes;

	HOSTILE_OK(h, hostile_answerer(h));
	ASSERT_EQ(0, pthread_create(&changes, NULL, hostile_changes, h));
	for (i = 0; i < rounds && !h->why[0]; i++) {
		hostile_dma(h, 0, 0);
		if (!h->why[0] && one_in(&h->rng, 4))
			hostile_forget(h);
		if (!h->why[0] && one_in(&h->rng, 32))
			hostile_balloon(h);
	}
	atomic_store(&h->stop, true);
	pthread_join(changes, NULL);
	pthread_join(h->thread, NULL);
	h->answerer = false;
	EXPECT_STREQ("", h->why);
}

/* Every errno is one that is documented, and what is taken does no harm. */
TEST_F_TIMEOUT(hostile, what_the_kernel_is_given, 600)
{
	unsigned int i, rounds = 150 * test_scale();
	struct hostile *h = &self->h;

	HOSTILE_OK(h, hostile_answerer(h));
	for (i = 0; i < rounds; i++) {
		hostile_fill(h, &h->rng, 4);
		HOSTILE_OK(h, h->kind->given(h));
		ASSERT_LE(0, hostile_dma(h, 0, 0))
			TH_LOG("%s", h->why);
	}
	EXPECT_LT(0, h->taken);
	EXPECT_LT(0, h->refused);
}

/*
 * The memory goes while a DMA to it is under way: when the unmap has returned nothing
 * reaches it any more, whatever the guest has left where, and comes again when it is
 * mapped again.
 */
TEST_F_TIMEOUT(hostile, memory_goes_under_a_dma, 600)
{
	unsigned int i, rounds = 24 * test_scale();
	struct hostile *h = &self->h;
	static char data[HOSTILE_BLOCK];
	struct model_job job;
	int status;

	HOSTILE_OK(h, hostile_answerer(h));
	hostile_path(h, BALLOON_GPA);
	for (i = 0; i < rounds; i++) {
		__u32 flags = IOMMUFD_MODEL_DMA_WRITE |
			      (i & 1 ? IOMMUFD_MODEL_DMA_UNTRANSLATED : 0);
		__u64 va = i & 4 && h->kind->high ? VA_PATH_HIGH : VA_PATH;

		ASSERT_EQ(IOMMUFD_MODEL_DMA_OK, hostile_dma(h, va, flags));
		ASSERT_EQ(0, model_job_start(&h->g->d, flags, h->pasid, va,
					     data, sizeof(data), 0, &job));
		if (i & 2)
			model_job_wait(&job, 1);
		HOSTILE_OK(h, hostile_balloon(h));
		EXPECT_NE(IOMMUFD_MODEL_DMA_OK, hostile_dma(h, va, flags));
		status = model_job_wait(&job, FOREVER_MS);
		EXPECT_NE(IOMMUFD_MODEL_DMA_PENDING, status);
		EXPECT_LE(0, status);
		HOSTILE_OK(h, hostile_balloon(h));
	}
}

/* --- answers --- */

/* In a process of its own, which has the queue's fd. 0, or which step was wrong. */
static int forge(struct hostile *h, __u32 cookie, __u32 stale)
{
	__u64 rng = h->seed ^ 0xf0f6e;
	__u32 other, id;
	int fd, queue, i;

	for (i = 0; i < 4000; i++) {
		other = hostile_random(&rng, ~0U);
		/* Near it, too */
		if (i & 1)
			other = cookie ^ 1U << (i / 2 % 32);
		if (other != cookie &&
		    iommu_fault_answer(h->g->queue, other,
				       IOMMUFD_PAGE_RESP_SUCCESS) != -EINVAL)
			return 1;
	}
	if (iommu_fault_answer(h->g->queue, stale, IOMMUFD_PAGE_RESP_SUCCESS) != -EINVAL)
		return 2;
	for (i = 2; i < 64; i++)
		if (i != IOMMUFD_PAGE_RESP_FAILURE &&
		    iommu_fault_answer(h->g->queue, cookie, i) != -EINVAL)
			return 3;
	/* By a queue of its own */
	fd = iommu_open();
	queue = fd < 0 ? fd : iommu_fault_queue(fd, 0, 0, 0, &id);
	if (queue < 0)
		return 4;
	if (iommu_fault_answer(queue, cookie, IOMMUFD_PAGE_RESP_SUCCESS) != -EINVAL)
		return 5;
	return 0;
}

/* A job that waits for its answer; the record of it */
static int fault_one(struct hostile *h, struct model_job *job, char *data,
		     struct iommu_hwpt_pgfault *rec)
{
	int rc;

	rc = model_job_start(&h->g->d, 0, h->pasid, VA_PATH, data, 1, 1, job);
	if (rc)
		return rc;
	rc = guest_read(h->g, rec, 1);
	return rc == 1 ? 0 : rc < 0 ? rc : -EIO;
}

TEST_F(hostile, forged_by_another_process)
{
	struct iommu_hwpt_pgfault rec, old;
	struct hostile *h = &self->h;
	struct model_job job;
	char data[8];
	int status;
	pid_t pid;

	hostile_path(h, 0);
	ASSERT_EQ(0, fault_one(h, &job, data, &old));
	ASSERT_EQ(0, iommu_fault_answer(h->g->queue, old.cookie,
					IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));

	ASSERT_EQ(0, fault_one(h, &job, data, &rec));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(forge(h, rec.cookie, old.cookie));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_PENDING, model_job_wait(&job, 0));
	ASSERT_EQ(0, iommu_fault_answer(h->g->queue, rec.cookie,
					IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(IOMMUFD_MODEL_DMA_FAULTED, model_job_wait(&job, FOREVER_MS));
}
