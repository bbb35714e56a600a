// SPDX-License-Identifier: GPL-2.0
/*
 * Threads and processes against each other: readers, detach, map and unmap,
 * several reporters, kill -9, fork and exec, close. Each case runs for about a
 * second times IOMMU_TEST_SCALE, and what is compared at the end does not depend
 * on who won: the ledger, the pinned pages, whether it came to an end at all.
 * That nothing was touched too late is for KASAN and lockdep to say.
 */
#include "fault_test.h"

#include <stdatomic.h>

#define DEPTH	256

static __u64 run_ms(void)
{
	return 1000 * (__u64)test_scale();
}

/* What the threads of one test share */
struct crowd {
	struct fault_test t;
	atomic_bool stop;
	atomic_ullong success;
	atomic_ullong answered;
	atomic_ullong refused_answers;
	atomic_ullong broken;
	atomic_ullong reported;
};

/*
 * Reads and answers until told to stop. A refused answer is fine where detach
 * may have been first; the ledger tells if it was more than that.
 */
static void *reader(void *arg)
{
	struct crowd *c = arg;
	struct iommu_hwpt_pgfault r[32];
	__u64 last_cookie = ~0ULL;

	while (!atomic_load(&c->stop)) {
		struct pollfd p = { .fd = c->t.queue, .events = POLLIN };
		int i, n;

		if (poll(&p, 1, 20) < 1)
			continue;
		n = iommu_fault_read(c->t.queue, r, ARRAY_LEN(r));
		if (n == 0 || n == -EAGAIN)
			continue;
		if (n < 0) {
			atomic_fetch_add(&c->broken, 1);
			break;
		}
		for (i = 0; i < n; i++) {
			if (last_cookie != ~0ULL && r[i].cookie != last_cookie)
				atomic_fetch_add(&c->broken, 1);
			last_cookie = r[i].cookie;
			if (!(r[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE))
				continue;
			last_cookie = ~0ULL;
			if (iommu_fault_answer(c->t.queue, r[i].cookie,
					       IOMMUFD_PAGE_RESP_SUCCESS))
				atomic_fetch_add(&c->refused_answers, 1);
			else
				atomic_fetch_add(&c->answered, 1);
		}
		/* A group never spans two reads. */
		if (last_cookie != ~0ULL)
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

struct reporter {
	struct crowd *c;
	unsigned int dev;
	unsigned int seed;
};

static void *reporter(void *arg)
{
	struct reporter *who = arg;
	struct crowd *c = who->c;
	__u32 grpid = 0;

	while (!atomic_load(&c->stop)) {
		struct mock_report r = {
			.dev = c->t.dev[who->dev].dev,
			.flags = MOCK_REPORT_LAST,
			.grpid = grpid++ % 4096,
			.perm = PERM_RW,
			.count = 1 + grpid % 5,
			.addr = 0x1000,
		};
		int rc = mock_report(c->t.fd, &r);

		/* The group index may still be waiting for its answer. */
		if (rc == -EBUSY)
			continue;
		if (rc)
			atomic_fetch_add(&c->broken, 1);
		else
			atomic_fetch_add(&c->reported, 1);
	}
	return NULL;
}

static int crowd_start(struct crowd *c, unsigned int devices)
{
	int rc;

	memset(c, 0, sizeof(*c));
	rc = ft_init(&c->t, true, DEPTH, IOMMU_FAULT_POLICY_BLOCKING);
	if (rc)
		return rc;
	/* Two readers see one fault: the slower one is not to wait for ever. */
	if (fcntl(c->t.queue, F_SETFL, O_NONBLOCK))
		return -errno;
	while (c->t.devs < devices) {
		rc = ft_add_device(&c->t);
		if (rc)
			return rc;
	}
	return 0;
}

/* Everybody has stopped: what the three keepers of the ledger say */
static void crowd_check(struct __test_metadata *_metadata, struct crowd *c)
{
	__u64 user = atomic_load(&c->answered);
	struct mock_ledger l;
	struct fdinfo info;
	__u64 drained;

	EXPECT_EQ(0, atomic_load(&c->broken));
	ASSERT_EQ(0, ft_mock(&c->t, &l));
	ASSERT_EQ(0, fdinfo_read(0, c->t.queue, &info));
	drained = ft_fdinfo(&info, "answered-drain", 1);
	EXPECT_EQ(atomic_load(&c->reported), l.reported);
	EXPECT_EQ(user, ft_fdinfo(&info, "answered-user", 1));
	EXPECT_EQ(user + drained, l.success + l.invalid + l.failure);
	EXPECT_EQ(l.overflow, ft_fdinfo(&info, "lost", 1));
	EXPECT_EQ(mock_unanswered(&l), ft_fdinfo(&info, "pending", 1));
	EXPECT_EQ(l.reported, user + drained + l.overflow + l.other +
			      mock_unanswered(&l));
	/* The rest is answered by closing. */
	close(c->t.queue);
	ASSERT_EQ(0, ft_mock(&c->t, &l));
	EXPECT_EQ(0, mock_unanswered(&l));
	close(c->t.fd);
}

TEST(two_readers)
{
	struct reporter who[2];
	pthread_t t[4];
	struct crowd c;
	int i, rc;

	rc = crowd_start(&c, 2);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	for (i = 0; i < 2; i++) {
		who[i].c = &c;
		who[i].dev = (unsigned int)i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, reader, &c));
		ASSERT_EQ(0, pthread_create(&t[2 + i], NULL, reporter,
					    &who[i]));
	}
	LET_WORK((long)run_ms(), &c.answered, 10);
	atomic_store(&c.stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, atomic_load(&c.refused_answers));
	EXPECT_LT(10, atomic_load(&c.answered));
	crowd_check(_metadata, &c);
}

/* The device is moved away and back while its faults are read and answered. */
TEST(readers_against_detach)
{
	struct reporter who[2];
	pthread_t t[4];
	unsigned int moves = 0;
	struct crowd c;
	__u64 end;
	int i, rc;

	rc = crowd_start(&c, 2);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	for (i = 0; i < 2; i++) {
		who[i].c = &c;
		who[i].dev = (unsigned int)i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, reader, &c));
		ASSERT_EQ(0, pthread_create(&t[2 + i], NULL, reporter,
					    &who[i]));
	}
	end = now_ms() + run_ms();
	while (moves < 3 || now_ms() < end) {
		ASSERT_EQ(0, mock_replace(c.t.fd, c.t.dev[0].stdev, c.t.ioas));
		ASSERT_EQ(0, mock_replace(c.t.fd, c.t.dev[0].stdev, c.t.hwpt));
		moves++;
	}
	atomic_store(&c.stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ksft_print_msg("moved %u times while %llu groups were answered\n",
		       moves, (unsigned long long)atomic_load(&c.answered));
	crowd_check(_metadata, &c);
}

