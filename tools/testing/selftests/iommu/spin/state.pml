/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of the model: what drivers/iommu/iommufd/fault/internal.h describes,
 * and what hardware remembers. An index is a device, a queue, and so on; two
 * dimensions are folded into one.
 *
 * "fn:" names the function of fault/ that a step stands for; the suite looks for
 * each of them in the tree.
 */
#define NONE		255

/* Sizes: of devices, queues, users' threads, group indices of a device, group
 * structures and attaches of a source, slots of a queue, answers in a batch.
 */
#ifndef ND
#define ND		2
#endif
#ifndef NQ
#define NQ		2
#endif
#ifndef NU
#define NU		2
#endif
#ifndef NID
#define NID		2
#endif
#ifndef NGRP
#define NGRP		3
#endif
#ifndef NATT
#define NATT		2
#endif
#ifndef NSLOT
#define NSLOT		2
#endif
#ifndef BATCH
#define BATCH		2
#endif
/*
 * What may differ from one search to the next, so that one program serves all:
 * given in the environment, and constant from then on.
 *
 * CLOSE, UNPLUG, REPLACE, DETACH: masks of queues or devices that this is done to
 * while others are at work; STUCK: of threads whose memory does not come;
 * GROUPS0, GROUPS1: page request groups of a device; ACTIONS0, ACTIONS1: calls of
 * a thread; DEPTH, CREDITS, INDICES: slots of a queue, requests outstanding and
 * group indices of a device; STRUCTS: group structures of a source; HOME1: queue of
 * the second device at first; EFAULT: copying to user memory may fail; BREAK: the
 * step that is broken.
 */
hidden byte c_close, c_unplug, c_replace, c_detach, c_stuck, c_groups[2],
	c_actions[2], c_depth, c_credits, c_indices, c_home, c_efault, c_structs,
	broken;

c_decl {
	\#include <stdlib.h>
	static int setting(const char *name, int value)
	{
		const char *s = getenv(name);

		return s && *s ? atoi(s) : value;
	}
}

#define B_CLAIM		1
#define B_DRAIN		2
#define B_CLOSED	3
#define B_GENERATION	4
#define B_REFERENCE	5
#define B_IDLE		6
#define B_ROUTE		7
#define B_CREDITS	8
#define B_WAKE		9
#define B_STAGING	10
#define B_PURGE		11

inline settings()
{
	c_code {
		c_close = setting("CLOSE", 0);
		c_unplug = setting("UNPLUG", 0);
		c_replace = setting("REPLACE", 0);
		c_detach = setting("DETACH", 0);
		c_stuck = setting("STUCK", 0);
		c_groups[0] = setting("GROUPS0", 2);
		c_groups[1] = setting("GROUPS1", 1);
		c_actions[0] = setting("ACTIONS0", 2);
		c_actions[1] = setting("ACTIONS1", 1);
		c_depth = setting("DEPTH", NSLOT);
		c_credits = setting("CREDITS", 2);
		c_indices = setting("INDICES", NID);
		c_structs = setting("STRUCTS", NGRP);
		c_home = setting("HOME1", 0);
		c_efault = setting("EFAULT", 0);
		broken = setting("BREAK", 0);
	}
}

/* Requests that a device may have outstanding, groups that a read has room for */
#ifndef LIMIT
#define LIMIT(d)	c_credits
#endif
#ifndef DEPTH
#define DEPTH(q)	c_depth
#endif
#ifndef ROOM
#define ROOM		1
#endif
#ifndef BLOCKING
#define BLOCKING(q)	(q == 0)
#endif
/* A trace from a running kernel decides what may happen next, see trace.pml */
#ifndef EV
#define EV(kind, d, q, inst)	skip
#endif
/* Not used before, so that whoever still knows an old one is seen */
#ifndef MAY_USE
#define MAY_USE(at)	(!aever[at])
#endif
#ifndef MORE_LOCALS
#define MORE_LOCALS
#endif
/* A thread is held here, see meet.pml; fn: fault_point() */
#ifndef POINT
#define POINT(p)	skip
#endif
#define READ_CLAIMED	1
#define READ_COPIED	2
#define WRITE_CLAIMED	3
#define DRAIN_ROUTED	4
#define DRAIN_CLAIMED	5

#define NX		(NQ * NSLOT)
#define NG		(ND * NGRP)
#define NA		(ND * NATT)
#define QOF(x)		((x) / NSLOT)
#define DOFG(g)		((g) / NGRP)
#define DOFA(a)		((a) / NATT)

