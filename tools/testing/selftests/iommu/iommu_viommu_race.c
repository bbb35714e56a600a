// SPDX-License-Identifier: GPL-2.0
/*
 * vIOMMUs with everything at once: commands and events of a guest while its
 * devices are named, renamed, unbound and plugged in, and its queues come and go.
 * What is being looked for is a use after the end of something, which the debug
 * kernel notices; and that none of the losers of a race sees another error than
 * that it has lost.
 */
#include "viommu_test.h"

#include <stdatomic.h>

FIXTURE(viommu_race) {
	struct viommu_test t;
};

FIXTURE_SETUP(viommu_race)
{
	int rc = vt_init(&self->t);

	if (rc == VT_NO_IOMMU)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_EQ(0, rc);
}

FIXTURE_TEARDOWN(viommu_race)
{
	vt_exit(&self->t);
}

/**
 * struct race - threads that get in each other's way
 * @t: what they work with
 * @dev: the device to name
 * @stop: set when they are to end
 * @done: what they got done, so that a race that never happens is noticed
 * @bad: an errno that nobody should see, or 0
 */
static struct race {
	struct viommu_test *t;
	atomic_uint dev;
	atomic_bool stop;
	atomic_uint done[4];
	atomic_int bad;
} race;

static void race_start(struct viommu_test *t)
{
	unsigned int i;

	race.t = t;
	race.dev = t->dev.dev;
	race.stop = false;
	race.bad = 0;
	for (i = 0; i < ARRAY_LEN(race.done); i++)
		race.done[i] = 0;
}

/*
 * For so long, and where the machine is slow until each has got something done of what
 * these say: bit i is race.done[i]
 */
static bool race_goes_on(__u64 end, unsigned int who)
{
	const __u64 now = now_ms();
	unsigned int i;

	if (now < end)
		return true;
	for (i = 0; i < ARRAY_LEN(race.done); i++)
		if (who & 1 << i && !race.done[i])
			return now < end + 3 * FOREVER_MS;
	return false;
}

static bool one_of(int rc, const int *codes)
{
	for (; *codes; codes++)
		if (rc == *codes)
			return true;
	return !rc;
}

static void note(unsigned int who, int rc, const int *expected)
{
	if (!rc)
		race.done[who]++;
	if (!one_of(rc, expected))
		race.bad = rc;
}

static void *race_invalidate(void *arg)
{
	static const int expected[] = { -EINVAL, 0 };
	struct iommu_viommu_invalidate_selftest inv[16] = { { 0 } };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(inv); i++)
		inv[i].vdev_id = VIRT_ID;
	while (!race.stop) {
		__u32 num = ARRAY_LEN(inv);
		int rc = vt_invalidate(race.t, inv, &num);

		if (rc ? num == ARRAY_LEN(inv) : num != ARRAY_LEN(inv))
			race.bad = -EPROTO;
		note(0, rc, expected);
	}
	return arg;
}

/* The guest's name goes and comes, under invalidations and an unbind. */
static void *race_rename(void *arg)
{
	static const int expected[] = { -ENOENT, -EEXIST, 0 };

	while (!race.stop) {
		__u32 id, dev = race.dev;
		int rc = iommu_vdevice(race.t->fd, race.t->viommu, dev,
				       VIRT_ID, &id);

		note(1, rc, expected);
		if (rc)
			continue;
		/* As long as it takes to be met by the others */
		sleep_ms(2);
		note(1, iommu_destroy(race.t->fd, id), expected);
	}
	return arg;
}

static void *race_events(void *arg)
{
	static const int expected[] = { -ENOENT, -EOPNOTSUPP, 0 };

	while (!race.stop)
		note(2, mock_vevent(race.t->fd, race.t->dev.dev), expected);
	return arg;
}

static void *race_queues(void *arg)
{
	static const int expected[] = { 0 };

	while (!race.stop) {
		struct vevent e[4];
		__u32 id;
		int queue = iommu_veventq(race.t->fd, race.t->viommu,
					  IOMMU_VEVENTQ_TYPE_SELFTEST, 3, &id);

		if (queue < 0) {
			race.bad = queue;
			break;
		}
		fcntl(queue, F_SETFL, O_NONBLOCK);
		sleep_ms(3);
		vt_read(queue, e, sizeof(e));
		close(queue);
		note(3, iommu_destroy(race.t->fd, id), expected);
	}
	return arg;
}

