/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is what a running kernel did a run of the model? Each step of the model that
 * has a tracepoint in the code waits here for its turn in the trace (EV). What has
 * none, attaching and detaching above all, happens when it is wanted. If there is
 * a run that gets to the end of the trace, the assertion in Accepted fails: then
 * the trace is accepted. If the search ends without, no run of the model does what
 * the kernel did.
 *
 * TRACE is a file: a line for each event, "kind device queue group id last".
 * trace.awk makes it from what the kernel prints.
 */
#define NSLOT		16
#define NGRP		16
#define NID		16
#define NATT		3
#define BATCH		16
#define LIMIT(d)	c_limit[d]
#define DEPTH(q)	c_deep[q]
#define BLOCKING(q)	0
#define MAY_USE(at)	(!alive[at])
#define EV(kind, d, q, inst)	atomic { IS_NEXT(kind, q, inst) -> ti++ }
#define SILENT_EV	9	/* a request of a group that has been refused */
#define MOST		250

hidden byte t_kind[MOST], t_dev[MOST], t_queue[MOST], t_inst[MOST], t_id[MOST],
	t_last[MOST], t_len, c_limit[2], c_deep[2];
byte ti;

#define IS_NEXT(kind, q, inst)	(ti < t_len && t_kind[ti] == (kind) && \
				 t_queue[ti] == (q) && t_inst[ti] == (inst))

#include "state.pml"

c_decl {
	\#include <stdio.h>
}

inline load()
{
	c_code {
		FILE *f = fopen(getenv("TRACE"), "r");
		int v[6];

		if (!f || fscanf(f, "%d %d %d %d", &v[0], &v[1], &v[2], &v[3]) != 4)
			exit(2);
		c_limit[0] = v[0]; c_limit[1] = v[1];
		c_deep[0] = v[2]; c_deep[1] = v[3];
		for (t_len = 0; fscanf(f, "%d %d %d %d %d %d", &v[0], &v[1],
				       &v[2], &v[3], &v[4], &v[5]) == 6; t_len++) {
			if (t_len == MOST)
				exit(2);
			t_kind[t_len] = v[0]; t_dev[t_len] = v[1];
			t_queue[t_len] = v[2]; t_inst[t_len] = v[3];
			t_id[t_len] = v[4]; t_last[t_len] = v[5];
		}
		fclose(f);
	}
}

#include "door.pml"
#include "answer.pml"
#include "attach.pml"

#define NEXT_IS(k)	(ti < t_len && t_kind[ti] == (k))
#define ASKS(d)		(ti < t_len && t_dev[ti] == (d) && \
			 (t_kind[ti] == REPORT_EV || t_kind[ti] == LOST_EV))
/* An event of a reader may be some way off when it begins */
#define SOON_IS(j, q)	(ti + (j) < t_len && t_kind[ti + (j)] == READ_EV && \
			 t_queue[ti + (j)] == (q))
#define READ_SOON(q)	(SOON_IS(0, q) || SOON_IS(1, q) || SOON_IS(2, q) || \
			 SOON_IS(3, q))

proctype Device(byte dev)
{
	LOCALS;
	byte id, num;
	bit last;

	/* An index is not used again before hardware has its answer */
end:	do
	:: atomic { (ASKS(dev) || (NEXT_IS(SILENT_EV) && t_dev[ti] == dev)) &&
		    hw[dev * NID + t_id[ti]] != DUE ->
			id = t_id[ti];
			num = t_inst[ti];
			last = t_last[ti];
			hw[dev * NID + id] = SENDING;
			hwinst[dev * NID + id] = num;
			ti = ti + (t_kind[ti] == SILENT_EV);
			inflight[dev] = 1
		};
		report(dev, id, num, last);
		d_step { id = 0; num = 0; last = 0 }
	od
}

proctype User(byte me)
{
	LOCALS;
	byte cx, cgen, cinst;

end:	do
	:: atomic { !killed[0] && READ_SOON(0) -> q = 0; qusers[0]++ };
		read(q, me, 0);
		atomic { qusers[q]--; q = 0 }
	:: atomic { !killed[1] && READ_SOON(1) -> q = 1; qusers[1]++ };
		read(q, me, 0);
		atomic { qusers[q]--; q = 0 }
	:: atomic { NEXT_IS(ANSWER_EV) && !killed[t_queue[ti]] ->
			q = t_queue[ti];
			cx = q * NSLOT;
			do
			:: cx < (q + 1) * NSLOT &&
			   !(known[cx] && kinst[cx] == t_inst[ti] &&
			     sw[cx] == READ && sgen[cx] == kgen[cx]) -> cx++
			:: else -> break
			od;
			qusers[q]++;
			if
			:: cx < (q + 1) * NSLOT ->
				ok = 1; cgen = kgen[cx]; cinst = kinst[cx]
			:: else
			fi
		};
		if
		:: ok -> ok = 0; answer(cx, cgen, cinst)
		:: else -> false	/* nothing to answer: no run */
		fi;
		atomic { qusers[q]--; q = 0; cx = 0; cgen = 0; cinst = 0 }
	od
}

/* Somebody moves the device, if what comes next cannot come otherwise. */
proctype Admin(byte dev)
{
	LOCALS;

end:	do
	:: atomic { ASKS(dev) && cur[dev] == NONE -> q = t_queue[ti] };
		attach(dev, q);
		q = 0
	:: atomic { ASKS(dev) && cur[dev] != NONE && aq[cur[dev]] != t_queue[ti] ->
			q = t_queue[ti] };
		if
		:: replace(dev, q)
		:: detach(dev)
		fi;
		q = 0
	:: NEXT_IS(DRAIN_EV + SUCCESS) && t_dev[ti] == dev && cur[dev] != NONE;
		if
		:: replace(dev, 0)
		:: replace(dev, 1)
		fi
	:: NEXT_IS(DRAIN_EV + INVALID) && t_dev[ti] == dev && cur[dev] != NONE;
		detach(dev)
	od
}

proctype Closer(byte queue)
{
	LOCALS;

end:	NEXT_IS(DRAIN_EV + INVALID) && t_queue[ti] == queue;
	killed[queue] = 1;
endb:	qusers[queue] == 0;
	close(queue)
}

proctype Accepted()
{
end:	ti == t_len -> assert(ti != t_len)
}

init
{
	LOCALS;

	atomic {
		setup();
		load();
		run Device(0); run Device(1);
		run User(0); run User(1);
		run Admin(0); run Admin(1);
		run Closer(0); run Closer(1);
		run Accepted()
	}
}
