/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults without an answer, and a pPASID that goes from one user to the next: what the
 * unit recorded for the first is not told to the second. The same for each driver on
 * its model, whose interrupt is disconnected meanwhile: nobody looks at the records but
 * who has to.
 */
#ifndef __IOMMUFD_PASID_EVENTS_KUNIT_H
#define __IOMMUFD_PASID_EVENTS_KUNIT_H

#include <kunit/test.h>
#include <linux/iommu.h>

#include "fault/event.h"
#include "object.h"

#define PE_PASID	9

/**
 * struct pe_owner - a user who listens to his HWPT
 * @ictx: his context, of which nothing but the address is used
 * @domain: the HWPT's
 * @listener: listens
 * @epasid: how he knows the PASID
 */
struct pe_owner {
	struct iommufd_ctx ictx;
	struct iommu_domain *domain;
	struct iommufd_event_listener listener;
	struct iommufd_event_pasid epasid;
};

/**
 * struct pe - a machine with a function and two users of its parts
 * @test: the case
 * @dev: the function
 * @parent: of the parts
 * @owner: the users
 * @attach: send PE_PASID through the HWPT of a user; replaces
 * @detach: block it
 * @fault: a DMA with PE_PASID that is refused
 * @blind: disconnect the interrupt
 * @look: connect it; all that is recorded is reported on return
 */
struct pe {
	struct kunit *test;
	struct device *dev;
	struct iommufd_event_parent *parent;
	struct pe_owner owner[2];
	int (*attach)(struct pe *pe, unsigned int owner);
	void (*detach)(struct pe *pe);
	bool (*fault)(struct pe *pe);
	void (*blind)(struct pe *pe);
	void (*look)(struct pe *pe);
};

static inline void pe_begin(struct pe *pe)
{
	unsigned int i;

	pe->parent = iommufd_event_parent_get(pe->dev);
	KUNIT_ASSERT_FALSE(pe->test, IS_ERR(pe->parent));
	for (i = 0; i < 2; i++) {
		struct pe_owner *o = &pe->owner[i];

		o->epasid = (struct iommufd_event_pasid){
			.ictx = &o->ictx,
			.dev_id = 20 + i,
			.vpasid = 70 + i,
		};
		KUNIT_ASSERT_EQ(pe->test, 0,
				iommufd_event_listen(&o->listener, o->domain,
						     &o->ictx, 8));
	}
}

static inline void pe_end(struct pe *pe)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		iommufd_event_unlisten(&pe->owner[i].listener);
	iommufd_event_parent_put(pe->parent);
}

/* As group_pasid.c does it: known before it is attached, until it is detached */
static inline void pe_attach(struct pe *pe, unsigned int owner)
{
	KUNIT_ASSERT_EQ(pe->test, 0,
			iommufd_event_pasid_add(pe->parent, PE_PASID,
						&pe->owner[owner].epasid));
	KUNIT_ASSERT_EQ(pe->test, 0, pe->attach(pe, owner));
}

static inline void pe_detach(struct pe *pe)
{
	pe->detach(pe);
	iommufd_event_pasid_del(pe->parent, PE_PASID);
}

/* What they have heard since the last time, the last of it by their own names */
static inline void pe_expect(struct pe *pe, u64 first, u64 second)
{
	const u64 want[] = { first, second };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct iommufd_event_ring *ring = &pe->owner[i].listener.ring;
		struct iommu_hwpt_event *event;

		KUNIT_EXPECT_EQ_MSG(pe->test, ring->total, want[i], "owner %u",
				    i);
		ring->total = 0;
		if (ring->tail == ring->head)
			continue;
		event = (struct iommu_hwpt_event *)ring->records +
			((ring->tail - 1) & ring->mask);
		KUNIT_EXPECT_EQ(pe->test, event->dev_id, 20 + i);
		KUNIT_EXPECT_EQ(pe->test, event->pasid, 70 + i);
		ring->head = ring->tail;
	}
}

static inline void pe_run(struct pe *pe)
{
	struct kunit *test = pe->test;

	pe_begin(pe);

	/* Detached, and attached by the other one, before anybody has looked */
	pe_attach(pe, 0);
	pe->blind(pe);
	KUNIT_EXPECT_TRUE(test, pe->fault(pe));
	pe_detach(pe);
	pe_expect(pe, 1, 0);
	pe_attach(pe, 1);
	pe->look(pe);
	pe_expect(pe, 0, 0);
	KUNIT_EXPECT_TRUE(test, pe->fault(pe));
	pe->look(pe);
	pe_expect(pe, 0, 1);

	/* What is sent while nobody has it is nobody's */
	pe_detach(pe);
	pe->blind(pe);
	KUNIT_EXPECT_TRUE(test, pe->fault(pe));
	pe_attach(pe, 0);
	pe->look(pe);
	pe_expect(pe, 0, 0);
	pe_detach(pe);

	/* Moved: what went wrong before is told by the HWPT it was left for */
	pe_attach(pe, 1);
	pe->blind(pe);
	KUNIT_EXPECT_TRUE(test, pe->fault(pe));
	KUNIT_EXPECT_EQ(test, 0, pe->attach(pe, 0));
	pe->look(pe);
	pe_expect(pe, 0, 1);
	pe_detach(pe);

	pe_end(pe);
}

#endif
