/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a page request in drivers/iommu/iommufd/fault/: every interleaving
 * of two devices, two queues, two threads of users, and those who attach, replace,
 * detach, close and unplug meanwhile.
 *
 * Four properties:
 *   1 every request is answered exactly once, by a user, by the kernel or by the
 *     backend: respond(), answered_by_backend(), close(), and the end below
 *   2 no answer reaches another request: respond(), answer()
 *   3 nothing is used after it has gone: alive, qlive, unitgone, nat wherever used
 *   4 nobody waits for ever: every process ends (spin reports invalid end states),
 *     nobody sleeps while there is something to read, nobody who detaches waits
 *     for a user's memory
 *
 * Who takes part besides devices and users is chosen for each search (runs): the others
 * come when all is still, to clear up. Memory is as if every access were ordered:
 * barriers are not what this is about.
 */
#include "state.pml"
#include "door.pml"
#include "answer.pml"
#include "attach.pml"

/* The first group of the first device has two requests */
#define REQUESTS(d, n)	((d) == 0 && (n) == 0 -> 2 : 1)
#define GROUPS(d)	c_groups[d]
#define ACTIONS(u)	c_actions[u]
#define HOME(d)		((d) == 0 -> 0 : c_home)
#define EARLY_CLOSE(q)	(c_close & (1 << (q)))
#define EARLY_UNPLUG(d)	(c_unplug & (1 << (d)))
#define EARLY_REPLACE(d) (c_replace & (1 << (d)))
#define EARLY_DETACH(d)	(c_detach & (1 << (d)))
#define STUCK(u)	(c_stuck & (1 << (u)))
#define STILL		timeout

proctype Device(byte dev)
{
	LOCALS;
	byte num, left, id, groups = GROUPS(dev), indices = c_indices;

	do
	:: num < groups ->
		id = num % indices;
		atomic {
			hw[dev * NID + id] == IDLE || unplugged[dev] ->
			if
			:: unplugged[dev] -> break
			:: else ->
				hw[dev * NID + id] = SENDING;
				hwinst[dev * NID + id] = num + 1;
				left = REQUESTS(dev, num)
			fi
		};
		do
		:: left > 0 ->
			atomic {
				if
				:: unplugged[dev] -> break
				:: else -> inflight[dev] = 1
				fi
			};
			report(dev, id, num + 1, left == 1);
			left--
		:: else -> break
		od;
		num++
	:: else -> break
	od
}

proctype User(byte me)
{
	LOCALS;
	byte left = ACTIONS(me), cx, cgen, cinst;
	bit stuck = (STUCK(me) != 0);

	do
	:: left > 0 ->
		atomic {
		if
		:: !killed[0] -> q = 0; qusers[0]++
		:: !killed[1] -> q = 1; qusers[1]++
		:: killed[0] && killed[1] -> break
		fi
		};
		if
		:: read(q, me, stuck)
		:: atomic {
				/* Any cookie ever read, if it is the last of its slot */
				cx = q * NSLOT;
				do
				:: cx < (q + 1) * NSLOT && known[cx] -> break
				:: cx < (q + 1) * NSLOT -> cx++
				:: else -> break
				od;
				if
				:: cx < (q + 1) * NSLOT ->
					cgen = kgen[cx];
					cinst = kinst[cx];
					ok = 1
				:: else
				fi
			};
			if
			:: ok -> ok = 0; answer(cx, cgen, cinst)
			:: else
			fi;
			d_step { cx = 0; cgen = 0; cinst = 0 }
		fi;
		atomic { qusers[q]--; q = 0; left-- }
	:: else -> break
	od
}

proctype Admin(byte dev)
{
	LOCALS;
	byte other = 1 - HOME(dev);
	bit moves = (EARLY_REPLACE(dev) != 0), early = (EARLY_DETACH(dev) != 0);

	if
	:: moves -> replace(dev, other)
	:: else
	fi;
	if
	:: early -> skip
	:: else -> STILL
	fi;
	detach(dev)
}

proctype Closer(byte queue)
{
	LOCALS;
	bit early = (EARLY_CLOSE(queue) != 0);

	if
	:: early -> skip
	:: else -> STILL
	fi;
	killed[queue] = 1;
	qusers[queue] == 0;
	close(queue)
}

proctype Unplugger(byte dev)
{
	LOCALS;
	bit early = (EARLY_UNPLUG(dev) != 0);

	if
	:: early -> skip
	:: else -> STILL
	fi;
	unplugged[dev] = 1;
	inflight[dev] == 0;
	unregister(dev)
}

/* Nobody sleeps although there is something to read. */
proctype Watch()
{
	byte i;

	STILL;
	do
	:: i < NU ->
		assert(asleep[i] == 0 || !READABLE(asleep[i] - 1));
		i++
	:: else -> break
	od
}

init
{
	LOCALS;

	atomic {
		setup();
		attach(0, HOME(0));
		attach(1, HOME(1));
		run Device(0); run Device(1);
		run User(0); run User(1);
		run Admin(0); run Admin(1);
		run Closer(0); run Closer(1);
		run Unplugger(0); run Unplugger(1);
		run Watch()
	};
	_nr_pr == 1;
	i = 0;
	do
	:: i < ND * NID -> assert(hw[i] != DUE); i++
	:: else -> break
	od;
	i = 0;
	do
	:: i < NQ -> assert(!qlive[i] && qref[i] == 0); i++
	:: else -> break
	od;
	i = 0;
	do
	:: i < NA -> assert(!alive[i]); i++
	:: else -> break
	od;
	i = 0;
	do
	:: i < ND -> assert(outst[i] == 0 && nat[i] == 0); i++
	:: else -> break
	od
}