/* Slots: state and generation of the word; a chain; which list of the queue */
#define FREE		0
#define OPEN		1
#define PUBLISHED	2
#define READING		3
#define READ		4
#define CLAIMED		5
#define GONE		6
#define TAKEN		7
byte sw[NX];
byte sgen[NX];
byte snext[NX];
byte sgrp[NX];
byte sinst[NX];			/* what the record says: which group */
#define NOWHERE		0
#define LISTED		1	/* queue->published */
#define STAGING		2	/* between the two */
#define STAGED		3	/* queue->staged */
byte swhere[NX];
bit sgone[NX];			/* queue->gone */

/* Queues; of their files: threads in a call, and that none may begin */
bit qlive[NQ];
bit qclosed[NQ];
bit qstaging[NQ];
bit rlock[NQ];
byte qref[NQ];
byte qusers[NQ];
bit killed[NQ];
byte asleep[NU];		/* queue + 1 */

/* Groups of a source; gst takes FREE, OPEN, PUBLISHED and this one */
#define DOOMED		8
byte gst[NG];
byte gat[NG];
byte gid[NG];
byte ginst[NG];
byte ghead[NG];
byte gcnt[NG];
byte ggen[NG];
byte gverdict[NG];
bit gdone[NG];			/* source->done */

/* Attaches */
bit alive[NA];
bit aever[NA];
bit ainst[NA];
bit aclose[NA];
byte aq[NA];
byte aref[NA];

/* Sources; outst is taken - returned */
bit sreg[ND];
bit slock[ND];
bit smutex[ND];
bit dead[ND];
byte route[ND];
byte cur[ND];			/* who attached it knows this one */
byte outst[ND];
byte nat[ND];

/*
 * Hardware: for each group index of a device whether an answer is due, and for
 * which group, counted from the first one it sent. Answers to be given are
 * those that the device waits for: the four properties are asserted here.
 */
#define IDLE		0
#define SENDING		1
#define DUE		2
byte hw[ND * NID];
byte hwinst[ND * NID];
bit inflight[ND];
bit unplugged[ND];
bit unitgone[ND];

/* Cookies that user space has read, one a slot */
bit known[NX];
byte kgen[NX];
byte kinst[NX];

byte movers;			/* that attach, detach, unplug at the moment */

/* Verdicts, and codes of answers */
#define SUCCESS		0
#define INVALID		1
#define RETRY		2
#define REFUSED		3

#define REPORT_EV	1
#define LOST_EV		2
#define PUBLISH_EV	3
#define READ_EV		4
#define ANSWER_EV	5
#define DRAIN_EV	6	/* + code */

/*
 * Scratch of a process; 0 but within a step. And copies of settings: a step that looks
 * at nothing but its process's own is not one that others have to be tried before.
 */
#define LOCALS \
	byte brk = broken; bit fails = c_efault; \
	byte i, n, g, x, a, k, nb, d, q, to; \
	bit old, ok, got, quit MORE_LOCALS; \
	int gonemask, mine; \
	byte bh[BATCH], bi[BATCH]

/*
 * Something to read, or about to be. fn: fault_queue_readable()
 */
#define LATER(q, s)	(swhere[(q) * NSLOT + (s)] == LISTED || \
			 swhere[(q) * NSLOT + (s)] == STAGED)
#define IS_LISTED(q, s)	(swhere[(q) * NSLOT + (s)] == LISTED)
#define IS_GONE(q, s)	(sgone[(q) * NSLOT + (s)])
#if NSLOT == 1
#define ANY(f, q)	(f(q, 0))
#elif NSLOT == 2
#define ANY(f, q)	(f(q, 0) || f(q, 1))
#elif NSLOT == 3
#define ANY(f, q)	(f(q, 0) || f(q, 1) || f(q, 2))
#elif NSLOT == 6
#define ANY(f, q)	(f(q, 0) || f(q, 1) || f(q, 2) || f(q, 3) || \
			 f(q, 4) || f(q, 5))
#else
#define ANY(f, q)	(f(q, 0) || f(q, 1) || f(q, 2) || f(q, 3) || \
			 f(q, 4) || f(q, 5) || f(q, 6) || f(q, 7) || \
			 f(q, 8) || f(q, 9) || f(q, 10) || f(q, 11) || \
			 f(q, 12) || f(q, 13) || f(q, 14) || f(q, 15))
#endif
#define READABLE(q)	(ANY(LATER, q) || (qstaging[q] && broken != B_STAGING))

inline setup()
{
	settings();
	d_step {
		i = 0;
		do
		:: i < NX -> snext[i] = NONE; sgrp[i] = NONE; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NG -> gat[i] = NONE; ghead[i] = NONE; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NQ -> qlive[i] = 1; qref[i] = 1; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < ND -> route[i] = NONE; cur[i] = NONE; sreg[i] = 1; i++
		:: else -> break
		od;
		i = 0
	}
}