TEST(reporters_on_several_devices_overflow)
{
	struct reporter who[FT_DEVICES];
	pthread_t t[FT_DEVICES];
	struct crowd c;
	int i, rc;

	rc = crowd_start(&c, FT_DEVICES);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	for (i = 0; i < FT_DEVICES; i++) {
		who[i].c = &c;
		who[i].dev = (unsigned int)i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, reporter, &who[i]));
	}
	/* Nobody reads: the queue is full soon, and stays whole. */
	sleep_ms((long)run_ms() / 2);
	atomic_store(&c.stop, true);
	for (i = 0; i < FT_DEVICES; i++)
		pthread_join(t[i], NULL);
	crowd_check(_metadata, &c);
}

/* --- map against unmap --- */

struct mapper {
	int fd;
	__u32 ioas;
	char *memory;
	atomic_bool *stop;
	atomic_ullong *broken;
	unsigned int seed;
};

static void *mapper(void *arg)
{
	struct mapper *m = arg;
	unsigned int x = m->seed;

	while (!atomic_load(m->stop)) {
		unsigned int at, pages;
		int rc;

		x = x * 1664525 + 1013904223;
		at = x >> 27;
		pages = 1 + (x >> 20) % 4;
		if (x & 0x10000)
			rc = iommu_map(m->fd, m->ioas, m->memory,
				       pages * PAGE, IOVA_BASE + at * PAGE);
		else
			rc = iommu_unmap(m->fd, m->ioas, IOVA_BASE + at * PAGE,
					 pages * PAGE, NULL);
		if (rc && rc != -EEXIST && rc != -ENOENT && rc != -EBUSY)
			atomic_fetch_add(m->broken, 1);
	}
	return NULL;
}

