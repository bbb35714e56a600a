// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of stream table entries (IHI 0070 5.2), and which of their bits a unit
 * reads. Pure functions.
 */
#include <linux/bitfield.h>

#include "tables_internal.h"

#define STE0_V			BIT_ULL(0)
#define STE0_CONFIG		GENMASK_ULL(3, 1)
/* Config: bit 2 off aborts; bits 1 and 0 are stage 2 and stage 1 */
#define CONFIG_ABORT		0
#define CONFIG_BYPASS		4
#define CONFIG_STAGE1		BIT(0)
#define CONFIG_STAGE2		BIT(1)
#define STE0_STAGE1		(SMMUV3_STE_S1FMT | SMMUV3_STE_S1CONTEXTPTR | \
				 SMMUV3_STE_S1CDMAX)

#define STE1_S1DSS		GENMASK_ULL(1, 0)
#define STE1_S1CIR		GENMASK_ULL(3, 2)
#define STE1_S1COR		GENMASK_ULL(5, 4)
#define STE1_S1CSH		GENMASK_ULL(7, 6)
#define CACHE_NONE		0
#define CACHE_WRITE_BACK	1
#define SHARE_OUTER		2
#define SHARE_INNER		3
#define STE1_DRE		BIT_ULL(12)
#define STE1_CONT		GENMASK_ULL(16, 13)
#define STE1_DCP		BIT_ULL(17)
#define STE1_PPAR		BIT_ULL(18)
#define STE1_MEV		BIT_ULL(19)
#define STE1_S2FWB		BIT_ULL(25)
#define STE1_S1STALLD		BIT_ULL(27)
#define STE1_EATS		GENMASK_ULL(29, 28)
#define EATS_FULL		1
#define STE1_STRW		GENMASK_ULL(31, 30)
#define STRW_EL1		0
/* MemAttr, MTCFG, ALLOCCFG, SHCFG, NSCFG, PRIVCFG, INSTCFG: 0 but for SHCFG */
#define STE1_ATTRIBUTES		(GENMASK_ULL(40, 32) | GENMASK_ULL(51, 44))
#define STE1_SHCFG		GENMASK_ULL(45, 44)
#define SHCFG_INCOMING		1
#define STE1_STAGE1		(STE1_S1DSS | STE1_S1CIR | STE1_S1COR | \
				 STE1_S1CSH | STE1_S1STALLD)

#define STE2_S2VMID		GENMASK_ULL(15, 0)
#define STE2_VTCR		GENMASK_ULL(50, 32)
#define STE2_S2AA64		BIT_ULL(51)
#define STE2_S2ENDI		BIT_ULL(52)
#define STE2_S2AFFD		BIT_ULL(53)
#define STE2_S2PTW		BIT_ULL(54)
#define STE2_S2HD		BIT_ULL(55)
#define STE2_S2HA		BIT_ULL(56)
#define STE2_S2S		BIT_ULL(57)
#define STE2_S2R		BIT_ULL(58)
#define STE2_STAGE2		(STE2_VTCR | STE2_S2AA64 | STE2_S2ENDI | \
				 STE2_S2AFFD | STE2_S2PTW | STE2_S2HD | \
				 STE2_S2HA | STE2_S2S | STE2_S2R)

#define STE3_S2TTB		GENMASK_ULL(51, 4)

/*
 * S1STALLD must be 0 unless the unit leaves the choice (STALL_MODEL 0b00); where it
 * does, it makes a descriptor that asks for stalls ILLEGAL, the user's too.
 */
static u64 stall_disabled(const struct smmuv3_caps *caps, bool stall)
{
	if (!caps->stall || caps->stall_always || stall)
		return 0;
	return STE1_S1STALLD;
}

