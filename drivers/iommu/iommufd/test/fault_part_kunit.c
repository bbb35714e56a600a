// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of a device, that is mediated devices of one requester id, share its room for
 * outstanding page requests: what a part that never answers leaves to the others.
 */
#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fault_kunit.h"

#define PARTS	12
#define ROOM	32U
/* Of these, for parts that have none */
#define FIRSTS	8U

struct part_test {
	struct ft *ft;
	struct iommufd_fault_part part[PARTS];
	struct iommufd_fault_attach *attach[PARTS][2];
	u32 next;
};

/* Two PASIDs of each part. @part PARTS: of the device as a whole. */
static struct iommufd_fault_attach *
part_attach(struct part_test *t, unsigned int part, ioasid_t pasid)
{
	struct iommufd_fault_identity who = {
		.dev_id = 100 + part,
		.translated = part < PARTS,
		.vpasid = pasid % 10,
		.part = part < PARTS ? &t->part[part] : NULL,
	};

	return ft_attach_as(t->ft, 0, pasid, &who);
}

static u32 pasid_of(unsigned int part, unsigned int which)
{
	return 10 * (part + 1) + which;
}

static void part_begin(struct kunit *test, struct part_test *t, u32 room)
{
	unsigned int i;

	/* The queue has room for more than the device */
	if (t->ft)
		ft_start(t->ft, 4 * room, room);
	else
		t->ft = ft_new(test, 4 * room, room);
	for (i = 0; i < PARTS; i++) {
		t->attach[i][0] = part_attach(t, i, pasid_of(i, 0));
		t->attach[i][1] = part_attach(t, i, pasid_of(i, 1));
	}
}

static void part_end(struct part_test *t)
{
	unsigned int i;

	for (i = 0; i < PARTS; i++) {
		iommufd_fault_attach_remove(t->attach[i][0]);
		iommufd_fault_attach_remove(t->attach[i][1]);
		KUNIT_EXPECT_EQ(t->ft->test, 0,
				iommufd_fault_part_outstanding(&t->part[i]));
	}
	ft_done(t->ft);
}

static struct part_test *part_new(struct kunit *test, u32 room)
{
	struct part_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	part_begin(test, t, room);
	return t;
}

/* A group of one request, by either PASID of the part */
static bool part_takes(struct part_test *t, unsigned int part)
{
	u32 grpid = t->next++;
	enum iommufd_fault_verdict verdict;

	verdict = ft_report(t->ft, 0, pasid_of(part, grpid % 2), grpid,
			    0x1000 * grpid, true);
	if (verdict == IOMMUFD_FAULT_TAKEN)
		return true;
	KUNIT_EXPECT_EQ(t->ft->test, verdict, IOMMUFD_FAULT_RETRY);
	return false;
}

/* As many as it gets, none answered */
static unsigned int part_fills(struct part_test *t, unsigned int part)
{
	unsigned int num = 0;

	while (num <= 4 * FAULT_PART_ROOM && part_takes(t, part))
		num++;
	KUNIT_EXPECT_EQ(t->ft->test, num,
			iommufd_fault_part_outstanding(&t->part[part]));
	return num;
}

/*
 * One after the other takes all it can get, and nobody answers. Three of them have what
 * they share, eight more one each, and then there is no more. Whoever is answered has
 * room again, whatever the others do.
 */
static void part_test_leaves_room(struct kunit *test)
{
	static const unsigned int want[PARTS] = {
		16, 6, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0
	};
	struct part_test *t = part_new(test, ROOM);
	unsigned int i;

	for (i = 0; i < PARTS; i++)
		KUNIT_EXPECT_EQ_MSG(test, part_fills(t, i), want[i], "part %u",
				    i);
	/* Past the news of the loss */
	KUNIT_ASSERT_EQ(test, ft_read(t->ft, ROOM),
			ROOM * sizeof(t->ft->recs[0]));
	KUNIT_ASSERT_EQ(test, t->ft->recs[ROOM - 1].dev_id, 110);
	KUNIT_ASSERT_EQ(test, ft_answer(t->ft, t->ft->recs[ROOM - 1].cookie, 0),
			8);
	KUNIT_EXPECT_FALSE(test, part_takes(t, 0));
	KUNIT_EXPECT_FALSE(test, part_takes(t, 9));
	KUNIT_EXPECT_EQ(test, part_fills(t, 11), 1);
	KUNIT_EXPECT_FALSE(test, part_takes(t, 10));
	ft_ledger(t->ft, 0);
	part_end(t);
}