TEST(map_against_unmap)
{
	struct mapper m[3] = { 0 };
	struct mock_device d, e;
	atomic_ullong broken = 0;
	atomic_bool stop = false;
	long before = pinned_pages();
	pthread_t t[3];
	__u32 ioas;
	char *memory;
	__u64 end;
	int fd, i;

	memory = mem_get(4 * PAGE);
	ASSERT_NE(NULL, memory);
	fd = iommu_open();
	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	ASSERT_EQ(0, mock_device(fd, ioas, 0, &d));
	for (i = 0; i < 3; i++) {
		m[i].fd = fd;
		m[i].ioas = ioas;
		m[i].memory = memory;
		m[i].stop = &stop;
		m[i].broken = &broken;
		m[i].seed = (unsigned int)i + 1;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, mapper, &m[i]));
	}
	/* Meanwhile page tables come and go, each to be filled and emptied. */
	end = now_ms() + run_ms();
	while (now_ms() < end) {
		__u32 hwpt;

		ASSERT_EQ(0, iommu_hwpt_paging(fd, d.dev, ioas, 0, 0, &hwpt));
		ASSERT_EQ(0, mock_device(fd, ioas, 0, &e));
		ASSERT_EQ(0, iommu_destroy(fd, e.stdev));
		ASSERT_EQ(0, iommu_destroy(fd, hwpt));
	}
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, broken);
	EXPECT_EQ(0, iommu_unmap(fd, ioas, 0, ~0ULL, NULL));
	EXPECT_EQ(before, pinned_pages());
	close(fd);
}

/* --- lookers --- */

/**
 * struct looker - what is looked at without a lock while it changes
 * @fd: /dev/iommu
 * @ioas: memory is mapped, pinned and unmapped there
 * @bare: an IOAS with no page table, whose option is set
 * @dev: a device whose window for doorbells is set
 * @access: pins memory of @ioas
 * @stop: set when all are to end
 * @looks: how often it was looked
 * @bad: an errno that nobody should see, or 0
 */
struct looker {
	int fd;
	__u32 ioas;
	__u32 bare;
	__u32 dev;
	int access;
	atomic_bool stop;
	atomic_ullong looks;
	atomic_int bad;
};

static int looker_op(int fd, struct iommu_test_cmd *c)
{
	c->size = sizeof(*c);
	return iommu_call(fd, IOMMU_TEST_CMD, c);
}

static void *looker(void *arg)
{
	struct looker *l = arg;
	struct fdinfo info;

	while (!atomic_load(&l->stop)) {
		struct iommu_msi_window w;
		__u64 value;
		int rc;

		rc = fdinfo_read(0, l->fd, &info);
		if (!rc)
			rc = iommu_option(l->fd, IOMMU_OPTION_HUGE_PAGES,
					  IOMMU_OPTION_OP_GET, l->bare, &value);
		if (!rc && l->dev)
			rc = iommu_msi_window(l->fd, l->dev, &w);
		if (rc)
			atomic_store(&l->bad, rc);
		atomic_fetch_add(&l->looks, 1);
	}
	return NULL;
}

/* An unmap may come before any of the two: then nothing is there to pin, or to unpin */
static void *pinner(void *arg)
{
	struct looker *l = arg;
	unsigned int at = 0;

	while (!atomic_load(&l->stop)) {
		struct iommu_test_cmd pin = {
			.op = IOMMU_TEST_OP_ACCESS_PAGES,
			.id = (__u32)l->access,
			.access_pages.iova = IOVA_BASE + at++ % 32 * PAGE,
			.access_pages.length = PAGE,
		};
		struct iommu_test_cmd unpin = {
			.op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
			.id = (__u32)l->access,
		};
		int rc = looker_op(l->fd, &pin);

		if (!rc) {
			unpin.destroy_access_pages.access_pages_id =
				pin.access_pages.out_access_pages_id;
			rc = looker_op(l->fd, &unpin);
		}
		if (rc && rc != -ENOENT && rc != -EINVAL)
			atomic_store(&l->bad, rc);
	}
	return NULL;
}

static void *setter(void *arg)
{
	struct looker *l = arg;
	unsigned int i;

	for (i = 0; !atomic_load(&l->stop); i++) {
		__u64 value = i % 2;
		int rc;

		rc = iommu_option(l->fd, IOMMU_OPTION_HUGE_PAGES,
				  IOMMU_OPTION_OP_SET, l->bare, &value);
		if (!rc && l->dev)
			rc = iommu_msi_window_set(l->fd, l->dev, 0,
						  0x20000000ULL + i % 2 * PAGE,
						  PAGE);
		if (rc)
			atomic_store(&l->bad, rc);
	}
	return NULL;
}

