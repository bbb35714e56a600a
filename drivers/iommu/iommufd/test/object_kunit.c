// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ids and lifetimes (object.c), without a device.
 *
 * What one thread can do to an object is tried in every order up to a length,
 * against a model that is four lines long. What takes two threads, waiting, is
 * set up by hand; a crowd of threads then does all of it at once.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <uapi/linux/vfio.h>

#include "device.h"
#include "vfio_compat.h"

#define ALIVE		0x600d0b1ec7ULL
#define DEAD		0xdeadULL

/* What a test notes of the objects of its context */
struct notes {
	struct iommufd_ctx ictx;
	atomic_t created;
	atomic_t destroyed;
	/* ->order of objects, as they were destroyed */
	unsigned int log[32];
};

struct thing {
	struct iommufd_object obj;
	u64 magic;
	struct thing *holds[2];
	unsigned int name;
	/* An object to make, for which the id is free again */
	bool succeed;
};

static struct notes *notes_of(struct iommufd_object *obj)
{
	return container_of(obj->ictx, struct notes, ictx);
}

static struct thing *new_thing(struct notes *notes,
			       enum iommufd_object_type type);

static void thing_destroy(struct iommufd_object *obj)
{
	struct thing *thing = container_of(obj, struct thing, obj);
	struct notes *notes = notes_of(obj);
	struct thing *next;
	unsigned int i, nth;

	WARN_ON(cmpxchg(&thing->magic, ALIVE, DEAD) != ALIVE);
	nth = atomic_fetch_inc(&notes->destroyed);
	if (nth < ARRAY_SIZE(notes->log))
		notes->log[nth] = thing->name;
	for (i = 0; i != ARRAY_SIZE(thing->holds); i++)
		if (thing->holds[i])
			iommufd_object_drop(&thing->holds[i]->obj);
	if (thing->succeed) {
		next = new_thing(notes, obj->ops->type);
		if (next)
			iommufd_object_finalize(&next->obj);
	}
}

static const struct iommufd_object_ops thing_ops[IOMMUFD_OBJ_MAX] = {
	[IOMMUFD_OBJ_IOAS] = { IOMMUFD_OBJ_IOAS, "ioas", thing_destroy },
	[IOMMUFD_OBJ_DEVICE] = { IOMMUFD_OBJ_DEVICE, "device", thing_destroy },
};

static struct thing *new_thing(struct notes *notes,
			       enum iommufd_object_type type)
{
	struct thing *thing;

	thing = iommufd_object_alloc(&notes->ictx, struct thing, obj,
				     &thing_ops[type]);
	if (IS_ERR(thing))
		return NULL;
	thing->magic = ALIVE;
	atomic_inc(&notes->created);
	return thing;
}

static struct thing *new_live_thing(struct kunit *test,
				    enum iommufd_object_type type)
{
	struct thing *thing = new_thing(test->priv, type);

	KUNIT_ASSERT_NOT_NULL(test, thing);
	iommufd_object_finalize(&thing->obj);
	return thing;
}

static int object_test_init(struct kunit *test)
{
	struct notes *notes = kunit_kzalloc(test, sizeof(*notes), GFP_KERNEL);

	if (!notes)
		return -ENOMEM;
	iommufd_ctx_init(&notes->ictx);
	test->priv = notes;
	return 0;
}

/* Nothing may be left or lost, whatever the test did. */
static void object_test_exit(struct kunit *test)
{
	struct notes *notes = test->priv;

	if (!notes)
		return;
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_destroy_objects(&notes->ictx));
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->created),
			atomic_read(&notes->destroyed));
	xa_destroy(&notes->ictx.objects);
	xa_destroy(&notes->ictx.groups);
}

static int get_error(struct iommufd_ctx *ictx, u32 id,
		     enum iommufd_object_type type)
{
	struct iommufd_object *obj = iommufd_object_get(ictx, id, type);

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	iommufd_object_put(obj);
	return 0;
}