/* However small the room is, there is a first one in it. */
static void part_test_small_rooms(struct kunit *test)
{
	static const unsigned int want[][3] = {
		{ 1, 0, 0 }, { 1, 1, 0 }, { 2, 1, 0 }, { 2, 1, 1 }, { 2, 1, 1 },
	};
	struct part_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		part_begin(test, t, i + 1);
		for (j = 0; j < 3; j++)
			KUNIT_EXPECT_EQ_MSG(test, part_fills(t, j), want[i][j],
					    "room %u, part %u", i + 1, j);
		part_end(t);
	}
}

/* A group of a part: what is said to its last request. */
static enum iommufd_fault_verdict part_sends(struct part_test *t,
					     unsigned int part, u32 num)
{
	u32 grpid = t->next++, i;

	for (i = 1; i < num; i++)
		ft_report(t->ft, 0, pasid_of(part, 0), grpid, 0x1000 * i, false);
	return ft_report(t->ft, 0, pasid_of(part, 0), grpid, 0x1000 * i, true);
}

/* What is larger than a part has room for when it is alone need not ask again. */
static void part_test_large_groups(struct kunit *test)
{
	/* As part_test_small_rooms() has it, and the first of part_test_leaves_room() */
	static const struct { u32 room, most; } rooms[] = {
		{ 1, 1 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { ROOM, 16 },
		{ 4 * FAULT_PART_ROOM, 256 },
	};
	struct part_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		part_begin(test, t, rooms[i].room);
		KUNIT_EXPECT_EQ_MSG(test, part_sends(t, 0, rooms[i].most + 1),
				    IOMMUFD_FAULT_REFUSED, "room %u",
				    rooms[i].room);
		KUNIT_EXPECT_EQ_MSG(test, part_sends(t, 0, rooms[i].most),
				    IOMMUFD_FAULT_TAKEN, "room %u",
				    rooms[i].room);
		KUNIT_EXPECT_EQ_MSG(test, part_sends(t, 0, rooms[i].most),
				    IOMMUFD_FAULT_RETRY, "room %u",
				    rooms[i].room);
		part_end(t);
	}
}

/* However many a device may have: its group indices are not more. */
static void part_test_large_device(struct kunit *test)
{
	struct part_test *t = part_new(test, 4 * FAULT_PART_ROOM);
	unsigned int i, all = 0;

	KUNIT_EXPECT_EQ(test, part_fills(t, 0), 256);
	KUNIT_EXPECT_EQ(test, part_fills(t, 1), 86);
	for (i = 0; i < PARTS; i++)
		all += iommufd_fault_part_outstanding(&t->part[i]);
	KUNIT_EXPECT_LT(test, all, FAULT_PART_ROOM);
	KUNIT_EXPECT_TRUE(test, part_takes(t, 2));
	part_end(t);
}

/* Those that answer go on while one does not. */
static void part_test_others_are_served(struct kunit *test)
{
	struct part_test *t = part_new(test, ROOM);
	unsigned int i, j, num = part_fills(t, 0);

	KUNIT_ASSERT_EQ(test, ft_read(t->ft, ROOM),
			num * sizeof(t->ft->recs[0]));
	for (i = 0; i < 3 * ROOM; i++) {
		for (j = 1; j < PARTS; j++)
			KUNIT_EXPECT_TRUE(test, part_takes(t, j));
		KUNIT_EXPECT_FALSE(test, part_takes(t, 0));
		KUNIT_ASSERT_EQ(test, ft_read(t->ft, ROOM),
				(PARTS - 1) * sizeof(t->ft->recs[0]));
		for (j = 0; j < PARTS - 1; j++) {
			KUNIT_EXPECT_NE(test, t->ft->recs[j].dev_id, 100);
			KUNIT_EXPECT_EQ(test, ft_answer(t->ft,
							t->ft->recs[j].cookie,
							0), 8);
		}
	}
	ft_ledger(t->ft, 0);
	part_end(t);
}

/* The driver of the device itself is no part, and has all there is. */
static void part_test_whole(struct kunit *test)
{
	struct part_test *t = part_new(test, ROOM);
	struct iommufd_fault_attach *whole;
	unsigned int num = part_fills(t, 0);

	whole = part_attach(t, PARTS, 5);
	ft_take(t->ft, 0, 5, 0, ROOM - num);
	KUNIT_EXPECT_EQ(test, ft_report(t->ft, 0, 5, ROOM, 0x1000, true),
			IOMMUFD_FAULT_RETRY);
	iommufd_fault_attach_remove(whole);
	part_end(t);
}

