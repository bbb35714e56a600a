/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of fault/ share.
 *
 * Who holds what:
 *
 *   slot     belongs to a queue; holds one page request as user space will read
 *            it. The slots of one group are chained; the first one, the head,
 *            carries the state of the group from its publication on.
 *   group    belongs to a source; what an answer needs, and how detach finds
 *            what is outstanding. Its memory is touched by the door and by
 *            detach, under the lock of the source, and by the one who claimed
 *            the head slot for an answer.
 *   attach   ties the two. Each published group has a reference on it until
 *            its answer has been handed to the unit.
 *
 * Life of a head slot (struct fault_slot.word). What the owner of a slot does is a
 * store, the rest a compare-and-exchange each:
 *
 *   FREE -> OPEN          the door takes it for the first request of several
 *   OPEN -> PUBLISHED     the door, with the last request
 *   FREE -> PUBLISHED     the door, with the only one
 *   PUBLISHED -> READING  a reader starts to copy it
 *   READING -> READ       a reader has copied it whole: it can be answered
 *   READING -> PUBLISHED  the copy failed: it is still the next to be read
 *   READ -> CLAIMED       someone is going to answer it: a user, or detach
 *   PUBLISHED -> GONE     detach answers it; the slots are freed by whoever
 *                         takes it out of the readers' list
 *   READING -> TAKEN      detach answers it; the reader frees the slots
 *   * -> FREE             with a new generation: older cookies are refused
 *
 * Exactly one gets from READ, PUBLISHED or READING to CLAIMED, GONE or TAKEN,
 * and that one gives the answer.
 *
 * Locks, outermost first: fault_sources_lock (a mutex), source->mutex,
 * queue->read_lock (a mutex), queue->lock, source->lock, queue->wait.lock.
 * A reporter takes the last two only, and the last one only if a reader sleeps.
 * A reader takes queue->read_lock only, a writer none.
 */
#ifndef __IOMMUFD_FAULT_INTERNAL_H
#define __IOMMUFD_FAULT_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "../object.h"
#include "fault.h"
#include "ring.h"

struct file;
struct iov_iter;
struct seq_file;

/* The most requests a source may have outstanding, whatever its backend says. */
#define FAULT_SOURCE_MAX	IOMMU_FAULT_DEPTH_MAX
/*
 * Groups that a source can remember as refused, beyond those that its
 * outstanding requests need. A device that keeps to its credits (PCIe 6.0,
 * 10.4.1) needs none of them.
 */
#define FAULT_SOURCE_SPARE	64

/*
 * Requests that the parts of a device may have outstanding together: a function has no
 * more group indices than that to tell groups apart (PCIe 6.0, 10.4.1.1: nine bits),
 * and one part must not have them all.
 */
#define FAULT_PART_ROOM		512U
/* One in so many of these is for parts that have none outstanding. */
#define FAULT_PART_FIRSTS	4U

#define FAULT_NO_SLOT		U32_MAX

enum fault_slot_state {
	FAULT_SLOT_FREE,
	FAULT_SLOT_OPEN,
	FAULT_SLOT_PUBLISHED,
	FAULT_SLOT_READING,
	FAULT_SLOT_READ,
	FAULT_SLOT_CLAIMED,
	FAULT_SLOT_GONE,
	FAULT_SLOT_TAKEN,
};

#define FAULT_SLOT_STATE	GENMASK(2, 0)
#define FAULT_SLOT_GEN_SHIFT	3
/* Bits of a cookie that are never generation, so that word has room for it. */
#define FAULT_INDEX_BITS_MIN	4U

/**
 * struct fault_slot - place for one page request in a queue
 * @rec: the record, ready to be copied out. Written by the door while it owns
 *	the slot; read only from publication to release
 * @word: generation << FAULT_SLOT_GEN_SHIFT | state; of a head slot: the state
 *	of the group
 * @next: index of the next slot of the group, or FAULT_NO_SLOT
 * @count: head: number of slots of the group
 * @published: head: in &iommufd_fault_queue.published from publication until a
 *	reader collects it
 * @staged: head: in &iommufd_fault_queue.staged from then until it has been
 *	read or has gone. Guarded by the queue's @read_lock
 * @gone: head: in &iommufd_fault_queue.gone
 * @group: head: what the answer needs. Not to be followed by a reader
 * @id: head: id of the group in tracepoints
 */