/* The lowest free id is given out, from 1 on; a serial never comes back. */
static void ids_and_serials(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct thing *a, *b, *c;
	u64 serial;

	a = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	b = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	c = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	KUNIT_EXPECT_EQ(test, a->obj.id, 1);
	KUNIT_EXPECT_EQ(test, b->obj.id, 2);
	KUNIT_EXPECT_EQ(test, c->obj.id, 3);
	KUNIT_EXPECT_GT(test, b->obj.serial, a->obj.serial);
	serial = b->obj.serial;

	KUNIT_EXPECT_EQ(test, 0, iommufd_object_destroy_id(ictx, 2));
	KUNIT_EXPECT_EQ(test, -ENOENT, iommufd_object_destroy_id(ictx, 2));
	b = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	KUNIT_EXPECT_EQ(test, b->obj.id, 2);
	KUNIT_EXPECT_GT(test, b->obj.serial, serial);
}

/* An id is found by its type or by any, in its own context, once finalized. */
static void look_up(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct notes *other;
	struct thing *thing;
	unsigned long id = 0;
	u32 reserved;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	iommufd_ctx_init(&other->ictx);

	thing = new_thing(notes, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_NOT_NULL(test, thing);
	reserved = thing->obj.id;
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(ictx, reserved, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_object_destroy_id(ictx, reserved));
	KUNIT_EXPECT_NULL(test, iommufd_object_get_next(ictx, &id));

	iommufd_object_finalize(&thing->obj);
	KUNIT_EXPECT_EQ(test, 0, get_error(ictx, reserved, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, 0, get_error(ictx, reserved, IOMMUFD_OBJ_IOAS));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(ictx, reserved, IOMMUFD_OBJ_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENOENT, get_error(ictx, 0, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT, get_error(ictx, 2, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(ictx, U32_MAX, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(&other->ictx, reserved, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_object_destroy_id(&other->ictx, reserved));
}

/* Gives memory and id back, and calls nothing. */
static void abort_calls_nothing(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing;

	thing = new_thing(notes, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_NOT_NULL(test, thing);
	iommufd_object_abort(&thing->obj);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 0);
	atomic_dec(&notes->created);

	KUNIT_EXPECT_EQ(test, 1,
			new_live_thing(test, IOMMUFD_OBJ_IOAS)->obj.id);
}

/* A walk meets each published object once, by rising id, and no reserved one. */
static void walk(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_object *obj;
	struct thing *reserved;
	unsigned int found = 0;
	unsigned long id = 0;
	u32 last = 0;

	new_live_thing(test, IOMMUFD_OBJ_IOAS);
	reserved = new_thing(notes, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_NOT_NULL(test, reserved);
	new_live_thing(test, IOMMUFD_OBJ_DEVICE);
	new_live_thing(test, IOMMUFD_OBJ_IOAS);

	while ((obj = iommufd_object_get_next(&notes->ictx, &id))) {
		KUNIT_EXPECT_GT(test, obj->id, last);
		KUNIT_EXPECT_PTR_NE(test, obj, &reserved->obj);
		last = obj->id;
		found++;
		iommufd_object_put(obj);
	}
	KUNIT_EXPECT_EQ(test, found, 3);
	iommufd_object_finalize(&reserved->obj);
}

enum op { GET, PUT, HOLD, DROP, DESTROY, OPS };

#define SEQUENCE	7

/*
 * The model. An object lives until a DESTROY that finds neither holds nor calls.
 * Steps that a caller must not take (put without get, hold without a call), or
 * that would wait, are not taken.
 */
struct model {
	unsigned int calls;
	unsigned int holds;
	bool alive;
	/* Of the last step, which must not be another result */
	int expect;
};

static bool model_step(struct model *model, enum op op)
{
	model->expect = model->alive ? 0 : -ENOENT;
	switch (op) {
	case GET:
		model->calls += model->alive;
		return true;
	case PUT:
		return model->calls && model->calls--;
	case HOLD:
		model->holds++;
		return model->calls;
	case DROP:
		return model->holds && model->holds--;
	default:
		if (!model->alive)
			return true;
		if (model->holds) {
			model->expect = -EBUSY;
			return true;
		}
		model->alive = false;
		return !model->calls;
	}
}

/* Leaves out what is the same as a shorter sequence */
static bool model_allows(unsigned int sequence)
{
	struct model model = { .alive = true };
	unsigned int i;

	for (i = 0; i != SEQUENCE; i++, sequence /= OPS)
		if (!model_step(&model, sequence % OPS))
			return false;
	return true;
}

static bool run_sequence(struct kunit *test, unsigned int sequence)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	struct iommufd_object *obj = &thing->obj;
	int before = atomic_read(&notes->destroyed);
	struct model model = { .alive = true };
	unsigned int n = sequence, i;
	u32 id = obj->id;
	int rc;

	for (i = 0; i != SEQUENCE; i++, n /= OPS) {
		model_step(&model, n % OPS);
		rc = model.expect;
		switch (n % OPS) {
		case GET:
			rc = PTR_ERR_OR_ZERO(iommufd_object_get(&notes->ictx, id,
								IOMMUFD_OBJ_ANY));
			break;
		case PUT:
			iommufd_object_put(obj);
			break;
		case HOLD:
			iommufd_object_hold(obj);
			break;
		case DROP:
			iommufd_object_drop(obj);
			break;
		case DESTROY:
			rc = iommufd_object_destroy_id(&notes->ictx, id);
			break;
		}
		if (rc == model.expect &&
		    atomic_read(&notes->destroyed) - before == !model.alive)
			continue;
		KUNIT_FAIL(test, "sequence %u, step %u: %d, not %d; destroyed %d",
			   sequence, i, rc, model.expect,
			   atomic_read(&notes->destroyed) - before);
		return false;
	}

	if (!model.alive)
		return true;
	while (model.calls--)
		iommufd_object_put(obj);
	while (model.holds--)
		iommufd_object_drop(obj);
	rc = iommufd_object_destroy_id(&notes->ictx, id);
	KUNIT_EXPECT_EQ_MSG(test, rc, 0, "sequence %u: its end", sequence);
	return !rc;
}

static void every_sequence(struct kunit *test)
{
	unsigned int sequence, run = 0, end = int_pow(OPS, SEQUENCE);

	for (sequence = 0; sequence != end; sequence++) {
		if (!model_allows(sequence))
			continue;
		if (!run_sequence(test, sequence))
			return;
		run++;
		cond_resched();
	}
	kunit_info(test, "%u sequences of %u steps", run, SEQUENCE);
}

/* A removal in a thread of its own */
struct remover {
	struct iommufd_object *obj;
	struct iommufd_ctx *ictx;
	u32 id;
	enum { BY_ID, BY_OWNER, BY_LAST_HOLDER } how;
	int rc;
	struct completion done;
};

static int remover_thread(void *arg)
{
	struct remover *remover = arg;

	switch (remover->how) {
	case BY_ID:
		remover->rc = iommufd_object_destroy_id(remover->ictx,
							remover->id);
		break;
	case BY_OWNER:
		iommufd_object_destroy_owner(remover->obj);
		break;
	case BY_LAST_HOLDER:
		iommufd_object_drop_last_destroys(remover->obj);
		break;
	}
	complete(&remover->done);
	return 0;
}

static void start_remover(struct kunit *test, struct remover *remover,
			  struct thing *thing, int how)
{
	struct task_struct *task;

	remover->obj = &thing->obj;
	remover->ictx = thing->obj.ictx;
	remover->id = thing->obj.id;
	remover->how = how;
	remover->rc = 0;
	init_completion(&remover->done);
	task = kthread_run(remover_thread, remover, "iommufd_object_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

/* Until @num threads wait for calls; false if they never do. */
static bool sleepers(struct notes *notes, unsigned int num)
{
	struct wait_queue_head *head = &notes->ictx.destroy_wait;
	struct wait_queue_entry *entry;
	unsigned int found, tries;

	for (tries = 0; tries != 5000; tries++) {
		found = 0;
		spin_lock_irq(&head->lock);
		list_for_each_entry(entry, &head->head, entry)
			found++;
		spin_unlock_irq(&head->lock);
		if (found == num)
			return true;
		usleep_range(500, 1500);
	}
	return false;
}

static bool still_running(struct remover *remover)
{
	msleep(30);
	return !completion_done(&remover->done);
}

/* DESTROY waits for a call; until it leaves, the object is as it was. */
static void destroy_waits_for_calls(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	struct iommufd_object *obj;
	struct remover remover;

	obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
	start_remover(test, &remover, thing, BY_ID);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	KUNIT_EXPECT_TRUE(test, still_running(&remover));
	KUNIT_EXPECT_EQ(test, 0, get_error(&notes->ictx, 1, IOMMUFD_OBJ_IOAS));
	KUNIT_EXPECT_EQ(test, thing->magic, ALIVE);

	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, remover.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 1);
}

/* The call that DESTROY waits for comes to hold the object: EBUSY, unharmed. */
static void call_becomes_holder(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	struct iommufd_object *obj;
	struct remover remover;

	obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
	start_remover(test, &remover, thing, BY_ID);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	iommufd_object_hold(obj);
	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, remover.rc, -EBUSY);
	KUNIT_EXPECT_EQ(test, 0, get_error(&notes->ictx, 1, IOMMUFD_OBJ_IOAS));

	iommufd_object_drop(obj);
	KUNIT_EXPECT_EQ(test, 0, iommufd_object_destroy_id(&notes->ictx, 1));
}

/*
 * Of two that wait to destroy an object one does, and the other leaves alone
 * what got the id next.
 */
static void two_destroyers(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct remover remover[2];
	struct iommufd_object *obj;
	struct thing *thing;
	unsigned int i;

	for (i = 0; i != 10; i++) {
		thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
		thing->succeed = true;
		obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
		KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
		start_remover(test, &remover[0], thing, BY_ID);
		start_remover(test, &remover[1], thing, BY_ID);
		KUNIT_EXPECT_TRUE(test, sleepers(notes, 2));

		iommufd_object_put(obj);
		wait_for_completion(&remover[0].done);
		wait_for_completion(&remover[1].done);
		KUNIT_EXPECT_EQ(test, remover[0].rc + remover[1].rc, -ENOENT);
		KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed),
				2 * i + 1);
		/* The successor, still there, has the id */
		KUNIT_EXPECT_EQ(test, 0,
				iommufd_object_destroy_id(&notes->ictx, 1));
	}
}

/* User space cannot destroy what has an owner; the owner waits for calls. */
static void owner_destroys(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_thing(notes, IOMMUFD_OBJ_DEVICE);
	struct iommufd_object *obj;
	struct remover remover;

	KUNIT_ASSERT_NOT_NULL(test, thing);
	iommufd_object_hold(&thing->obj);
	iommufd_object_finalize(&thing->obj);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommufd_object_destroy_id(&notes->ictx, 1));

	obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_DEVICE);
	KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
	start_remover(test, &remover, thing, BY_OWNER);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	KUNIT_EXPECT_TRUE(test, still_running(&remover));
	KUNIT_EXPECT_EQ(test, thing->magic, ALIVE);
	/* No call is added to those that are waited for */
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(&notes->ictx, 1, IOMMUFD_OBJ_DEVICE));

	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 1);

	/* Nobody in the way */
	thing = new_thing(notes, IOMMUFD_OBJ_DEVICE);
	KUNIT_ASSERT_NOT_NULL(test, thing);
	iommufd_object_hold(&thing->obj);
	iommufd_object_finalize(&thing->obj);
	iommufd_object_destroy_owner(&thing->obj);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 2);
}