/* What is let go without an answer to the part counts no more either. */
static void part_test_groups_in_part(struct kunit *test)
{
	struct part_test *t = part_new(test, ROOM);
	unsigned int i;

	/* A group that can never fit, and one that is never whole */
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, ft_report(t->ft, 0, pasid_of(0, 0), 1,
						0x1000 * i, false),
				IOMMUFD_FAULT_TAKEN);
	KUNIT_EXPECT_EQ(test, ft_report(t->ft, 0, pasid_of(0, 0), 1, 0, false),
			IOMMUFD_FAULT_DROPPED);
	KUNIT_EXPECT_EQ(test, 0, iommufd_fault_part_outstanding(&t->part[0]));
	KUNIT_EXPECT_EQ(test, ft_report(t->ft, 0, pasid_of(0, 0), 1, 0, true),
			IOMMUFD_FAULT_REFUSED);
	for (i = 0; i < 4; i++)
		ft_report(t->ft, 0, pasid_of(0, 1), 2, 0x1000 * i, false);
	KUNIT_EXPECT_EQ(test, 4, iommufd_fault_part_outstanding(&t->part[0]));
	iommufd_fault_source_discard_partial(t->ft->source[0]);
	KUNIT_EXPECT_EQ(test, 0, iommufd_fault_part_outstanding(&t->part[0]));
	KUNIT_EXPECT_EQ(test, part_fills(t, 0), 16);
	part_end(t);
}

static struct {
	unsigned int num;
	ioasid_t pasid;
	struct iommufd_fault_source *source;
} drained;

static void part_drained(struct iommufd_fault_source *source, ioasid_t pasid)
{
	drained.num++;
	drained.pasid = pasid;
	drained.source = source;
}

/* A PASID that nobody listens to: the backend is asked all the same. */
static void part_test_drain_without_queue(struct kunit *test)
{
	struct ft *ft = ft_new(test, ROOM, ROOM);
	struct iommufd_fault_attach *other;
	struct device *dev = ft->dev[0];
	struct iommufd_fault_hold *hold;

	memset(&drained, 0, sizeof(drained));
	ft->unit[0]->on_drain = part_drained;
	ft->unit[1]->on_drain = part_drained;
	/* With page requests off nothing is on its way */
	iommufd_fault_drain(dev, 77);
	KUNIT_EXPECT_EQ(test, 0, drained.num);
	/* They are on for another PASID, or since somebody holds them on */
	other = ft_attach(ft, 0, 5);
	iommufd_fault_drain(dev, 77);
	KUNIT_EXPECT_EQ(test, 1, drained.num);
	KUNIT_EXPECT_EQ(test, 77, drained.pasid);
	KUNIT_EXPECT_PTR_EQ(test, ft->source[0], drained.source);
	hold = iommufd_fault_hold_new(dev, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(hold));
	iommufd_fault_attach_remove(other);
	KUNIT_EXPECT_EQ(test, 2, drained.num);
	iommufd_fault_drain(dev, 78);
	KUNIT_EXPECT_EQ(test, 3, drained.num);
	KUNIT_EXPECT_EQ(test, 78, drained.pasid);
	iommufd_fault_hold_drop(hold);
	iommufd_fault_drain(dev, 78);
	KUNIT_EXPECT_EQ(test, 3, drained.num);
	/* One that has gone has nothing on its way either */
	iommufd_fault_source_unregister(ft->source[0]);
	ft->source[0] = NULL;
	iommufd_fault_drain(dev, 77);
	KUNIT_EXPECT_EQ(test, 3, drained.num);
	ft_done(ft);
}