struct fault_slot {
	struct iommu_hwpt_pgfault rec;
	atomic_t word;
	u32 next;
	u32 count;
	union {
		struct llist_node published;
		struct list_head staged;
	};
	struct llist_node gone;
	struct fault_group *group;
	u64 id;
};

/**
 * enum fault_group_state - where a group stands, seen from its source
 * @FAULT_GROUP_FREE: in &iommufd_fault_source.free, or being taken
 * @FAULT_GROUP_OPEN: requests are held, the last one is missing
 * @FAULT_GROUP_DOOMED: refused: nothing is held, the verdict on the last request
 *	is remembered
 * @FAULT_GROUP_PUBLISHED: the last request came. Left only through @done or by
 *	detach
 */
enum fault_group_state {
	FAULT_GROUP_FREE,
	FAULT_GROUP_OPEN,
	FAULT_GROUP_DOOMED,
	FAULT_GROUP_PUBLISHED,
};

/**
 * struct fault_group - one page request group of a source
 * @link: in one list of the source or the attach, as @state says
 * @hash: in &iommufd_fault_source.open while OPEN or DOOMED
 * @done: in &iommufd_fault_source.done once a user's answer was claimed, then in
 *	&iommufd_fault_source.again; @link is where it was until it is used again
 *	or taken back
 * @attach: where it came from; NULL in a DOOMED group if that has gone
 * @id: names the group in tracepoints
 * @since: jiffies at publication
 * @pasid: as in the requests
 * @grpid: as in the requests
 * @head: index of the head slot
 * @tail: index of the newest slot
 * @count: number of slots; DOOMED: requests that came, if there was no room for them,
 *	else 0
 * @cookie: names the group to user space
 * @state: enum fault_group_state
 * @verdict: DOOMED: what is said to the last request
 * @pasid_valid: as in the requests
 *
 * All but @done is guarded by the lock of the source; what does not change
 * after publication may also be read by the one who claimed the head slot.
 */
struct fault_group {
	struct list_head link;
	union {
		struct hlist_node hash;
		struct llist_node done;
	};
	struct iommufd_fault_attach *attach;
	u64 id;
	unsigned long since;
	u32 pasid;
	u32 grpid;
	u32 head;
	u32 tail;
	u32 count;
	u32 cookie;
	u8 state;
	u8 verdict;
	bool pasid_valid;
};

/**
 * struct fault_batch - answers on their way to hardware
 * @num: how many there are
 * @max: how many fit
 * @answers: as units take them
 * @attaches: of each answer, with the group's reference
 */
struct fault_batch {
	unsigned int num;
	unsigned int max;
	struct iommufd_page_answer *answers;
	struct iommufd_fault_attach **attaches;
};