/* The object goes with the last of its holders, not before and not later. */
static void last_drop_destroys(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_thing(notes, IOMMUFD_OBJ_IOAS);
	struct iommufd_object *obj = &thing->obj;
	struct remover remover;

	KUNIT_ASSERT_NOT_NULL(test, thing);
	iommufd_object_hold(obj);
	iommufd_object_hold(obj);
	iommufd_object_finalize(obj);

	iommufd_object_drop_last_destroys(obj);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 0);

	/* Somebody looks at it just now, and comes to hold it */
	obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
	start_remover(test, &remover, thing, BY_LAST_HOLDER);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	iommufd_object_hold(obj);
	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 0);

	/* Somebody looks at it just now, and no more */
	obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
	KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);
	start_remover(test, &remover, thing, BY_LAST_HOLDER);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	KUNIT_EXPECT_TRUE(test, still_running(&remover));
	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(&notes->ictx, 1, IOMMUFD_OBJ_ANY));
}

/*
 * Some are held before they are published, and let go. A call reference of who makes the
 * object keeps it until it has an id that can be taken back.
 */
static void last_drop_before_finalize(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing = new_thing(notes, IOMMUFD_OBJ_IOAS);
	struct iommufd_object *obj = &thing->obj;
	struct remover remover;

	KUNIT_ASSERT_NOT_NULL(test, thing);
	KUNIT_ASSERT_TRUE(test, iommufd_object_tryget(obj));
	iommufd_object_hold(obj);
	start_remover(test, &remover, thing, BY_LAST_HOLDER);
	KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
	iommufd_object_finalize(obj);
	KUNIT_EXPECT_TRUE(test, still_running(&remover));
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 0);
	iommufd_object_put(obj);
	wait_for_completion(&remover.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), 1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(&notes->ictx, 1, IOMMUFD_OBJ_ANY));
}

