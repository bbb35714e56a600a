/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers (answer.c), and threads that read and answer (file.c, queue.c).
 */

/*
 * Hardware gets an answer: the device waits for one, and for this group.
 * fn: fault_batch_send()
 */
inline respond(h, inst)
{
	d_step {
		assert(!unitgone[(h) / NID]);
		assert(hw[h] == DUE);
		assert(hwinst[h] == inst);
		hw[h] = IDLE
	}
}

/* fn: fault_attach_put() */
inline attach_put(at)
{
	d_step {
		assert(alive[at]);
		assert(aref[at] > 0);
		aref[at]--
	}
}

/* fn: fault_queue_stage() */
inline stage(q)
{
	d_step {
		qstaging[q] = 1;
		i = q * NSLOT;
		do
		:: i < (q + 1) * NSLOT ->
			if
			:: swhere[i] == LISTED -> swhere[i] = STAGING
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	};
	d_step {
		i = q * NSLOT;
		do
		:: i < (q + 1) * NSLOT ->
			if
			:: swhere[i] == STAGING -> swhere[i] = STAGED
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		qstaging[q] = 0
	}
}

/*
 * Free what was drained unread; never wait for a reader.
 * fn: fault_queue_purge() fn: fault_queue_clear_gone()
 */
inline purge(q)
{
	do
	:: atomic {
			ANY(IS_GONE, q) && !rlock[q] -> rlock[q] = 1;
			i = q * NSLOT;
			do
			:: i < (q + 1) * NSLOT ->
				if
				:: sgone[i] -> sgone[i] = 0;
					gonemask = gonemask | (1 << (i % NSLOT))
				:: else
				fi;
				i++
			:: else -> break
			od;
			i = 0
		};
		stage(q);
		d_step {
			k = 0;
			do
			:: k < NSLOT ->
				if
				:: gonemask & (1 << k) ->
					assert(sw[q * NSLOT + k] == GONE);
					swhere[q * NSLOT + k] = NOWHERE;
					free_chain(q * NSLOT + k)
				:: else
				fi;
				k++
			:: else -> break
			od;
			k = 0;
			gonemask = 0;
			rlock[q] = 0
		}
	:: !ANY(IS_GONE, q) || (rlock[q] && broken != B_PURGE) -> break
	od
}

/*
 * A user's answer: to the group whose cookie it names.
 * fn: fault_claim_user() fn: fault_queue_answer() fn: fault_queue_write()
 */
inline answer(cx, cgen, cinst)
{
	atomic {
		assert(qlive[QOF(cx)]);
		if
		:: sw[cx] == READ && sgen[cx] == cgen ->
			if
			:: broken != B_CLAIM -> sw[cx] = CLAIMED
			:: else
			fi
		:: else -> old = 1
		fi
	};
	atomic {
		if
		:: !old -> sw[cx] = CLAIMED
		:: else
		fi;
		if
		:: !old ->
			g = sgrp[cx];
			assert(g != NONE);
			assert(gst[g] == PUBLISHED);
			assert(ginst[g] == cinst);
			a = gat[g];
			assert(alive[a]);
			bh[0] = DOFG(g) * NID + gid[g];
			bi[0] = ginst[g];
			nb = gcnt[g]
		:: else
		fi
	};
	if
	:: !old ->
		EV(ANSWER_EV, DOFA(a), QOF(cx), bi[0]);
		atomic { free_chain(cx) };
		d_step {
			if
			:: brk != B_CREDITS -> gdone[g] = 1
			:: else -> outst[DOFA(a)] = outst[DOFA(a)] - nb
			fi
		};
		d_step {
			if
			:: brk != B_CREDITS -> outst[DOFA(a)] = outst[DOFA(a)] - nb
			:: else -> gdone[g] = 1
			fi
		};
		POINT(WRITE_CLAIMED);
		respond(bh[0], bi[0]);
		attach_put(a)
	:: else
	fi;
	d_step { old = 0; g = 0; a = 0; nb = 0; bh[0] = 0; bi[0] = 0 }
}

