/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach, replace, detach, close, unplug (attach.c, source.c, queue.c): what may
 * sleep, under the mutex of a source.
 */

/* fn: iommufd_fault_queue_drop() fn: fault_queue_exit() */
inline queue_put(qx)
{
	d_step {
		assert(qref[qx] > 0);
		qref[qx]--;
		if
		:: qref[qx] == 0 ->
			assert(!rlock[qx]);
			k = qx * NSLOT;
			do
			:: k < (qx + 1) * NSLOT ->
				if
				:: sgone[k] ->
					assert(sw[k] == GONE);
					sgone[k] = 0;
					swhere[k] = NOWHERE;
					free_chain(k)
				:: else
				fi;
				k++
			:: else -> break
			od;
			k = qx * NSLOT;
			do
			:: k < (qx + 1) * NSLOT ->
				assert(sw[k] == FREE && swhere[k] == NOWHERE);
				k++
			:: else -> break
			od;
			k = 0;
			qlive[qx] = 0
		:: else
		fi
	}
}

/*
 * Left in "to": a new attach, or NONE if the device or the queue has gone.
 * fn: iommufd_fault_attach_alloc() fn: fault_source_join()
 */
inline attach_alloc(dx, qx)
{
	d_step {
		movers++;
		if
		:: sreg[dx] && qlive[qx] ->
			to = dx * NATT;
			do
			:: !MAY_USE(to) -> to++
			:: else -> break
			od;
			assert(to < (dx + 1) * NATT);
			nat[dx]++;
			qref[qx]++;
			alive[to] = 1;
			aever[to] = 1;
			aq[to] = qx;
			aref[to] = 1
		:: else -> to = NONE
		fi
	}
}

/* fn: iommufd_fault_attach_free() fn: fault_source_leave() */
inline attach_free(at)
{
	d_step {
		assert(alive[at] && !ainst[at]);
		alive[at] = 0;
		nat[DOFA(at)]--;
		if
		:: nat[DOFA(at)] == 0 ->
			/* fn: fault_source_free_groups() */
			reap(DOFA(at));
			g = DOFA(at) * NGRP;
			do
			:: g < (DOFA(at) + 1) * NGRP ->
				assert(gst[g] == FREE || gst[g] == DOOMED);
				group_free(g);
				g++
			:: else -> break
			od;
			g = 0
		:: else
		fi
	};
	queue_put(aq[at])
}

/* When this is done the door no longer uses what was there before.
 * fn: fault_route_set()
 */
inline route_set(dx, at)
{
	atomic { slock[dx] == 0 -> route[dx] = at }
}

/* fn: fault_attach_list() fn: fault_queue_add_attach() */
inline attach_list(at)
{
	d_step { ainst[at] = 1; aclose[at] = qclosed[aq[at]] }
}

/* Claim a group for the answer that detach gives. fn: fault_claim_drain() */
inline claim_drain(at, code)
{
	atomic {
		g = DOFA(at) * NGRP + k;
		old = 0;
		if
		:: gst[g] == PUBLISHED && gat[g] == at && !gdone[g] ->
			x = ghead[g];
			if
			:: sgen[x] != ggen[g]
			:: sgen[x] == ggen[g] && sw[x] == PUBLISHED ->
				sw[x] = GONE; old = 1
			:: sgen[x] == ggen[g] && sw[x] == READING &&
			   broken != B_DRAIN ->
				sw[x] = TAKEN; old = 1
			:: sgen[x] == ggen[g] && sw[x] == READ ->
				sw[x] = CLAIMED; old = 1
			:: else
			fi
		:: else
		fi;
		if
		:: old ->
			assert(alive[at]);
			bh[nb] = DOFG(g) * NID + gid[g];
			bi[nb] = ginst[g];
			nb++;
			EV(DRAIN_EV + code, DOFG(g), aq[at], ginst[g]);
			if
			:: sw[x] == GONE -> sgone[x] = 1
			:: sw[x] == CLAIMED -> free_chain(x)
			:: else
			fi;
			outst[DOFG(g)] = outst[DOFG(g)] - gcnt[g];
			group_free(g)
		:: else
		fi;
		old = 0; g = 0; x = 0;
		k++
	}
}