/* Two last holders at once, while a call is in the way: gone exactly once. */
static void two_last_holders(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct remover remover[2];
	struct iommufd_object *obj;
	struct thing *thing;
	unsigned int i;

	for (i = 0; i != 10; i++) {
		thing = new_thing(notes, IOMMUFD_OBJ_IOAS);
		KUNIT_ASSERT_NOT_NULL(test, thing);
		iommufd_object_hold(&thing->obj);
		iommufd_object_hold(&thing->obj);
		iommufd_object_finalize(&thing->obj);
		obj = iommufd_object_get(&notes->ictx, 1, IOMMUFD_OBJ_IOAS);
		KUNIT_ASSERT_PTR_EQ(test, obj, &thing->obj);

		start_remover(test, &remover[0], thing, BY_LAST_HOLDER);
		start_remover(test, &remover[1], thing, BY_LAST_HOLDER);
		KUNIT_EXPECT_TRUE(test, sleepers(notes, 1));
		iommufd_object_put(obj);
		wait_for_completion(&remover[0].done);
		wait_for_completion(&remover[1].done);
		KUNIT_EXPECT_EQ(test, atomic_read(&notes->destroyed), i + 1);
	}
}

/*
 * Closing destroys holders before what they hold, whatever order they were made
 * in: a chain of four (the fourth is held by two) in all 24 orders of ids.
 */