/* The reader has a group in hand no more. fn: fault_slot_move() */
inline let_go(rx, to, unlink)
{
	if
	:: sw[rx] == READING -> sw[rx] = to;
		if
		:: unlink -> swhere[rx] = NOWHERE
		:: else
		fi
	:: else ->
		assert(sw[rx] == TAKEN);
		swhere[rx] = NOWHERE;
		free_chain(rx)
	fi
}

/* Left in x: one of those staged and not mine, or NONE. */
inline select_staged(q)
{
	x = q * NSLOT;
	do
	:: x < (q + 1) * NSLOT ->
		if
		:: swhere[x] == STAGED && !(mine & (1 << (x % NSLOT))) -> n++
		:: else
		fi;
		x++
	:: else -> break
	od;
	if
	:: n == 0 -> x = NONE
	:: else ->
		x = q * NSLOT;
		do
		:: swhere[x] != STAGED || mine & (1 << (x % NSLOT)) -> x++
		:: else ->
			if
			:: break
			:: n > 1 -> n--; x++
			fi
		od
	fi;
	n = 0
}

/*
 * Read whole groups. Whichever there are, in any order: that is more than the
 * code does. "stuck": the user's memory does not come before all others have
 * ended who do not wait for it.
 * fn: fault_queue_read() fn: fault_queue_read_locked()
 */
inline read(q, me, stuck)
{
	do
	:: READABLE(q) ->
		if
		:: atomic { rlock[q] == 0 -> rlock[q] = 1 };
			read_locked(q, stuck);
			if
			:: got -> break
			:: else -> skip
			fi
		:: killed[q] -> break
		fi
	:: !READABLE(q) && !BLOCKING(q) -> break
	:: !READABLE(q) && BLOCKING(q) ->
		/* wait_event_interruptible(): join, look, sleep */
		asleep[me] = q + 1;
		if
		:: READABLE(q) -> asleep[me] = 0
		:: else -> skip
		fi;
		if
		:: asleep[me] == 0 -> skip
		:: killed[q] -> asleep[me] = 0; break
		fi
	od;
	got = 0
}

/*
 * fn: fault_reader_add() fn: fault_copy_group() fn: fault_reader_commit()
 * fn: fault_reader_restore() fn: fault_queue_read_unlock()
 */
inline read_locked(q, stuck)
{
	stage(q);
	do
	:: k < ROOM ->
		atomic {
			select_staged(q);
			if
			:: x == NONE -> k = ROOM; x = 0
			:: else ->
				if
				:: sw[x] == PUBLISHED -> sw[x] = READING;
					mine = mine | (1 << (x % NSLOT)); k++
				:: else ->
					assert(sw[x] == GONE);
					swhere[x] = NOWHERE
				fi;
				x = 0
			fi
		}
	:: k == ROOM -> break
	od;
	k = 0;
	if
	:: mine ->
		POINT(READ_CLAIMED);
		if
		:: stuck -> timeout; assert(movers == 0)
		:: else
		fi;
		if
		:: ok = 1
		:: fails -> ok = 0
		fi;
		POINT(READ_COPIED);
		do
		:: k < NSLOT ->
			if
			:: mine & (1 << k) ->
				atomic {
					x = q * NSLOT + k;
					if
					:: ok ->
						known[x] = 1;
						kgen[x] = sgen[x];
						kinst[x] = sinst[x];
						EV(READ_EV, 0, q, kinst[x]);
						skip
					:: else
					fi;
					x = 0
				};
				atomic {
					if
					:: ok -> swhere[q * NSLOT + k] = NOWHERE;
						let_go(q * NSLOT + k, READ, 1)
					:: else -> let_go(q * NSLOT + k, PUBLISHED, 0)
					fi
				}
			:: else
			fi;
			k++
		:: else -> break
		od;
		skip;
		d_step { got = ok; ok = 0; k = 0; mine = 0 };
		/* -EFAULT is returned too */
		got = 1
	:: else
	fi;
	rlock[q] = 0;
	purge(q)
}
