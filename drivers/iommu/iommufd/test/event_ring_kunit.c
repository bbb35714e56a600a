// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of an event queue (fault/event_ring.c), in the format of each user ABI:
 * whatever is pushed and read in whatever order, the stream accounts for every
 * event once, in order, as read or as lost.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/prandom.h>
#include <linux/uio.h>

#include "fault/event_ring.h"
#include "poller_kunit.h"

/* A whole record for a loss, and a flag on the record behind one */
static const struct iommufd_event_format with_flags = {
	.first = 1,
	.sequence_mask = U32_MAX,
	.after_loss = BIT(0),
	.loss = BIT(0) | BIT(1),
};

/* A head for a loss, nothing on the record behind one */
static const struct iommufd_event_format heads_only = {
	.first = 0,
	.sequence_mask = INT_MAX,
	.loss = BIT(0),
	.loss_len = sizeof(struct iommufd_event_head),
};

/**
 * struct reader - who reads a ring, and what the stream has said so far
 * @ring: the ring
 * @file: as far as a read looks at it
 * @next: number that the next event has if none is lost
 * @got: events read
 * @lost: events the stream told were lost
 */
struct reader {
	struct iommufd_event_ring ring;
	struct file file;
	u32 next;
	u64 got;
	u64 lost;
};

static struct reader *reader_new(struct kunit *test,
				 const struct iommufd_event_format *format,
				 u32 data_len, u32 depth, u32 first)
{
	struct reader *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	KUNIT_ASSERT_EQ(test, 0,
			iommufd_event_ring_init(&r->ring, format,
						sizeof(struct iommufd_event_head) +
							data_len, depth));
	r->file.f_flags = O_NONBLOCK;
	r->ring.sequence = (first - 1) & format->sequence_mask;
	r->next = first;
	return r;
}

static ssize_t reader_read(struct reader *r, void *buf, size_t len)
{
	struct kiocb iocb = { .ki_filp = &r->file };
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, len);
	return iommufd_event_ring_read(&r->ring, &iocb, &iter);
}

/* Each event carries its own number in every word. */
static bool push(struct reader *r, u32 data_len)
{
	u32 data[4], number = (r->ring.sequence + 1) &
			      r->ring.format->sequence_mask;

	memset32(data, number, ARRAY_SIZE(data));
	return iommufd_event_ring_push(&r->ring, 0, data, data_len);
}

static u32 gap(const struct reader *r, u32 number)
{
	return (number - r->next) & r->ring.format->sequence_mask;
}

/* One record at @at; returns its length. */
static size_t check_record(struct kunit *test, struct reader *r, const u8 *at,
			   u32 data_len)
{
	const struct iommufd_event_format *format = r->ring.format;
	const struct iommufd_event_head *head = (const void *)at;
	const u32 *data = (const void *)(head + 1);
	u32 i;

	if (head->flags == format->loss) {
		r->lost += gap(r, head->sequence) + 1;
		r->next = (head->sequence + 1) & format->sequence_mask;
		return format->loss_len ?: sizeof(*head) + data_len;
	}
	KUNIT_EXPECT_EQ(test, head->flags,
			gap(r, head->sequence) ? format->after_loss : 0);
	for (i = 0; i < data_len / sizeof(*data); i++)
		KUNIT_EXPECT_EQ(test, data[i], head->sequence);
	r->lost += gap(r, head->sequence);
	r->got++;
	r->next = (head->sequence + 1) & format->sequence_mask;
	return sizeof(*head) + data_len;
}

/* Returns what the read returned; everything in it is checked. */
static ssize_t read_checked(struct kunit *test, struct reader *r, size_t room,
			    u32 data_len)
{
	static u8 buf[2048] __aligned(8);
	ssize_t len, at;

	len = reader_read(r, buf, min(room, sizeof(buf)));
	for (at = 0; at < len;)
		at += check_record(test, r, buf + at, data_len);
	if (len > 0)
		KUNIT_EXPECT_EQ(test, at, len);
	return len;
}

static void any_order(struct kunit *test,
		      const struct iommufd_event_format *format, u32 first)
{
	struct rnd_state rnd;
	u32 depth, data_len, i, seed;

	for (seed = 1; seed <= 40; seed++) {
		struct reader *r;
		u64 pushed = 0;

		prandom_seed_state(&rnd, seed);
		depth = 1 + prandom_u32_state(&rnd) % 9;
		data_len = 4 * (1 + prandom_u32_state(&rnd) % 4);
		r = reader_new(test, format, data_len, depth, first);
		for (i = 0; i < 200; i++) {
			u32 num = prandom_u32_state(&rnd) % 6;

			for (; num; num--, pushed++)
				push(r, data_len);
			/* Often too short for everything that is there */
			read_checked(test, r,
				     prandom_u32_state(&rnd) % 120, data_len);
			KUNIT_EXPECT_LE(test, r->got + r->lost, pushed);
		}
		while (read_checked(test, r, 512, data_len) > 0)
			;
		KUNIT_EXPECT_EQ(test, r->got + r->lost, pushed);
		KUNIT_EXPECT_EQ(test, r->lost, r->ring.lost_total);
		KUNIT_EXPECT_EQ(test, pushed, r->ring.total);
		iommufd_event_ring_exit(&r->ring);
	}
}