/**
 * struct iommufd_fault_source - a device that may send page requests
 * @dev: the device; a reference is held
 * @unit: takes the answers; not used any more once @dead
 * @priv: the backend's
 * @max_outstanding: requests that may be held for the device at once
 * @refs: one by the backend until it unregisters, one by each attach
 * @hash: in the table of all sources; guarded by fault_sources_lock
 * @lock: serialises the door for this source; guards what follows up to @mutex.
 *	Bottom halves must be off. The side that answers never takes it
 * @done: groups that a user's answer has been claimed for. Filled without a lock;
 *	the door has a use for them, or fault_source_reap() takes them back
 * @returned: requests answered so far; wraps. Counted without a lock
 * @taken: requests taken so far; wraps. @taken - @returned is outstanding
 * @limit: of @taken - @returned, at most @max_outstanding. One group alone may have
 *	more, up to that, but not of a part
 * @refusing: the interface is being reset: nobody listens
 * @nr_open: groups in @open
 * @rid: route of requests without PASID, or NULL
 * @routes: PASID to attach; changed under @mutex and @lock
 * @groups: all group structures; NULL while there is no attach
 * @again: what the door has taken out of @done at once, and not used yet
 * @free: unused ones
 * @open: OPEN and DOOMED groups by (PASID, group index)
 * @open_mask: buckets of @open - 1
 * @seed: of the hash function, so that no device can choose its bucket
 * @doomed: DOOMED groups, oldest first
 * @next_id: id of the next group in tracepoints
 * @nobody: requests that nobody listened for
 * @nobody_groups: last requests that nobody listened for
 * @mutex: serialises attach, detach, close and unregister for this source
 * @attaches: installed ones; guarded by @mutex
 * @whole: those of them that are of no part; guarded by @mutex
 * @nr_installed: how many @attaches has; guarded by @mutex
 * @users: attaches that need page requests enabled, and @held; guarded by @mutex
 * @on: the backend has page requests on. With @users, unless a reset failed;
 *	guarded by @mutex
 * @held: there is a struct iommufd_fault_hold; guarded by @mutex
 * @paused: the backend keeps page requests off, whoever wants them; guarded by @mutex
 * @nr_attaches: attaches that exist, installed or not, and whoever has page requests
 *	held on (iommufd_fault_hold_new()); the group structures live as long as there
 *	is one; guarded by @mutex
 * @dead: unregistered; guarded by @mutex
 * @batch: for answers given while draining; guarded by @mutex
 */
struct iommufd_fault_source {
	struct device *dev;
	struct iommufd_fault_unit *unit;
	void *priv;
	unsigned int max_outstanding;
	refcount_t refs;
	struct hlist_node hash;

	struct llist_head done ____cacheline_aligned_in_smp;
	atomic_t returned;

	spinlock_t lock ____cacheline_aligned_in_smp;
	u32 taken;
	u32 limit;
	bool refusing;
	u32 nr_open;
	struct iommufd_fault_attach *rid;
	struct xarray routes;
	struct fault_group *groups;
	struct llist_node *again;
	struct list_head free;
	struct hlist_head *open;
	u32 open_mask;
	u32 seed;
	struct list_head doomed;
	u64 next_id;
	u64 nobody;
	u64 nobody_groups;

	struct mutex mutex;
	struct list_head attaches;
	struct hlist_head whole;
	unsigned int users;
	bool on;
	bool held;
	bool paused;
	unsigned int nr_installed;
	unsigned int nr_attaches;
	bool dead;
	struct fault_batch batch;
};

/**
 * struct fault_counts - what the door did with the requests of an attach
 * @reported: requests that came
 * @published: of them, in groups that readers could see
 * @published_groups: those groups
 * @lost: refused for lack of room, or in one group with such a one
 * @lost_groups: groups whose last request was answered with a retry for that
 * @discarded: held for a group that never became whole, or the rest of one that was
 *	begun with another queue
 * @discarded_groups: of the latter those whose last request was answered with a retry
 *
 * @reported = @published + @lost + @discarded + those held in open groups.
 */
struct fault_counts {
	u64 reported;
	u64 published;
	u64 published_groups;
	u64 lost;
	u64 lost_groups;
	u64 discarded;
	u64 discarded_groups;
};

/**
 * struct iommufd_fault_attach - (source, PASID) connected to a queue
 * @source: holds a reference
 * @queue: holds a holder reference
 * @pasid: IOMMU_NO_PASID: requests without one
 * @who: as given
 * @refs: one while installed, one for each published group whose answer has
 *	not been handed to the unit
 * @idle: completed with the last of @refs
 * @source_item: in &iommufd_fault_source.attaches; guarded by its mutex
 * @kin_item: in &iommufd_fault_part.attaches or &iommufd_fault_source.whole;
 *	guarded by the source's mutex
 * @queue_item: in &iommufd_fault_queue.attaches, next to the others of the same
 *	source and part; guarded by the queue's lock
 * @open: OPEN groups, oldest first; guarded by the source's lock
 * @groups: PUBLISHED groups, oldest first; guarded by the source's lock. Those in
 *	@done or @again of the source are answered
 * @counts: guarded by the source's lock
 * @prepared: page requests are enabled on its behalf; guarded by the source's
 *	mutex
 * @installed: routed; guarded by the source's mutex
 * @close_done: what was outstanding when the queue was closed is answered; those
 *	are at the end of the queue's list, and behind them what came since, with
 *	nothing outstanding; guarded by the queue's lock
 */