/* What all entries have that let anything through, so that none differ in it. */
static u64 common_bits(const struct smmuv3_device *device)
{
	/* Equal events may become one: a device gone wild fills no queue */
	u64 bits = STE1_MEV;

	/* Attributes as they come; the rest says so with 0. RES0 without OVR */
	if (device->unit->caps.attr_override)
		bits |= FIELD_PREP(STE1_SHCFG, SHCFG_INCOMING);
	/*
	 * When its queue has no room the unit answers page requests (8.2). RES0 without
	 * SubstreamIDs, and without page requests
	 */
	if (device->prg_pasid && device->unit->caps.pri &&
	    device->unit->caps.ssid_bits)
		bits |= STE1_PPAR;
	return bits;
}

static void encode_stage1(const struct smmuv3_device *device,
			  const struct smmuv3_stream_target *target, u64 *val)
{
	const struct smmuv3_caps *caps = &device->unit->caps;
	bool snoop = caps->coherent;

	val[0] |= smmuv3_contexts_base(device);
	/* How the unit reads the descriptors, as CR1 says of other tables */
	val[1] |= FIELD_PREP(STE1_S1DSS, target->no_pasid) |
		  FIELD_PREP(STE1_S1CIR, snoop ? CACHE_WRITE_BACK : CACHE_NONE) |
		  FIELD_PREP(STE1_S1COR, snoop ? CACHE_WRITE_BACK : CACHE_NONE) |
		  FIELD_PREP(STE1_S1CSH, snoop ? SHARE_INNER : SHARE_OUTER) |
		  FIELD_PREP(STE1_STRW, STRW_EL1) |
		  stall_disabled(caps, target->stall);
	/* Entries in the TLB are tagged with a VMID even without stage 2: 0 */
}

static void encode_stage2(const struct smmuv3_device *device,
			  const struct smmuv3_stream_target *target, u64 *val)
{
	const struct smmuv3_caps *caps = &device->unit->caps;
	const struct smmuv3_stage2 *s2 = &target->s2;

	if (s2->fwb)
		val[1] |= STE1_S2FWB;
	val[2] |= FIELD_PREP(STE2_S2VMID, s2->vmid) |
		  FIELD_PREP(STE2_VTCR, s2->vtcr) | STE2_S2AA64 |
		  STE2_S2PTW | STE2_S2R;
	/* STALL_MODEL 0b10: an entry without S2S is ILLEGAL (5.5) */
	if (caps->stall && (target->stall || caps->stall_always))
		val[2] |= STE2_S2S;
	/* Tables have AF set unless hardware is to do so */
	if (s2->hw_access)
		val[2] |= STE2_S2HA;
	else
		val[2] |= STE2_S2AFFD;
	if (s2->hw_dirty)
		val[2] |= STE2_S2HD;
	val[3] |= s2->vttb & STE3_S2TTB;
}

/* The stages that the user's words ask for become those of the nested stream. */
static unsigned int nested_config(const u64 *user)
{
	unsigned int config = FIELD_GET(STE0_CONFIG, user[0]);

	if (!(user[0] & STE0_V))
		return CONFIG_ABORT;
	switch (config) {
	case CONFIG_BYPASS:
	case CONFIG_BYPASS | CONFIG_STAGE1:
		return config | CONFIG_STAGE2;
	default:
		return CONFIG_ABORT;
	}
}

static void encode_nested(const struct smmuv3_device *device,
			  const struct smmuv3_stream_target *target, u64 *val)
{
	const struct smmuv3_caps *caps = &device->unit->caps;

	encode_stage2(device, target, val);
	if (!(nested_config(target->user) & CONFIG_STAGE1))
		return;
	val[0] |= target->user[0] & STE0_STAGE1;
	val[1] |= target->user[1] & STE1_STAGE1;
	val[1] |= FIELD_PREP(STE1_STRW, STRW_EL1) |
		  stall_disabled(caps, target->stall);
	if (!caps->stall || caps->stall_always)
		val[1] &= ~STE1_S1STALLD;
}

/*
 * Without SubstreamIDs S1DSS is ignored, and all requests go through descriptor 0:
 * what it would have said of them is said by Config then.
 */
