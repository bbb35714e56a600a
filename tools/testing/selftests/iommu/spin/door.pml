/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door (deliver.c). All of it runs under the lock of the source; nothing but
 * the words of slots and the lists of the queue is seen by others meanwhile, and
 * those change last. So it is one step.
 */

/* Give the slots of a group back. fn: fault_queue_free_chain() fn: fault_slot_put() */
inline free_chain(head)
{
	assert(qlive[QOF(head)]);
	i = head;
	do
	:: i != NONE ->
		assert(sw[i] != FREE);
		n = snext[i];
		sw[i] = FREE;
		snext[i] = NONE;
		sgrp[i] = NONE;
		sinst[i] = 0;
		sgen[i] = sgen[i] + (broken != B_GENERATION);
		i = n
	:: else -> break
	od;
	i = 0; n = 0
}

/*
 * The door takes these back one by one, when it needs one; whoever holds the lock sees
 * no difference. fn: fault_source_reap() fn: fault_group_again()
 */
inline reap(d)
{
	i = d * NGRP;
	do
	:: i < (d + 1) * NGRP ->
		if
		:: gdone[i] -> gdone[i] = 0; group_free(i)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* fn: fault_group_free() */
inline group_free(gr)
{
	gst[gr] = FREE; gat[gr] = NONE; ghead[gr] = NONE;
	gid[gr] = 0; ginst[gr] = 0; gcnt[gr] = 0; ggen[gr] = 0;
	gverdict[gr] = 0
}

/* fn: fault_group_release_slots() */
inline release_slots(d, gr)
{
	if
	:: ghead[gr] != NONE ->
		free_chain(ghead[gr]);
		outst[d] = outst[d] - gcnt[gr];
		ghead[gr] = NONE;
		gcnt[gr] = 0
	:: else
	fi
}

/* Left in g: the group, or NONE. fn: fault_group_find() */
inline group_find(d, id)
{
	g = NONE;
	i = d * NGRP;
	do
	:: i < (d + 1) * NGRP ->
		if
		:: (gst[i] == OPEN || gst[i] == DOOMED) && gid[i] == id -> g = i
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/*
 * A structure must be there for whoever has credits.
 * fn: fault_group_get() fn: fault_group_other()
 */
inline group_get(d, id, inst)
{
	assert(nat[d] > 0);
	g = NONE;
	i = d * NGRP;
	do
	:: i < d * NGRP + c_structs && g == NONE ->
		if
		:: gst[i] == FREE && !gdone[i] -> g = i
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	assert(g != NONE);
	gid[g] = id;
	ginst[g] = inst
}

/* fn: fault_group_doom() */
inline group_doom(d, verdict)
{
	release_slots(d, g);
	gst[g] = DOOMED;
	gverdict[g] = verdict
}

/* The backend answers at once, as hardware does on overflow, or invalid. */
inline answered_by_backend(d, id)
{
	assert(hw[d * NID + id] == SENDING);
	hw[d * NID + id] = IDLE
}

/* fn: fault_refuse() */
inline refuse(d, id, inst, last)
{
	if
	:: last ->
		if
		:: g != NONE -> release_slots(d, g); group_free(g)
		:: else
		fi;
		answered_by_backend(d, id)
	:: else ->
		if
		:: g == NONE && nat[d] > 0 -> group_get(d, id, inst)
		:: else
		fi;
		if
		:: g != NONE -> group_doom(d, REFUSED); gat[g] = NONE
		:: else
		fi
	fi
}

/* fn: fault_overflow() */
inline overflow(d, id, inst, last)
{
	EV(LOST_EV, d, aq[a], inst);
	if
	:: last ->
		if
		:: g != NONE -> release_slots(d, g); group_free(g)
		:: else
		fi;
		answered_by_backend(d, id)
	:: else ->
		if
		:: g == NONE -> group_get(d, id, inst); gat[g] = a
		:: else
		fi;
		group_doom(d, RETRY)
	fi
}

/* fn: fault_doomed() */
inline doomed(d, id, last)
{
	assert(gat[g] == NONE || alive[gat[g]]);
	if
	:: last -> group_free(g); answered_by_backend(d, id)
	:: else
	fi
}

/* Wake every sleeper, if nobody else has to. fn: fault_group_publish() */
inline publish(d, id, inst)
{
	gst[g] = PUBLISHED;
	aref[a] = aref[a] + (broken != B_REFERENCE);
	hw[d * NID + id] = DUE;
	EV(PUBLISH_EV, d, aq[a], inst);
	x = ghead[g];
	sw[x] = PUBLISHED;
	if
	:: ANY(IS_LISTED, aq[a]) -> swhere[x] = LISTED
	:: else ->
		swhere[x] = LISTED;
		i = 0;
		do
		:: i < NU && broken != B_WAKE ->
			if
			:: asleep[i] == aq[a] + 1 -> asleep[i] = 0
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	fi
}

/* fn: fault_slot_fill() fn: fault_group_begin() */
inline slot_fill()
{
	if
	:: ghead[g] == NONE ->
		ghead[g] = x;
		ggen[g] = sgen[x]
	:: else ->
		i = ghead[g];
		do
		:: snext[i] != NONE -> i = snext[i]
		:: else -> break
		od;
		snext[i] = x;
		i = 0
	fi;
	sgrp[x] = g;
	sinst[x] = ginst[g];
	snext[x] = NONE;
	sw[x] = OPEN;
	gcnt[g]++
}

/* Left in x: a free slot of the queue, or NONE. fn: fault_ring_take() */
inline slot_take(q)
{
	x = NONE;
	i = q * NSLOT;
	do
	:: i < q * NSLOT + DEPTH(q) && x == NONE ->
		if
		:: sw[i] == FREE -> x = i
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* fn: fault_take() */
inline take(d, id, inst, last)
{
	slot_take(aq[a]);
	if
	:: outst[d] >= LIMIT(d) || x == NONE -> overflow(d, id, inst, last)
	:: else ->
		if
		:: g == NONE -> group_get(d, id, inst); gat[g] = a
		:: else
		fi;
		outst[d]++;
		slot_fill();
		EV(REPORT_EV, d, aq[a], inst);
		if
		:: last -> publish(d, id, inst)
		:: else -> gst[g] = OPEN
		fi
	fi
}

/* The door. fn: iommufd_fault_report() fn: fault_source_route() */
inline report(d, id, inst, last)
{
	atomic {
		slock[d] == 0 -> slock[d] = 1;
		reap(d);
		group_find(d, id);
		if
		:: g != NONE && gst[g] == DOOMED -> doomed(d, id, last)
		:: else ->
			if
			:: g != NONE -> a = gat[g]
			:: else -> a = route[d]
			fi;
			assert(a == NONE || (alive[a] && qlive[aq[a]]));
			if
			:: a == NONE || qclosed[aq[a]] -> refuse(d, id, inst, last)
			:: else -> take(d, id, inst, last)
			fi
		fi;
		slock[d] = 0;
		inflight[d] = 0;
		g = 0; a = 0; x = 0
	}
}