struct iommufd_fault_attach {
	struct iommufd_fault_source *source;
	struct iommufd_fault_queue *queue;
	ioasid_t pasid;
	struct iommufd_fault_identity who;
	refcount_t refs;
	struct completion idle;
	struct list_head source_item;
	struct hlist_node kin_item;
	struct list_head queue_item;
	struct list_head open;
	struct list_head groups;
	struct fault_counts counts;
	bool prepared;
	bool installed;
	bool close_done;
};

/**
 * struct fault_queue_params - how a queue is made
 * @depth: requests it holds, 1 to IOMMU_FAULT_DEPTH_MAX
 * @policy: enum iommu_fault_policy
 * @dev_id: the one device it is for, or 0
 * @dev_serial: serial of that device, or 0
 * @extended: the maker knows IOMMU_PGFAULT_FLAGS_LOST
 */
struct fault_queue_params {
	u32 depth;
	u32 policy;
	u32 dev_id;
	u64 dev_serial;
	bool extended;
};

/* Indices of &iommufd_fault_queue.answered. */
enum fault_answered {
	FAULT_ANSWERED_SUCCESS,
	FAULT_ANSWERED_INVALID,
	FAULT_ANSWERED_FAILURE,
	FAULT_ANSWERED_CODES,
};

/**
 * struct iommufd_fault_queue - what user space reads faults from
 * @obj: its id. The open file is a holder
 * @params: never change
 * @index_bits: low bits of a cookie that are the slot's index; the rest is the
 *	generation
 * @index_mask: bits that an index has
 * @gen_mask: bits that a generation has
 * @slots: @params.depth of them; owned
 * @lost: requests were refused since a reader was last told. Set by the door,
 *	cleared by a reader
 * @closed: nobody will read or answer any more. Set once; the door looks at it
 *	under the lock of the source
 * @free: indices of unused slots
 * @published: whole groups, newest first; pushed by the door without a lock,
 *	collected by readers
 * @gone: GONE groups whose slots are to be freed; pushed by detach without a
 *	lock
 * @wait: readers that sleep, and pollers
 * @read_lock: serialises readers among themselves; guards what follows up to
 *	@lock. A holder may sleep for as long as user memory makes it, so
 *	detach only ever tries it
 * @staged: groups collected, in the order of publication. Looked at without
 *	@read_lock only for emptiness
 * @staging: groups are on their way from @published to @staged. Looked at
 *	without @read_lock
 * @missed: who does not wait has found @read_lock taken: to be woken when it is
 *	released. Set and cleared without @read_lock
 * @delivered: records read
 * @delivered_groups: groups read
 * @lock: guards @attaches and @past
 * @attaches: installed ones
 * @past: sum of the counts of attaches that have gone
 * @answered: requests answered by users
 * @answered_groups: groups answered by users, by code
 * @drained: requests answered because of detach, close or unplug
 * @drained_groups: groups answered so
 */
struct iommufd_fault_queue {
	struct iommufd_object obj;
	struct fault_queue_params params;
	unsigned int index_bits;
	u32 index_mask;
	u32 gen_mask;
	struct fault_slot *slots;
	bool lost;
	bool closed;
	struct fault_ring free;

	struct llist_head published ____cacheline_aligned_in_smp;
	struct llist_head gone;
	wait_queue_head_t wait;

	struct mutex read_lock ____cacheline_aligned_in_smp;
	struct list_head staged;
	bool staging;
	bool missed;
	u64 delivered;
	u64 delivered_groups;

