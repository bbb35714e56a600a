// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event records (IHI 0070 7.3): which fields each type has, and what it means in
 * words. No state.
 */
#include <linux/bitfield.h>

#include "faults_internal.h"

/* Words of a record (7.3): bits of the first, which all types have, */
#define RECORD_TYPE		GENMASK_ULL(7, 0)
#define RECORD_SSV		BIT_ULL(11)
#define RECORD_SSID		GENMASK_ULL(31, 12)
#define RECORD_SID		GENMASK_ULL(63, 32)
/* of the second, */
#define RECORD_STAG		GENMASK_ULL(15, 0)
#define RECORD_STALL		BIT_ULL(31)
#define RECORD_PNU		BIT_ULL(33)
#define RECORD_IND		BIT_ULL(34)
#define RECORD_RNW		BIT_ULL(35)
#define RECORD_S2		BIT_ULL(39)
/* and of the fourth. The third is the input address. */
#define RECORD_IPA		GENMASK_ULL(51, 12)

/* Fields beyond the first word. */
#define HAS_ADDR		BIT(0)
#define HAS_RNW			BIT(1)
/* PnU and InD, which are those of the transaction after overrides (13.1) */
#define HAS_ATTRS		BIT(2)
#define HAS_S2			BIT(3)
#define HAS_IPA			BIT(4)
#define HAS_STALL		BIT(5)

#define HAS_ACCESS		(HAS_ADDR | HAS_RNW | HAS_ATTRS)
#define HAS_FAULT		(HAS_ACCESS | HAS_S2 | HAS_IPA | HAS_STALL)

static const struct {
	const char *name;
	u8 fields;
} event_types[] = {
	[0x01] = { "the unit does not support the transaction", HAS_ACCESS },
	[0x02] = { "the StreamID is beyond the stream table" },
	[0x03] = { "the stream table entry could not be read" },
	[0x04] = { "the stream table entry is not valid" },
	[0x05] = { "a translation request where ATS is off", HAS_ADDR },
	[0x06] = { "the stream takes no requests without PASID" },
	[0x07] = { "a translated request where ATS is off",
		   HAS_ADDR | HAS_RNW },
	[0x08] = { "the PASID is beyond what the stream has" },
	[0x09] = { "the context descriptor could not be read" },
	[0x0a] = { "the context descriptor is not valid" },
	[0x0b] = { "a page table could not be read", HAS_ACCESS | HAS_S2 },
	[0x10] = { "the address is not mapped", HAS_FAULT },
	[0x11] = { "an address is wider than the table takes", HAS_FAULT },
	[0x12] = { "the access flag is not set", HAS_FAULT },
	[0x13] = { "the mapping does not permit the access", HAS_FAULT },
	[0x20] = { "two cached translations match the address",
		   HAS_ACCESS | HAS_S2 | HAS_IPA },
	[0x21] = { "two cached configurations match the stream" },
	/* A hint: no transaction was refused */
	[SMMUV3_EVENT_PAGE_REQUEST] = { "a page will soon be used", HAS_ADDR },
	[0x25] = { "the virtual machine structure could not be read" },
};

/**
 * smmuv3_event_name() - what a type of event means
 * @type: of an event record (7.3)
 *
 * Return: a sentence without a full stop; for numbers without meaning one that
 * says so.
 */
const char *smmuv3_event_name(u8 type)
{
	if (type >= 0xe0 && type <= 0xef)
		return "an event that the implementation defines";
	if (type >= ARRAY_SIZE(event_types) || !event_types[type].name)
		return "an event that has no name";
	return event_types[type].name;
}

/**
 * smmuv3_event_decode() - read a record
 * @qw: four words, in the CPU's byte order
 * @event: receives it; what records of this type do not have is 0
 */
void smmuv3_event_decode(const u64 *qw, struct smmuv3_event *event)
{
	u8 fields;

	*event = (struct smmuv3_event){
		.qw = { qw[0], qw[1], qw[2], qw[3] },
		.type = FIELD_GET(RECORD_TYPE, qw[0]),
		.sid = FIELD_GET(RECORD_SID, qw[0]),
		.ssid_valid = qw[0] & RECORD_SSV,
	};
	if (event->ssid_valid)
		event->ssid = FIELD_GET(RECORD_SSID, qw[0]);
	if (event->type >= ARRAY_SIZE(event_types))
		return;

	fields = event_types[event->type].fields;
	if (fields & HAS_ADDR)
		event->addr = qw[2];
	if (fields & HAS_RNW)
		event->write = !(qw[1] & RECORD_RNW);
	if (fields & HAS_ATTRS) {
		event->execute = qw[1] & RECORD_IND;
		event->privileged = qw[1] & RECORD_PNU;
	}
	if (fields & HAS_S2)
		event->stage2 = qw[1] & RECORD_S2;
	if (fields & HAS_IPA && event->stage2)
		event->ipa = qw[3] & RECORD_IPA;
	if (fields & HAS_STALL && qw[1] & RECORD_STALL) {
		event->stall = true;
		event->stag = FIELD_GET(RECORD_STAG, qw[1]);
	}
}

/**
 * smmuv3_event_unstall() - the transaction is not stalled any more
 * @event: a stalled one
 *
 * It was aborted: whoever reads the record must not try to answer it.
 */
void smmuv3_event_unstall(struct smmuv3_event *event)
{
	event->stall = false;
	event->stag = 0;
	event->qw[1] &= ~(RECORD_STALL | RECORD_STAG);
}