static unsigned int stage1_config(const struct smmuv3_device *device,
				  const struct smmuv3_stream_target *target)
{
	if (WARN_ON_ONCE(!device->contexts))
		return CONFIG_ABORT;
	if (!(smmuv3_contexts_base(device) & SMMUV3_STE_S1CDMAX)) {
		if (target->no_pasid == SMMUV3_NO_PASID_TERMINATE)
			return CONFIG_ABORT;
		if (target->no_pasid == SMMUV3_NO_PASID_BYPASS)
			return CONFIG_BYPASS;
	}
	return CONFIG_BYPASS | CONFIG_STAGE1;
}

static unsigned int config_of(const struct smmuv3_device *device,
			      const struct smmuv3_stream_target *target)
{
	switch (target->type) {
	case SMMUV3_STREAM_ABORT:
		return CONFIG_ABORT;
	case SMMUV3_STREAM_BYPASS:
		return CONFIG_BYPASS;
	case SMMUV3_STREAM_STAGE1:
		return stage1_config(device, target);
	case SMMUV3_STREAM_STAGE2:
		return CONFIG_BYPASS | CONFIG_STAGE2;
	case SMMUV3_STREAM_NESTED:
		return nested_config(target->user);
	}
	return CONFIG_ABORT;
}

/**
 * smmuv3_ste_encode() - words of a stream table entry
 * @device: whose; its contexts and its unit count
 * @target: where its requests go. Of the user's words only what IHI 0070 calls stage
 *	1's is taken; EATS is @target's, but 0 where stage 2 stalls
 * @val: the eight words
 */
void smmuv3_ste_encode(const struct smmuv3_device *device,
		       const struct smmuv3_stream_target *target, u64 *val)
{
	unsigned int config = config_of(device, target);

	memset(val, 0, SMMUV3_ENTRY_QWORDS * sizeof(*val));
	val[0] = STE0_V | FIELD_PREP(STE0_CONFIG, config);
	if (config == CONFIG_ABORT)
		return;
	val[1] = common_bits(device);
	if (config == CONFIG_BYPASS)
		return;
	if (target->type == SMMUV3_STREAM_NESTED)
		encode_nested(device, target, val);
	else if (config & CONFIG_STAGE1)
		encode_stage1(device, target, val);
	else
		encode_stage2(device, target, val);
	/* With S2S it would be ILLEGAL (EATS). Who stalls is no PCI function */
	if (target->ats && !(val[2] & STE2_S2S))
		val[1] |= FIELD_PREP(STE1_EATS, EATS_FULL);
}

/**
 * smmuv3_ste_read() - which bits of an entry a unit reads
 * @val: the entry's words
 * @mask: the bits. S1Fmt and S1DSS are in it with S1CDMax 0, too, though they are
 *	ignored then; to say more than is read makes no change wrong
 */
void smmuv3_ste_read(const u64 *val, u64 *mask)
{
	unsigned int config = FIELD_GET(STE0_CONFIG, val[0]);

	memset(mask, 0, SMMUV3_ENTRY_QWORDS * sizeof(*mask));
	mask[0] = STE0_V;
	if (!(val[0] & STE0_V))
		return;
	mask[0] |= STE0_CONFIG;
	if (!(config & CONFIG_BYPASS))
		return;
	mask[1] |= STE1_MEV | STE1_DRE | STE1_CONT | STE1_DCP | STE1_PPAR |
		   STE1_ATTRIBUTES;
	if (config & (CONFIG_STAGE1 | CONFIG_STAGE2)) {
		mask[1] |= STE1_EATS;
		mask[2] |= STE2_S2VMID;
		/* With EATS it may be looked at even if there is no stage 2 */
		if (val[1] & STE1_EATS)
			mask[2] |= STE2_S2S;
	}
	if (config & CONFIG_STAGE1) {
		mask[0] |= STE0_STAGE1;
		mask[1] |= STE1_STAGE1 | STE1_STRW;
	}
	if (config & CONFIG_STAGE2) {
		mask[1] |= STE1_S2FWB;
		mask[2] |= STE2_STAGE2;
		mask[3] |= STE3_S2TTB;
	}
}