	spinlock_t lock;
	struct list_head attaches;
	struct fault_counts past;
	atomic64_t answered;
	atomic64_t answered_groups[FAULT_ANSWERED_CODES];
	atomic64_t drained;
	atomic64_t drained_groups;
};

/**
 * struct fault_queue_stats - a queue's counters at one moment
 * @counts: summed over attaches that are and that were
 * @delivered: records read
 * @delivered_groups: groups read
 * @answered: requests answered by users
 * @answered_groups: groups answered by users, by code
 * @drained: requests answered because of detach, close or unplug
 * @drained_groups: groups answered so
 * @pending: published requests not answered
 * @pending_groups: published groups not answered
 * @oldest_ms: age of the oldest pending group; 0 if there is none
 *
 * Exact when nothing moves; while something does, @pending errs on the high
 * side.
 */
struct fault_queue_stats {
	struct fault_counts counts;
	u64 delivered;
	u64 delivered_groups;
	u64 answered;
	u64 answered_groups[FAULT_ANSWERED_CODES];
	u64 drained;
	u64 drained_groups;
	u64 pending;
	u64 pending_groups;
	unsigned int oldest_ms;
};

/* --- slots: queue.c, and here what the hot paths need inline --- */

static inline u32 fault_gen_mask(const struct iommufd_fault_queue *queue)
{
	return queue->gen_mask;
}

static inline u32 fault_word(u32 gen, enum fault_slot_state state)
{
	return gen << FAULT_SLOT_GEN_SHIFT | state;
}

static inline u32 fault_slot_index(const struct iommufd_fault_queue *queue,
				   const struct fault_slot *slot)
{
	return slot - queue->slots;
}

static inline u32 fault_cookie_index(const struct iommufd_fault_queue *queue,
				     u32 cookie)
{
	return cookie & queue->index_mask;
}

static inline u32 fault_cookie_gen(const struct iommufd_fault_queue *queue,
				   u32 cookie)
{
	return cookie >> queue->index_bits;
}

/* Move a slot whose generation cannot change under us. False: someone else did. */
static inline bool fault_slot_move(struct fault_slot *slot,
				   enum fault_slot_state from,
				   enum fault_slot_state to)
{
	int old = atomic_read(&slot->word);

	if ((old & FAULT_SLOT_STATE) != from)
		return false;
	return atomic_try_cmpxchg(&slot->word, &old,
				  (old & ~FAULT_SLOT_STATE) | to);
}

/* Something to read, or about to be. No reader may miss what is there. */
static inline bool fault_queue_readable(struct iommufd_fault_queue *queue)
{
	if (!llist_empty(&queue->published))
		return true;
	/* A reader sets @staging before it empties @published ... */
	smp_rmb();
	if (READ_ONCE(queue->staging))
		return true;
	/* ... and clears it after it has filled @staged. */
	smp_rmb();
	return !list_empty(&queue->staged);
}

void fault_queue_stage(struct iommufd_fault_queue *queue);
void fault_queue_purge(struct iommufd_fault_queue *queue);
bool fault_queue_read_trylock(struct iommufd_fault_queue *queue);
void fault_queue_read_unlock(struct iommufd_fault_queue *queue);
void fault_queue_add_attach(struct iommufd_fault_queue *queue,
			    struct iommufd_fault_attach *attach);
void fault_queue_del_attach(struct iommufd_fault_queue *queue,
			    struct iommufd_fault_attach *attach);
void fault_queue_get_stats(struct iommufd_fault_queue *queue,
			   struct fault_queue_stats *stats);

int fault_queue_init(struct iommufd_fault_queue *queue,
		     const struct fault_queue_params *params);
void fault_queue_exit(struct iommufd_fault_queue *queue);

/* --- answers: answer.c --- */
void fault_queue_free_chain(struct iommufd_fault_queue *queue, u32 head);
int fault_queue_answer(struct iommufd_fault_queue *queue,
		       const struct iommu_hwpt_page_response *responses,
		       unsigned int num, struct fault_batch *batch);
bool fault_claim_drain(struct fault_batch *batch, struct fault_group *group,
		       u32 code);