/* What fdinfo shows, and what options say, is read as others write it. KCSAN looks on. */
TEST(looked_at_while_it_changes)
{
	void *(*const run[])(void *) = { looker, pinner, setter };
	struct iommu_test_cmd make = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
	};
	struct looker l = { 0 };
	atomic_ullong broken = 0;
	pthread_t t[4];
	struct mapper m = { .seed = 1 };
	struct mock_device d, w;
	char *memory;
	int i;

	memory = mem_get(4 * PAGE);
	ASSERT_NE(NULL, memory);
	l.fd = iommu_open();
	if (l.fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, l.fd);
	ASSERT_EQ(0, iommu_ioas_alloc(l.fd, &l.ioas));
	ASSERT_EQ(0, iommu_ioas_alloc(l.fd, &l.bare));
	ASSERT_EQ(0, mock_device(l.fd, l.ioas, 0, &d));
	make.id = l.ioas;
	ASSERT_EQ(0, looker_op(l.fd, &make));
	l.access = (int)make.create_access.out_access_fd;
	ASSERT_EQ(0, mock_device(l.fd, 0, MOCK_FLAGS_DEVICE_SW_MSI |
				 MOCK_FLAGS_DEVICE_UNATTACHED, &w));
	/* The smallest of test kernels may have no windows */
	if (!iommu_msi_window_set(l.fd, w.dev, 0, 0x20000000ULL, PAGE))
		l.dev = w.dev;

	m.fd = l.fd;
	m.ioas = l.ioas;
	m.memory = memory;
	m.stop = &l.stop;
	m.broken = &broken;
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, run[i], &l));
	ASSERT_EQ(0, pthread_create(&t[3], NULL, mapper, &m));
	LET_WORK((long)run_ms(), &l.looks, 0);
	atomic_store(&l.stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, atomic_load(&l.bad));
	EXPECT_EQ(0, atomic_load(&broken));
	EXPECT_LT(0, atomic_load(&l.looks));
	close(l.access);
	close(l.fd);
}

/* --- a group --- */

/**
 * struct mover - one device of a group, moved to one place again and again
 * @fd: /dev/iommu
 * @stdev: the device
 * @pt: where to: the group is there or where the other device's mover has taken it
 * @done: replaces done
 * @stop: set when it is to end
 * @bad: an errno, which nobody should see
 * @urgent: it goes before the other one
 */
struct mover {
	int fd;
	__u32 stdev;
	__u32 pt;
	atomic_ullong done;
	atomic_bool *stop;
	atomic_int *bad;
	bool urgent;
};

static void *mover(void *arg)
{
	struct sched_param urgent = { .sched_priority = 1 };
	struct mover *m = arg;
	unsigned int x = 1;

	/*
	 * Who waits for the other one's lock is to go on the moment that it is free,
	 * before the other one does. Without the right to that it is left to chance.
	 */
	if (m->urgent)
		pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
	while (!atomic_load(m->stop)) {
		struct timespec ts = { 0 };
		int rc = mock_replace(m->fd, m->stdev, m->pt);

		if (rc) {
			atomic_store(m->bad, rc);
			break;
		}
		atomic_fetch_add(&m->done, 1);
		if (!m->urgent)
			continue;
		/* To come back at any point of what the other one does */
		x = x * 1664525 + 1013904223;
		ts.tv_nsec = 1000 + (x >> 8) % 200000;
		nanosleep(&ts, NULL);
	}
	return NULL;
}

/*
 * One device of a group is moved to an IOAS, which makes a table for it; another one of
 * them takes the group away from there, maybe before the first call has come to its end,
 * and with the group the table's last user goes.
 */
TEST(group_moved_by_two)
{
	atomic_bool stop = false;
	struct mock_device d[2];
	struct mover m[2] = { 0 };
	atomic_int bad = 0;
	__u32 ioas[2], hwpt;
	cpu_set_t cpu, all;
	pthread_t t[2];
	int fd, i;

	fd = iommu_open();
	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas[i]));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mock_device(fd, ioas[0], MOCK_FLAGS_DEVICE_SHARED,
					 &d[i]));
	ASSERT_EQ(0, iommu_hwpt_paging(fd, d[0].dev, ioas[0], 0, 0, &hwpt));

	/* The threads inherit it */
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	for (i = 0; i < 2; i++) {
		m[i].fd = fd;
		m[i].stdev = d[i].stdev;
		m[i].pt = i ? hwpt : ioas[1];
		m[i].stop = &stop;
		m[i].bad = &bad;
		m[i].urgent = i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, mover, &m[i]));
	}
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	sleep_ms((int)run_ms());
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, bad);
	EXPECT_LT(0, m[0].done);
	EXPECT_LT(0, m[1].done);

	/* Nothing is left of the tables that were made */
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mock_replace(fd, d[i].stdev, hwpt));
	EXPECT_EQ(0, iommu_destroy(fd, ioas[1]));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, iommu_destroy(fd, d[i].stdev));
	EXPECT_EQ(0, iommu_destroy(fd, hwpt));
	EXPECT_EQ(0, iommu_destroy(fd, ioas[0]));
	close(fd);
}

