/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One thread is held at a point of its call while another makes a call of its own:
 * does that have to wait? KUnit does the same with the code (fault_detach_kunit.c,
 * "meetings"); the two have to agree.
 *
 * HELD, POINT_AT and OTHER choose; the searches print "meeting HELD POINT OTHER W",
 * with 1 for W where the second waits. A point that the first does not come to
 * prints nothing.
 */
#define NSLOT		6
#define ROOM		c_room
#define NID		4
#define NGRP		6
#define NATT		3
#define BATCH		6
#define LIMIT(d)	6
#define BLOCKING(q)	0
#define MORE_LOCALS	, holds
#define POINT(p) \
	if \
	:: holds && m_point == (p) && !reached -> reached = 1; released \
	:: else \
	fi

hidden byte c_room, m_held, m_point, m_other;
bit reached, released, held_done, other_done;

#include "state.pml"

c_decl {
	\#include <stdio.h>
}

#include "door.pml"
#include "answer.pml"
#include "attach.pml"

#define DO_READ		0
#define DO_WRITE	1
#define DO_DETACH	2
#define DO_REPLACE	3
#define DO_CLOSE	4
#define DO_REPORT	5

proctype Call(bit first)
{
	LOCALS;
	byte what;

	what = (first -> m_held : m_other);
	holds = first;
	first || reached;
	if
	:: what == DO_READ -> read(0, 0, 0)
	:: what == DO_WRITE -> answer(0, kgen[0], kinst[0])
	:: what == DO_DETACH -> detach(0)
	:: what == DO_REPLACE -> replace(0, 0)
	:: what == DO_CLOSE -> close(0)
	:: what == DO_REPORT ->
		d_step { hw[3] = SENDING; hwinst[3] = 4 };
		report(0, 3, 4, 1)
	fi;
	if
	:: first -> held_done = 1
	:: else -> other_done = 1
	fi
}

init
{
	LOCALS;

	/* As in the KUnit case: the first is read, the second (of two) and third not. */
	atomic {
		setup();
		c_code {
			m_held = setting("HELD", 0);
			m_point = setting("POINT_AT", 1);
			m_other = setting("OTHER", 0);
			c_room = 1;
		};
		/* The test keeps the queue when it is closed */
		qref[0] = 2;
		attach(0, 0);
		hw[0] = SENDING; hwinst[0] = 1;
		report(0, 0, 1, 1);
		read(0, 0, 0);
		hw[1] = SENDING; hwinst[1] = 2;
		report(0, 1, 2, 0);
		report(0, 1, 2, 1);
		hw[2] = SENDING; hwinst[2] = 3;
		report(0, 2, 3, 1);
		c_code { c_room = NSLOT; };
		run Call(1);
		run Call(0)
	};
	/* Until nothing moves. */
	timeout;
	if
	:: reached ->
		c_code {
			printf("meeting %d %d %d %d\n", m_held, m_point, m_other,
			       !now.other_done);
		};
		released = 1;
		held_done && other_done
	:: else -> held_done -> reached = 1
	fi
}