static void close_in_order(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct thing *thing[4];
	unsigned int order, place, i, j, used, base;
	unsigned int nth[4];

	for (order = 0; order != 24; order++) {
		/* The order-th permutation: who is made as the i-th */
		used = 0;
		place = order;
		for (i = 4; i; i--) {
			unsigned int skip = place % i;

			place /= i;
			for (j = 0; (used & BIT(j)) || skip; j++)
				skip -= !(used & BIT(j));
			used |= BIT(j);
			thing[j] = new_live_thing(test, IOMMUFD_OBJ_IOAS);
			thing[j]->name = j;
		}
		/* 0 holds 1, 1 holds 2 and 3, 2 holds 3 */
		for (i = 0; i != 3; i++) {
			thing[i]->holds[0] = thing[i + 1];
			iommufd_object_hold(&thing[i + 1]->obj);
		}
		thing[1]->holds[1] = thing[3];
		iommufd_object_hold(&thing[3]->obj);

		atomic_set(&notes->destroyed, 0);
		atomic_set(&notes->created, 4);
		KUNIT_EXPECT_TRUE(test,
				  iommufd_ctx_destroy_objects(&notes->ictx));
		base = atomic_read(&notes->destroyed);
		KUNIT_ASSERT_EQ(test, base, 4);
		for (i = 0; i != 4; i++)
			nth[notes->log[i]] = i;
		for (i = 0; i != 3; i++)
			KUNIT_EXPECT_LT_MSG(test, nth[i], nth[i + 1],
					    "order %u", order);
	}
}