/*
 * One batch after the other. What is not whole is forgotten, or refused when its
 * last request comes, and then counted with the heir.
 * fn: fault_attach_drain() fn: fault_attach_drain_step()
 * fn: fault_group_discard()
 */
inline drain(at, doom, verdict, heir, code)
{
	do
	:: !quit ->
		atomic {
			slock[DOFA(at)] == 0 -> slock[DOFA(at)] = 1;
			reap(DOFA(at));
			g = DOFA(at) * NGRP;
			do
			:: g < (DOFA(at) + 1) * NGRP ->
				if
				:: gst[g] == OPEN && gat[g] == at && doom ->
					group_doom(DOFA(at), verdict);
					gat[g] = heir
				:: gst[g] == OPEN && gat[g] == at && !doom ->
					release_slots(DOFA(at), g);
					group_free(g)
				:: else
				fi;
				g++
			:: else -> break
			od;
			g = 0
		};
		do
		:: k < NGRP && nb < BATCH -> claim_drain(at, code)
		:: else -> break
		od;
		skip;
		d_step { quit = (nb < BATCH); k = 0; slock[DOFA(at)] = 0 };
		POINT(DRAIN_CLAIMED);
		do
		:: k < nb ->
			respond(bh[k], bi[k]);
			d_step {
				assert(alive[at] && aref[at] > 0);
				aref[at]--;
				bh[k] = 0; bi[k] = 0;
				k++
			}
		:: else -> break
		od;
		skip;
		d_step { k = 0; nb = 0 }
	:: quit -> break
	od;
	quit = 0;
	purge(aq[at])
}

/*
 * fn: fault_attach_retire() fn: fault_attach_bequeath()
 * fn: fault_queue_del_attach()
 */
inline retire(at, doom, heir, code)
{
	drain(at, doom, RETRY, heir, code);
	atomic {
		slock[DOFA(at)] == 0;
		g = DOFA(at) * NGRP;
		do
		:: g < (DOFA(at) + 1) * NGRP ->
			if
			:: gst[g] == DOOMED && gat[g] == at && doom -> gat[g] = heir
			:: gst[g] == DOOMED && gat[g] == at && !doom -> group_free(g)
			:: else
			fi;
			g++
		:: else -> break
		od;
		g = 0
	};
	attach_put(at);
	aref[at] == 0 || broken == B_IDLE;
	atomic {
		slock[DOFA(at)] == 0;
		reap(DOFA(at));
		g = DOFA(at) * NGRP;
		do
		:: g < (DOFA(at) + 1) * NGRP ->
			assert(gat[g] != at || gst[g] == FREE || broken == B_IDLE);
			g++
		:: else -> break
		od;
		g = 0;
		ainst[at] = 0
	}
}

/* What hardware holds comes to the door first. fn: fault_unit_drain() */
inline unit_drain(dx)
{
	inflight[dx] == 0;
	POINT(DRAIN_ROUTED)
}

/* fn: fault_attach_cut() */
inline cut(at)
{
	if
	:: brk != B_ROUTE -> route_set(DOFA(at), NONE)
	:: else
	fi;
	retire(at, 0, NONE, INVALID);
	if
	:: brk == B_ROUTE -> route_set(DOFA(at), NONE)
	:: else
	fi
}

/* fn: iommufd_fault_attach_install() */
inline attach(dx, qx)
{
	attach_alloc(dx, qx);
	if
	:: to != NONE ->
		atomic { smutex[dx] == 0 -> smutex[dx] = 1 };
		if
		:: dead[dx] -> smutex[dx] = 0; attach_free(to)
		:: else ->
			attach_list(to);
			route_set(dx, to);
			cur[dx] = to;
			smutex[dx] = 0
		fi
	:: else
	fi;
	d_step { to = 0; movers-- }
}

