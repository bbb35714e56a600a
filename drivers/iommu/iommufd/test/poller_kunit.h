/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whoever polls a queue, as KUnit's cases of the queues' files see it.
 */
#ifndef POLLER_KUNIT_H
#define POLLER_KUNIT_H

#include <linux/atomic.h>
#include <linux/poll.h>
#include <linux/wait.h>

/**
 * struct poller - whoever polls a queue
 * @wait: in its wait queue
 * @wakes: how often it was told that there is something to read
 */
struct poller {
	struct wait_queue_entry wait;
	atomic_t wakes;
};

static inline int poller_wake(struct wait_queue_entry *wait, unsigned int mode,
			      int flags, void *key)
{
	struct poller *poller = container_of(wait, struct poller, wait);

	if (key_to_poll(key) & EPOLLIN)
		atomic_inc(&poller->wakes);
	return 0;
}

/* Until remove_wait_queue() of @poller->wait. */
static inline void poller_add(struct poller *poller, struct wait_queue_head *head)
{
	atomic_set(&poller->wakes, 0);
	init_waitqueue_func_entry(&poller->wait, poller_wake);
	add_wait_queue(head, &poller->wait);
}

#endif