/* The IOAS that VFIO's calls act on can be destroyed like any other. */
static void vfio_default_does_not_keep(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct thing *thing;
	int i;

	for (i = 0; i != 2; i++) {
		thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
		xa_lock(&ictx->objects);
		iommufd_object_hold(&thing->obj);
		ictx->vfio_ioas = (struct iommufd_ioas *)&thing->obj;
		xa_unlock(&ictx->objects);

		if (i == 0) {
			/* A real hold still counts */
			iommufd_object_hold(&thing->obj);
			KUNIT_EXPECT_EQ(test, -EBUSY,
					iommufd_object_destroy_id(ictx, 1));
			KUNIT_EXPECT_NOT_NULL(test, ictx->vfio_ioas);
			iommufd_object_drop(&thing->obj);
			KUNIT_EXPECT_EQ(test, 0,
					iommufd_object_destroy_id(ictx, 1));
		} else {
			KUNIT_EXPECT_TRUE(test,
					  iommufd_ctx_destroy_objects(ictx));
		}
		KUNIT_EXPECT_NULL(test, ictx->vfio_ioas);
	}
}

static const struct file_operations no_file_ops;

/* Only what was made for VFIO's groups goes with the last of them. */
static void vfio_default_goes_with_users(struct kunit *test)
{
	static const struct {
		const char *what;
		bool made;
		bool held;
		bool gone;
	} cases[] = {
		{ "made", true, false, true },
		{ "made, and held by a HWPT", true, true, false },
		{ "chosen by user space", false, false, false },
	};
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct thing *thing;
	unsigned int i;
	int rc;

	ictx->file = anon_inode_getfile("[iommufd-kunit]", &no_file_ops, NULL,
					O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ictx->file));
	for (i = 0; i != ARRAY_SIZE(cases); i++) {
		iommufd_ctx_get(ictx);
		iommufd_ctx_get(ictx);
		thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
		xa_lock(&ictx->objects);
		iommufd_object_hold(&thing->obj);
		ictx->vfio_ioas = (struct iommufd_ioas *)&thing->obj;
		ictx->vfio_made = cases[i].made;
		ictx->vfio_dirty = true;
		xa_unlock(&ictx->objects);
		if (cases[i].held)
			iommufd_object_hold(&thing->obj);

		iommufd_ctx_put(ictx);
		KUNIT_EXPECT_NOT_NULL_MSG(test, ictx->vfio_ioas, "%s",
					  cases[i].what);
		KUNIT_EXPECT_EQ(test, 0, get_error(ictx, 1, IOMMUFD_OBJ_IOAS));
		iommufd_ctx_put(ictx);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].gone, !ictx->vfio_ioas, "%s",
				    cases[i].what);
		rc = get_error(ictx, 1, IOMMUFD_OBJ_IOAS);
		KUNIT_EXPECT_EQ(test, cases[i].gone, rc == -ENOENT);
		KUNIT_EXPECT_EQ(test, !cases[i].gone, !rc);
		KUNIT_EXPECT_EQ(test, !cases[i].gone, ictx->vfio_dirty);

		if (cases[i].gone) {
			KUNIT_EXPECT_FALSE(test, ictx->vfio_made);
			continue;
		}
		if (cases[i].held)
			iommufd_object_drop(&thing->obj);
		KUNIT_EXPECT_EQ(test, 0, iommufd_object_destroy_id(ictx, 1));
		KUNIT_EXPECT_FALSE(test, ictx->vfio_made);
	}
	fput(ictx->file);
	ictx->file = NULL;
}