static void any_order_with_flags(struct kunit *test)
{
	any_order(test, &with_flags, 1);
}

static void any_order_heads_only(struct kunit *test)
{
	any_order(test, &heads_only, 0);
}

/* The numbers run over in the middle of it. */
static void numbers_wrap(struct kunit *test)
{
	any_order(test, &with_flags, U32_MAX - 50);
	any_order(test, &heads_only, INT_MAX - 50);
}

static void holds_what_was_asked_for(struct kunit *test)
{
	struct reader *r;
	u32 depth, i;

	for (depth = 1; depth < 20; depth++) {
		r = reader_new(test, &heads_only, 8, depth, 0);
		for (i = 0; i < depth; i++)
			KUNIT_EXPECT_TRUE(test, push(r, 8));
		KUNIT_EXPECT_FALSE(test, push(r, 8));
		KUNIT_EXPECT_EQ(test, read_checked(test, r, 16, 8), 16);
		KUNIT_EXPECT_TRUE(test, push(r, 8));
		KUNIT_EXPECT_FALSE(test, push(r, 8));
		iommufd_event_ring_exit(&r->ring);
	}
}

static void what_a_read_returns(struct kunit *test)
{
	struct reader *r = reader_new(test, &heads_only, 4, 2, 0);

	KUNIT_EXPECT_EQ(test, read_checked(test, r, 0, 4), 0);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 64, 4), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, push(r, 4));
	KUNIT_EXPECT_TRUE(test, push(r, 4));
	KUNIT_EXPECT_FALSE(test, push(r, 4));
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 11, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 23, 4), 12);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 19, 4), 12);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 7, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 8, 4), 8);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 64, 4), -EAGAIN);
	KUNIT_EXPECT_EQ(test, r->got, 2);
	KUNIT_EXPECT_EQ(test, r->lost, 1);
	iommufd_event_ring_exit(&r->ring);
}

/* Another reader has the lock. The one that has it after that one is read_checked(). */
static void read_refused(struct kunit *test, struct reader *r)
{
	mutex_lock(&r->ring.read_lock);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 64, 4), -EAGAIN);
	mutex_unlock(&r->ring.read_lock);
}

/*
 * Who does not wait for another reader, and is not to look again before it is woken, is
 * woken when that one has left something; and nobody else is.
 */
static void refused_is_woken(struct kunit *test)
{
	struct reader *r = reader_new(test, &heads_only, 4, 2, 0);
	struct poller poller;

	KUNIT_EXPECT_TRUE(test, push(r, 4));
	KUNIT_EXPECT_TRUE(test, push(r, 4));
	KUNIT_EXPECT_FALSE(test, push(r, 4));
	poller_add(&poller, &r->ring.wait);

	/* An event is left */
	read_refused(test, r);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 0);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 12, 4), 12);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 1);
	/* A loss is */
	read_refused(test, r);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 12, 4), 12);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 2);
	/* It is left by a read that fails, and nobody was refused meanwhile */
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 7, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 2);
	/* Nothing is */
	read_refused(test, r);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 64, 4), 8);
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakes), 2);
	KUNIT_EXPECT_EQ(test, read_checked(test, r, 64, 4), -EAGAIN);

	remove_wait_queue(&r->ring.wait, &poller.wait);
	iommufd_event_ring_exit(&r->ring);
}

static struct kunit_case event_ring_cases[] = {
	KUNIT_CASE(any_order_with_flags),
	KUNIT_CASE(any_order_heads_only),
	KUNIT_CASE(numbers_wrap),
	KUNIT_CASE(holds_what_was_asked_for),
	KUNIT_CASE(what_a_read_returns),
	KUNIT_CASE(refused_is_woken),
	{}
};

static struct kunit_suite event_ring_suite = {
	.name = "iommufd_event_ring",
	.test_cases = event_ring_cases,
};

kunit_test_suite(event_ring_suite);

MODULE_DESCRIPTION("KUnit tests of the ring of an event queue");
MODULE_LICENSE("GPL");