void fault_batch_send(struct fault_batch *batch);

/* --- groups of a source: deliver.c; all under source->lock --- */
void fault_source_reap(struct iommufd_fault_source *source);
void fault_group_free(struct iommufd_fault_source *source,
		      struct fault_group *group);
void fault_group_unhash(struct iommufd_fault_source *source,
			struct fault_group *group);
void fault_group_discard(struct iommufd_fault_source *source,
			 struct fault_group *group);
void fault_group_doom(struct iommufd_fault_source *source,
		      struct fault_group *group,
		      enum iommufd_fault_verdict verdict);

static inline u32
fault_source_outstanding(const struct iommufd_fault_source *source)
{
	/* In this order: what is answered was taken before */
	u32 returned = (u32)atomic_read_acquire(&source->returned);

	return READ_ONCE(source->taken) - returned;
}

/* Requests are answered, or let go: their room is there for others. */
static inline void fault_attach_return(struct iommufd_fault_attach *attach,
				       u32 count)
{
	if (attach->who.part)
		atomic_add(count, &attach->who.part->returned);
	atomic_add(count, &attach->source->returned);
}

/* --- sources: source.c --- */
struct iommufd_fault_source *fault_source_get(struct device *dev);
struct iommufd_fault_source *fault_source_join(struct device *dev);
int fault_source_turn_on(struct iommufd_fault_source *source);
void fault_source_turn_off(struct iommufd_fault_source *source);
int fault_source_enable(struct iommufd_fault_source *source);
void fault_source_disable(struct iommufd_fault_source *source);
void fault_source_forget_doomed(struct iommufd_fault_source *source);
void fault_source_leave(struct iommufd_fault_source *source);
void fault_source_put(struct iommufd_fault_source *source);
int fault_source_use(struct iommufd_fault_attach *attach);
void fault_source_unuse(struct iommufd_fault_attach *attach);

/* The installed ones of the same source and part. The source's mutex is held. */
static inline struct hlist_head *
fault_attach_kin(const struct iommufd_fault_attach *attach)
{
	return attach->who.part ? &attach->who.part->attaches :
				  &attach->source->whole;
}

/* --- attaches: attach.c --- */
void fault_attach_put(struct iommufd_fault_attach *attach, unsigned int num);
void fault_attach_flush(struct iommufd_fault_attach *attach);
void fault_attach_cut(struct iommufd_fault_attach *attach);
void fault_queue_close(struct iommufd_fault_queue *queue);

/* --- the file: file.c --- */
struct file *fault_file_new(void);
void fault_file_connect(struct file *file, struct iommufd_fault_queue *queue);
ssize_t fault_queue_read(struct iommufd_fault_queue *queue, struct iov_iter *to,
			 bool nowait);
ssize_t fault_queue_write(struct iommufd_fault_queue *queue,
			  struct iov_iter *from, bool nowait);

/*
 * Places where a test can hold a thread while it lets another one pass. None is
 * under a spinlock. Nothing in other builds.
 */
enum fault_point {
	FAULT_POINT_READ_CLAIMED,	/* a group is READING, not yet copied */
	FAULT_POINT_READ_COPIED,	/* copied, still READING */
	FAULT_POINT_WRITE_CLAIMED,	/* answers claimed, not handed over */
	FAULT_POINT_DRAIN_ROUTED,	/* the unit has drained, still routed */
	FAULT_POINT_DRAIN_CLAIMED,	/* drain has claimed, not handed over */
	FAULT_POINT_PURGE,		/* @gone is emptied, not yet staged */
};

#ifdef CONFIG_IOMMUFD_KUNIT_TEST
typedef void (*fault_point_fn)(enum fault_point point);

DECLARE_STATIC_KEY_FALSE(fault_points);
void fault_point_reached(enum fault_point point);
void fault_point_set(fault_point_fn hook);

static inline void fault_point(enum fault_point point)
{
	if (static_branch_unlikely(&fault_points))
		fault_point_reached(point);
}
#else
static inline void fault_point(enum fault_point point)
{
}
#endif

#endif