/* Whichever comes first: groups that have an IOMMU, or groups that have none. */
static void vfio_container_of_one_kind(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	u32 id;

	KUNIT_ASSERT_EQ(test, 0, iommufd_vfio_compat_ioas_create(ictx));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommufd_vfio_compat_set_no_iommu(ictx));
	KUNIT_EXPECT_EQ(test, 1,
			iommufd_vfio_container_ioctl(ictx, VFIO_CHECK_EXTENSION,
						     VFIO_TYPE1v2_IOMMU));
	KUNIT_ASSERT_EQ(test, 0, iommufd_vfio_compat_ioas_get_id(ictx, &id));
	KUNIT_ASSERT_EQ(test, 0, iommufd_object_destroy_id(ictx, id));

	KUNIT_EXPECT_EQ(test, 0, iommufd_vfio_compat_set_no_iommu(ictx));
	KUNIT_EXPECT_EQ(test, 0, iommufd_vfio_compat_set_no_iommu(ictx));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommufd_vfio_compat_ioas_create(ictx));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommufd_vfio_compat_ioas_get_id(ictx, &id));
	KUNIT_EXPECT_EQ(test, 0,
			iommufd_vfio_container_ioctl(ictx, VFIO_CHECK_EXTENSION,
						     VFIO_TYPE1v2_IOMMU));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommufd_vfio_container_ioctl(ictx, VFIO_SET_IOMMU,
						     VFIO_TYPE1v2_IOMMU));
}

/* VFIO asks who may reset a bus: the context that has bound what is on it, no other one. */
static void has_group(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct iommu_group *group[2];
	struct iommufd_group ours = {
		.ictx = ictx,
	};
	int i;

	for (i = 0; i < 2; i++) {
		group[i] = iommu_group_alloc();
		KUNIT_ASSERT_FALSE(test, IS_ERR(group[i]));
	}
	ours.group = group[0];
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(NULL, group[0]));
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(ictx, NULL));
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(ictx, group[0]));
	KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&ictx->groups,
						 iommu_group_id(group[0]),
						 &ours, GFP_KERNEL)));
	/* A bind that may still fail */
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(ictx, group[0]));
	iommufd_group_note_bound(&ours, true);
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_has_group(ictx, group[0]));
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(ictx, group[1]));
	iommufd_group_note_bound(&ours, false);
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(ictx, group[0]));

	xa_erase(&ictx->groups, iommu_group_id(group[0]));
	for (i = 0; i < 2; i++)
		iommu_group_put(group[i]);
}

#define CROWD		6
#define CROWD_IDS	4
#define CROWD_TURNS	2000

struct crowd {
	struct notes *notes;
	atomic_t wrong;
	atomic_t left;
	struct completion done;
};

/*
 * Each thread makes, uses, holds and destroys a few objects by id at random. A
 * call or a hold must never see an object that was destroyed.
 */