/* --- processes --- */

/*
 * The child has the only copy of the queue's fd, this process has /dev/iommu:
 * so the device and its ledger outlive the child.
 */
TEST(killed_with_faults_pending)
{
	struct mock_dma dma[4];
	struct mock_ledger l;
	struct fault_test t;
	int p[2], i, rc, status;
	char ok = 0;
	pid_t child;

	rc = ft_init(&t, true, DEPTH, IOMMU_FAULT_POLICY_BLOCKING);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(0, pipe(p));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The inherited copy is all there is once the parent closed. */
		struct iommu_hwpt_pgfault r;

		if (iommu_fault_read(t.queue, &r, 1) != 1 ||
		    write(p[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(t.queue);
	for (i = 0; i < 4; i++) {
		memset(&dma[i], 0, sizeof(dma[i]));
		dma[i].dev = t.dev[0].dev;
		dma[i].flags = MOCK_DMA_ASYNC | MOCK_DMA_WRITE;
		dma[i].iova = IOVA_BASE + (unsigned int)i * PAGE;
		dma[i].data = &ok;
		dma[i].length = 1;
		ASSERT_EQ(0, mock_dma(t.fd, &dma[i]));
		ASSERT_EQ(MOCK_DMA_PENDING, dma[i].status);
	}
	ASSERT_EQ(1, read(p[0], &ok, 1));
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mock_dma_wait(t.fd, &dma[i], FOREVER_MS));
		/* Those that asked after the end were not even taken. */
		EXPECT_TRUE(dma[i].status == MOCK_DMA_FAULTED ||
			    dma[i].status == MOCK_DMA_BLOCKED);
		EXPECT_EQ(0, dma[i].done);
	}
	ASSERT_EQ(0, mock_ledger(t.fd, t.dev[0].dev, &l));
	EXPECT_EQ(4, l.reported);
	EXPECT_EQ(0, mock_unanswered(&l));
	EXPECT_EQ(4, l.invalid + l.other);
	close(t.fd);
}

static bool is_pinned(int fd, void *memory, size_t length)
{
	struct iommu_test_cmd c = {
		.size = sizeof(c),
		.op = IOMMU_TEST_OP_MD_CHECK_REFS,
		.check_refs = { .length = length, .uptr = (uintptr_t)memory },
	};

	return iommu_call(fd, IOMMU_TEST_CMD, &c) == -EIO;
}

/*
 * Everything belongs to the one that is killed, in a blocking read at that: but for the
 * memory, which this process has as well, to see that nobody holds it afterwards.
 */
TEST(killed_with_everything)
{
	const size_t length = 16 * PAGE;
	int fd, i, status;
	char *memory;
	__u64 end;

	fd = iommu_open();
	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, fd);
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	for (i = 0; i < 5; i++) {
		pid_t child = fork();

		ASSERT_LE(0, child);
		if (!child) {
			struct iommu_hwpt_pgfault r;
			struct fault_test t;

			close(fd);
			if (ft_init(&t, true, DEPTH, IOMMU_FAULT_POLICY_BLOCKING) ||
			    iommu_map(t.fd, t.ioas, memory, length, IOVA_BASE) ||
			    !is_pinned(t.fd, memory, length) ||
			    ft_singles(&t, 0, 10) != 10 ||
			    iommu_fault_read(t.queue, &r, 1) != 1)
				_exit(1);
			if (i & 1)
				ft_serve(&t, IOMMUFD_PAGE_RESP_SUCCESS);
			if (i > 2)
				raise(SIGKILL);
			alarm(1);
			signal(SIGALRM, SIG_DFL);
			while (iommu_fault_read(t.queue, &r, 1) >= 0)
				;
			_exit(1);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		end = now_ms() + FOREVER_MS;
		while (is_pinned(fd, memory, length) && now_ms() < end)
			sleep_ms(10);
		EXPECT_FALSE(is_pinned(fd, memory, length));
	}
	close(fd);
	munmap(memory, length);
}

/* The fault fd is close-on-exec: a program that is started does not keep it. */
TEST(fork_and_exec)
{
	struct mock_ledger l;
	struct fault_test t;
	int i, rc, status;
	pid_t child;

	rc = ft_init(&t, true, DEPTH, 0);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	ASSERT_EQ(3, ft_singles(&t, 0, 3));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		execl("/bin/sleep", "sleep", "60", NULL);
		execl("/bin/busybox", "busybox", "sleep", "60", NULL);
		_exit(1);
	}
	/* Until it has become the other program it has a copy. */
	for (i = 0; i < 500; i++) {
		char path[64], name[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", child);
		f = fopen(path, "re");
		if (f) {
			if (!fgets(name, sizeof(name), f))
				name[0] = 0;
			fclose(f);
		}
		if (!strncmp(name, "sleep", 5) || !strncmp(name, "busybox", 7))
			break;
		sleep_ms(10);
	}
	close(t.queue);
	t.queue = -1;
	t.n.drained_invalid += 3;
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	ASSERT_EQ(0, ft_mock(&t, &l));
	EXPECT_EQ(0, mock_unanswered(&l));
	EXPECT_EQ(3, l.invalid);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(t.fd);
}

static void *close_later(void *arg)
{
	int *fd = arg;

	sleep_ms(100);
	close(*fd);
	return NULL;
}

/* Another thread closes the fd under a blocked read, which is to go on. */
TEST(close_under_a_reader)
{
	struct iommu_hwpt_pgfault r;
	struct fault_test t;
	pthread_t closer;
	int rc, copy;

	rc = ft_init(&t, true, DEPTH, IOMMU_FAULT_POLICY_BLOCKING);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	copy = dup(t.queue);
	ASSERT_LE(0, copy);
	ASSERT_EQ(0, pthread_create(&closer, NULL, close_later, &copy));
	alarm(10);
	/* The fault comes from another process: this one sleeps. */
	if (!fork()) {
		sleep_ms(400);
		_exit(ft_singles(&t, 0, 1) == 1 ? 0 : 1);
	}
	EXPECT_EQ(1, iommu_fault_read(copy, &r, 1));
	alarm(0);
	pthread_join(closer, NULL);
	wait(NULL);
	EXPECT_EQ(0, iommu_fault_answer(t.queue, r.cookie, 0));
	close(t.queue);
	close(t.fd);
}

/* Queues, tables and devices made and taken away at once by several threads */
static void *builder(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->stop)) {
		struct mock_device d;
		__u32 id, hwpt;
		int queue;

		queue = iommu_fault_queue(c->t.fd, 8, 0, 0, &id);
		if (queue < 0 || ft_table(&c->t, true, id, &hwpt) ||
		    mock_device(c->t.fd, c->t.ioas, 0, &d) ||
		    mock_replace(c->t.fd, d.stdev, hwpt)) {
			atomic_fetch_add(&c->broken, 1);
			break;
		}
		close(queue);
		if (iommu_destroy(c->t.fd, d.stdev) ||
		    iommu_destroy(c->t.fd, hwpt) ||
		    iommu_destroy(c->t.fd, id)) {
			atomic_fetch_add(&c->broken, 1);
			break;
		}
		atomic_fetch_add(&c->success, 1);
	}
	return NULL;
}

/* Ids that come and go under calls which name them */
static void *guesser(void *arg)
{
	struct crowd *c = arg;
	unsigned int x = 1;
	struct fdinfo info;

	while (!atomic_load(&c->stop)) {
		struct iommu_hw_info hw = { .size = sizeof(hw) };
		__u32 num = 0;

		x = x * 1664525 + 1013904223;
		hw.dev_id = x >> 28;
		iommu_call(c->t.fd, IOMMU_GET_HW_INFO, &hw);
		iommu_hwpt_invalidate(c->t.fd, x >> 28,
				      IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
				      NULL, 0, &num);
		if (fdinfo_read(0, c->t.fd, &info))
			atomic_fetch_add(&c->broken, 1);
	}
	return NULL;
}

TEST(build_and_destroy)
{
	pthread_t t[4];
	struct crowd c;
	int i, rc;

	rc = crowd_start(&c, 1);
	if (rc == FT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL,
					    i < 2 ? builder : guesser, &c));
	LET_WORK((long)run_ms(), &c.success, 0);
	atomic_store(&c.stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, atomic_load(&c.broken));
	EXPECT_LT(0, atomic_load(&c.success));
	close(c.t.queue);
	close(c.t.fd);
}

TEST_HARNESS_MAIN