TEST_F_TIMEOUT(viommu_race, commands_while_devices_come_and_go, 120)
{
	struct viommu_test *t = &self->t;
	void *(*const run[])(void *arg) = {
		race_invalidate, race_invalidate, race_rename,
	};
	pthread_t thread[ARRAY_LEN(run)];
	unsigned int i, rounds;
	__u64 end;

	race_start(t);
	for (i = 0; i < ARRAY_LEN(run); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run[i], NULL));
	end = now_ms() + 5000 * test_scale();
	for (rounds = 0; race_goes_on(end, 3); rounds++) {
		struct mock_device d;

		ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &d));
		race.dev = d.dev;
		sleep_ms(rounds % 4 * 5);
		/* Whoever has named it meanwhile loses the name. */
		ASSERT_EQ(0, iommu_destroy(t->fd, d.stdev));
	}
	race.stop = true;
	for (i = 0; i < ARRAY_LEN(run); i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	EXPECT_EQ(0, race.bad);
	EXPECT_LT(2, rounds);
	EXPECT_LT(0, race.done[0]);
	EXPECT_LT(0, race.done[1]);
	EXPECT_EQ(0, iommu_destroy(t->fd, t->viommu));
}

TEST_F_TIMEOUT(viommu_race, events_while_queues_come_and_go, 120)
{
	struct viommu_test *t = &self->t;
	void *(*const run[])(void *arg) = {
		race_events, race_events, race_queues, race_rename,
	};
	pthread_t thread[ARRAY_LEN(run)];
	unsigned int i;
	__u64 end;

	race_start(t);
	ASSERT_EQ(0, vt_guest(t, 1));
	ASSERT_EQ(0, close(t->queue));
	t->queue = -1;
	ASSERT_EQ(0, iommu_destroy(t->fd, t->queue_id));
	ASSERT_EQ(0, iommu_destroy(t->fd, t->vdevice));
	for (i = 0; i < ARRAY_LEN(run); i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run[i], NULL));
	end = now_ms() + 5000 * test_scale();
	while (race_goes_on(end, 14))
		sleep_ms(100);
	race.stop = true;
	for (i = 0; i < ARRAY_LEN(run); i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	EXPECT_EQ(0, race.bad);
	EXPECT_LT(0, race.done[1]);
	EXPECT_LT(0, race.done[2]);
	EXPECT_LT(0, race.done[3]);
}

static void *destroy_vdevice(void *arg)
{
	return (void *)(long)iommu_destroy(race.t->fd, *(__u32 *)arg);
}

/* The program takes a name away while the device goes: one of them does it. */
TEST_F_TIMEOUT(viommu_race, destroy_against_unbind, 120)
{
	struct viommu_test *t = &self->t;
	unsigned int i, mine = 0, rounds = 100 * test_scale();

	race_start(t);
	for (i = 0; i < rounds; i++) {
		struct mock_device d;
		void *result;
		pthread_t thread;
		__u32 id;

		ASSERT_EQ(0, mock_device(t->fd, t->ioas, 0, &d));
		ASSERT_EQ(0, iommu_vdevice(t->fd, t->viommu, d.dev, VIRT_ID,
					   &id));
		ASSERT_EQ(0, pthread_create(&thread, NULL, destroy_vdevice,
					    &id));
		if (i % 2)
			sched_yield();
		ASSERT_EQ(0, iommu_destroy(t->fd, d.stdev));
		ASSERT_EQ(0, pthread_join(thread, &result));
		mine += !result;
		ASSERT_TRUE(!result || (long)result == -ENOENT);
		EXPECT_EQ(-ENOENT, iommu_destroy(t->fd, id));
	}
	ksft_print_msg("%u of %u by the program\n", mine, rounds);
	EXPECT_EQ(0, iommu_destroy(t->fd, t->viommu));
}

TEST_HARNESS_MAIN