static int crowd_thread(void *arg)
{
	struct crowd *crowd = arg;
	struct iommufd_ctx *ictx = &crowd->notes->ictx;
	struct iommufd_object *obj, *held = NULL;
	struct rnd_state rnd;
	struct thing *thing;
	unsigned int turn;
	u32 id, what;

	prandom_seed_state(&rnd, (unsigned long)current->pid);
	for (turn = 0; turn != CROWD_TURNS; turn++) {
		what = prandom_u32_state(&rnd);
		id = 1 + what % CROWD_IDS;
		switch ((what >> 8) % 4) {
		case 0:
			if (get_error(ictx, id, IOMMUFD_OBJ_ANY) != -ENOENT)
				break;
			thing = new_thing(crowd->notes, IOMMUFD_OBJ_IOAS);
			if (thing)
				iommufd_object_finalize(&thing->obj);
			break;
		case 1:
			iommufd_object_destroy_id(ictx, id);
			break;
		default:
			obj = iommufd_object_get(ictx, id, IOMMUFD_OBJ_ANY);
			if (IS_ERR(obj))
				break;
			if (!held && what & BIT(16)) {
				iommufd_object_hold(obj);
				held = obj;
			}
			if (what & BIT(17))
				cond_resched();
			if (container_of(obj, struct thing, obj)->magic !=
			    ALIVE)
				atomic_inc(&crowd->wrong);
			iommufd_object_put(obj);
		}
		if (held && what & BIT(18)) {
			if (container_of(held, struct thing, obj)->magic !=
			    ALIVE)
				atomic_inc(&crowd->wrong);
			iommufd_object_drop(held);
			held = NULL;
		}
		cond_resched();
	}
	if (held)
		iommufd_object_drop(held);
	if (atomic_dec_and_test(&crowd->left))
		complete(&crowd->done);
	return 0;
}

static void many_threads(struct kunit *test)
{
	struct crowd crowd = { .notes = test->priv };
	struct task_struct *task;
	unsigned int i;

	init_completion(&crowd.done);
	atomic_set(&crowd.left, CROWD);
	for (i = 0; i != CROWD; i++) {
		task = kthread_run(crowd_thread, &crowd, "iommufd_crowd/%u", i);
		if (IS_ERR(task)) {
			KUNIT_FAIL(test, "no thread");
			if (atomic_dec_and_test(&crowd.left))
				complete(&crowd.done);
		}
	}
	wait_for_completion(&crowd.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd.wrong), 0);
	/* That it was a crowd at all */
	KUNIT_EXPECT_GT(test, atomic_read(&crowd.notes->destroyed), 100);
}

static void bury(struct kunit *test)
{
	struct notes *notes = test->priv;
	struct iommufd_ctx *ictx = &notes->ictx;
	struct thing *thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
	u32 id = thing->obj.id, i;
	u64 serial = thing->obj.serial;

	/* Another object, which had the id before */
	iommufd_object_bury(ictx, id, serial - 1);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&notes->destroyed));
	iommufd_object_bury(ictx, id, serial);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&notes->destroyed));

	KUNIT_EXPECT_EQ(test, -ENOENT,
			get_error(ictx, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, -ENOENT, iommufd_object_destroy_id(ictx, id));
	iommufd_object_bury(ictx, id, serial);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&notes->destroyed));
	for (i = 0; i < 100; i++) {
		thing = new_live_thing(test, IOMMUFD_OBJ_IOAS);
		KUNIT_EXPECT_NE(test, id, thing->obj.id);
	}
	/* The exit finds nothing wrong with an id that is left. */
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(ids_and_serials),
	KUNIT_CASE(look_up),
	KUNIT_CASE(abort_calls_nothing),
	KUNIT_CASE(walk),
	KUNIT_CASE(every_sequence),
	KUNIT_CASE(destroy_waits_for_calls),
	KUNIT_CASE(call_becomes_holder),
	KUNIT_CASE(two_destroyers),
	KUNIT_CASE(owner_destroys),
	KUNIT_CASE(last_drop_destroys),
	KUNIT_CASE(last_drop_before_finalize),
	KUNIT_CASE(bury),
	KUNIT_CASE(two_last_holders),
	KUNIT_CASE(close_in_order),
	KUNIT_CASE(vfio_default_does_not_keep),
	KUNIT_CASE(vfio_default_goes_with_users),
	KUNIT_CASE(vfio_container_of_one_kind),
	KUNIT_CASE(has_group),
	KUNIT_CASE(many_threads),
	{}
};

static struct kunit_suite object_suite = {
	.name = "iommufd_object",
	.init = object_test_init,
	.exit = object_test_exit,
	.test_cases = object_cases,
};

kunit_test_suite(object_suite);

MODULE_DESCRIPTION("KUnit tests of iommufd's objects");
MODULE_LICENSE("GPL");