/*
 * fn: iommufd_fault_attach_prepare_replace() fn: iommufd_fault_attach_replace()
 */
inline replace(dx, qx)
{
	attach_alloc(dx, qx);
	if
	:: to != NONE ->
		atomic { smutex[dx] == 0 -> smutex[dx] = 1 };
		if
		:: dead[dx] -> smutex[dx] = 0; attach_free(to)
		:: else ->
			smutex[dx] = 0;
			atomic { smutex[dx] == 0 -> smutex[dx] = 1 };
			if
			:: !dead[dx] -> attach_list(to); route_set(dx, to)
			:: else
			fi;
			if
			:: cur[dx] != NONE && ainst[cur[dx]] ->
				unit_drain(dx);
				retire(cur[dx], 1, to, SUCCESS)
			:: else
			fi;
			smutex[dx] = 0;
			if
			:: cur[dx] != NONE -> attach_free(cur[dx])
			:: else
			fi;
			cur[dx] = to
		fi
	:: else
	fi;
	d_step { to = 0; movers-- }
}

/* fn: iommufd_fault_attach_remove() */
inline detach(dx)
{
	if
	:: cur[dx] != NONE ->
		atomic { smutex[dx] == 0 -> smutex[dx] = 1; movers++ };
		if
		:: ainst[cur[dx]] -> unit_drain(dx); cut(cur[dx])
		:: else
		fi;
		smutex[dx] = 0;
		attach_free(cur[dx]);
		d_step { cur[dx] = NONE; movers-- }
	:: else
	fi
}

/*
 * Nobody is in a call of the file any more, nor will be.
 * fn: fault_file_release() fn: fault_queue_close() fn: fault_queue_next_attach()
 */
inline close(qx)
{
	if
	:: brk != B_CLOSED -> qclosed[qx] = 1
	:: else
	fi;
	do
	:: atomic {
			k = 0;
			do
			:: k < NA && !(ainst[k] && aq[k] == qx && !aclose[k]) -> k++
			:: else -> break
			od;
			a = (k < NA -> k : NONE);
			k = 0
		};
		if
		:: a == NONE -> break
		:: else -> skip
		fi;
		d = DOFA(a);
		atomic { smutex[d] == 0 -> smutex[d] = 1 };
		a = d * NATT;
		do
		:: a < (d + 1) * NATT ->
			if
			:: ainst[a] && aq[a] == qx ->
				drain(a, 1, REFUSED, NONE, INVALID);
				aclose[a] = 1
			:: else
			fi;
			a++
		:: else -> break
		od;
		smutex[d] = 0
	od;
	if
	:: brk == B_CLOSED -> qclosed[qx] = 1
	:: else
	fi;
	skip;
	d_step {
		a = 0; d = 0;
		/* Nobody could answer it from here on */
		do
		:: a < NG ->
			assert(gst[a] != PUBLISHED || gdone[a] || aq[gat[a]] != qx ||
			       sw[ghead[a]] == CLAIMED || sgen[ghead[a]] != ggen[a]);
			a++
		:: else -> break
		od;
		a = 0
	};
	queue_put(qx)
}

/* fn: iommufd_fault_source_unregister() */
inline unregister(dx)
{
	d_step { movers++; sreg[dx] = 0 };
	atomic { smutex[dx] == 0 -> smutex[dx] = 1 };
	dead[dx] = 1;
	a = dx * NATT;
	do
	:: a < (dx + 1) * NATT ->
		if
		:: ainst[a] -> cut(a)
		:: else
		fi;
		a++
	:: else -> break
	od;
	a = 0;
	smutex[dx] = 0;
	d_step { unitgone[dx] = 1; movers-- }
}