/* Against what the numbers say, at each step of a random walk */
static void part_test_random(struct kunit *test)
{
	struct part_test *t = part_new(test, ROOM);
	u32 own[PARTS] = {}, all = 0, cookie[ROOM], of[ROOM];
	unsigned int step, i, part, have, served = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 5);
	for (step = 0; step < 4000; step++) {
		part = prandom_u32_state(&rnd) % PARTS;
		/* Long times of filling, and of emptying */
		if (prandom_u32_state(&rnd) % 4 < 1 + (step / 100) % 3) {
			const u32 shared = ROOM - FIRSTS;
			bool fits = own[part] ? all < shared &&
						own[part] < 2 * (shared - all) :
						all < ROOM;

			KUNIT_ASSERT_EQ_MSG(test, part_takes(t, part), fits,
					    "step %u: part %u has %u of %u",
					    step, part, own[part], all);
			if (!fits) {
				for (i = 0, have = 0; i < PARTS; i++)
					have += own[i] > 0;
				/* What user space is promised */
				if (!own[part])
					KUNIT_ASSERT_GE(test, have, FIRSTS);
				continue;
			}
			/* After a loss the reader is told so first */
			KUNIT_ASSERT_EQ(test, ft_read(t->ft, 1),
					sizeof(t->ft->recs[0]));
			cookie[all] = t->ft->recs[0].cookie;
			of[all++] = part;
			own[part]++;
			served++;
		} else if (all) {
			i = prandom_u32_state(&rnd) % all;
			KUNIT_ASSERT_EQ(test, ft_answer(t->ft, cookie[i], 0), 8);
			own[of[i]]--;
			cookie[i] = cookie[--all];
			of[i] = of[all];
		}
	}
	KUNIT_EXPECT_GT(test, served, 500);
	part_end(t);
}

/* How many sources fdinfo shows */
static unsigned int part_lines(struct part_test *t)
{
	struct seq_file m = { .size = SZ_8K };
	struct kunit *test = t->ft->test;
	struct file *file;
	unsigned int num = 0;
	const char *at;

	m.buf = kunit_kzalloc(test, m.size + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	file = fault_file_new();
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	file->private_data = t->ft->queue;
	file->f_op->show_fdinfo(&m, file);
	/* Its release is not to close the queue */
	file->private_data = NULL;
	fput(file);
	for (at = m.buf; (at = strstr(at, "\nsource:\t")); at++)
		num++;
	kunit_kfree(test, m.buf);
	return num;
}

/* In whatever order they are attached, each part has one line, and so has the whole. */
static void part_test_one_line_each(struct kunit *test)
{
	struct part_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct iommufd_fault_attach *whole[2], *other[2];
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ft = ft_new(test, 4 * ROOM, ROOM);
	KUNIT_EXPECT_EQ(test, part_lines(t), 0);
	for (j = 0; j < 2; j++) {
		whole[j] = part_attach(t, PARTS, 5 + j);
		for (i = 0; i < PARTS; i++)
			t->attach[i][j] = part_attach(t, i, pasid_of(i, j));
		other[j] = ft_attach(t->ft, 1, 5 + j);
	}
	KUNIT_EXPECT_EQ(test, part_lines(t), PARTS + 2);
	/* The oldest of some go, and come again behind those of others */
	for (i = 0; i < PARTS; i += 2)
		iommufd_fault_attach_remove(t->attach[i][0]);
	KUNIT_EXPECT_EQ(test, part_lines(t), PARTS + 2);
	for (i = 0; i < PARTS; i += 2)
		t->attach[i][0] = part_attach(t, i, pasid_of(i, 0));
	KUNIT_EXPECT_EQ(test, part_lines(t), PARTS + 2);
	for (i = 0; i < PARTS; i++) {
		iommufd_fault_attach_remove(t->attach[i][0]);
		KUNIT_EXPECT_EQ(test, part_lines(t), PARTS - i + 2);
		iommufd_fault_attach_remove(t->attach[i][1]);
	}
	for (j = 0; j < 2; j++) {
		iommufd_fault_attach_remove(whole[j]);
		iommufd_fault_attach_remove(other[j]);
	}
	KUNIT_EXPECT_EQ(test, part_lines(t), 0);
	ft_done(t->ft);
}

static struct kunit_case part_cases[] = {
	KUNIT_CASE(part_test_leaves_room),
	KUNIT_CASE(part_test_small_rooms),
	KUNIT_CASE(part_test_large_groups),
	KUNIT_CASE(part_test_large_device),
	KUNIT_CASE(part_test_others_are_served),
	KUNIT_CASE(part_test_whole),
	KUNIT_CASE(part_test_groups_in_part),
	KUNIT_CASE(part_test_drain_without_queue),
	KUNIT_CASE(part_test_one_line_each),
	KUNIT_CASE(part_test_random),
	{}
};

static struct kunit_suite part_suite = {
	.name = "iommufd_fault_part",
	.test_cases = part_cases,
};

kunit_test_suite(part_suite);

MODULE_DESCRIPTION("KUnit of page requests of mediated devices");
MODULE_LICENSE("GPL");
