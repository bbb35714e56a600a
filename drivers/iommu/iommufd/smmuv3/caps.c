// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an SMMUv3 can do: IDR0 to IDR5 (IHI 0070 6.3.1 to 6.3.6), decoded; and what of
 * it must not be used on implementations that are known not to do it right.
 */
#include <linux/sizes.h>

#include "regs.h"
#include "unit.h"

/* 3.2: a StreamID is at most 32 bits, a SubstreamID 20. */
#define CAPS_SID_MAX	32
#define CAPS_SSID_MAX	20
/* 3.5.1: a queue has at most 2^19 entries. */
#define CAPS_QUEUE_MAX	19

/* 6.3.7: Arm, and two of its products */
#define IMPLEMENTER_ARM		0x43b
#define PRODUCT_MMU_600		0x483
#define PRODUCT_MMU_700		0x487

/*
 * 6.3.6 OAS. What is reserved here is wider than what we know; tables are written
 * for 52 bits then, which such a unit has to take too.
 */
static u8 caps_oas(u32 idr5)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	unsigned int oas = FIELD_GET(SMMU_IDR5_OAS, idr5);

	return bits[min_t(unsigned int, oas, ARRAY_SIZE(bits) - 1)];
}

static unsigned long caps_granules(u32 idr5)
{
	return (idr5 & SMMU_IDR5_GRAN4K ? SZ_4K : 0) |
	       (idr5 & SMMU_IDR5_GRAN16K ? SZ_16K : 0) |
	       (idr5 & SMMU_IDR5_GRAN64K ? SZ_64K : 0);
}

static bool caps_coherent(u32 idr0, u32 firmware)
{
	if (firmware & SMMUV3_FW_NONCOHERENT)
		return false;
	return (firmware & SMMUV3_FW_COHERENT) || (idr0 & SMMU_IDR0_COHACC);
}

/* HTTU: 1 is the access flag, 2 dirty state too; what is above is only more. */
static void caps_httu(struct smmuv3_caps *caps, u32 idr0, u32 firmware)
{
	unsigned int httu = FIELD_GET(SMMU_IDR0_HTTU, idr0);

	if (firmware & SMMUV3_FW_HTTU) {
		caps->hw_dirty = firmware & SMMUV3_FW_HTTU_DIRTY;
		caps->hw_access = caps->hw_dirty ||
				  (firmware & SMMUV3_FW_HTTU_ACCESS);
		return;
	}
	caps->hw_access = httu >= 1;
	caps->hw_dirty = httu >= 2;
}

static void caps_stall(struct smmuv3_caps *caps, const u32 idr[6])
{
	unsigned int model = FIELD_GET(SMMU_IDR0_STALL_MODEL, idr[0]);

	caps->stall = model == SMMU_IDR0_STALL_BOTH ||
		      model == SMMU_IDR0_STALL_ALWAYS;
	caps->stall_always = model == SMMU_IDR0_STALL_ALWAYS;
	if (caps->stall)
		caps->stall_max = FIELD_GET(SMMU_IDR5_STALL_MAX, idr[5]);
}

/**
 * smmuv3_caps_decode() - read the identification registers
 * @caps: filled in, whole
 * @idr: IDR0 to IDR5 as read
 * @firmware: SMMUV3_FW_*, which say more than the registers or contradict them
 *
 * Reserved values are taken as what they are closest to, or as nothing.
 */
void smmuv3_caps_decode(struct smmuv3_caps *caps, const u32 idr[6],
			u32 firmware)
{
	u32 idr0 = idr[0], idr1 = idr[1], idr3 = idr[3], idr5 = idr[5];
	u8 oas = caps_oas(idr5);

	*caps = (struct smmuv3_caps){
		.sid_bits = min_t(u32, FIELD_GET(SMMU_IDR1_SIDSIZE, idr1),
				  CAPS_SID_MAX),
		.ssid_bits = min_t(u32, FIELD_GET(SMMU_IDR1_SSIDSIZE, idr1),
				   CAPS_SSID_MAX),
		.asid_bits = idr0 & SMMU_IDR0_ASID16 ? 16 : 8,
		.vmid_bits = idr0 & SMMU_IDR0_VMID16 ? 16 : 8,
		/* 3.4: AArch32 tables of stage 1 give out 40 bits in any case */
		.ias = idr0 & SMMU_IDR0_TTF_AARCH32 ? max_t(u8, oas, 40) : oas,
		.oas = oas,
		.va_bits = FIELD_GET(SMMU_IDR5_VAX, idr5) >= SMMU_IDR5_VAX_52 ?
				   52 : 48,
		.cmdq_log2 = min_t(u32, FIELD_GET(SMMU_IDR1_CMDQS, idr1),
				   CAPS_QUEUE_MAX),
		.evtq_log2 = min_t(u32, FIELD_GET(SMMU_IDR1_EVENTQS, idr1),
				   CAPS_QUEUE_MAX),
		.granules = caps_granules(idr5),
		.aarch64 = idr0 & SMMU_IDR0_TTF_AARCH64,
		.preset = idr1 & (SMMU_IDR1_QUEUES_PRESET |
				  SMMU_IDR1_TABLES_PRESET),
		.stage1 = idr0 & SMMU_IDR0_S1P,
		.stage2 = idr0 & SMMU_IDR0_S2P,
		.two_level_streams = FIELD_GET(SMMU_IDR0_ST_LEVEL, idr0) ==
				     SMMU_IDR0_ST_LEVEL_TWO,
		.two_level_contexts = idr0 & SMMU_IDR0_CD2L,
		.coherent = caps_coherent(idr0, firmware),
		.ats = idr0 & SMMU_IDR0_ATS,
		/* 6.3.1: page requests go with translation requests */
		.pri = (idr0 & SMMU_IDR0_PRI) && (idr0 & SMMU_IDR0_ATS),
		.range_inval = idr3 & SMMU_IDR3_RIL,
		.msi = idr0 & SMMU_IDR0_MSI,
		.sev = idr0 & SMMU_IDR0_SEV,
		/* 6.3.4: of stage 2 */
		.s2fwb = (idr3 & SMMU_IDR3_FWB) && (idr0 & SMMU_IDR0_S2P),
		.attr_override = idr1 & SMMU_IDR1_ATTR_TYPES_OVR,
		.hyp = idr0 & SMMU_IDR0_HYP,
		.table_big_endian = FIELD_GET(SMMU_IDR0_TTENDIAN, idr0) ==
				    SMMU_IDR0_TTENDIAN_BIG,
		.broadcast = idr0 & SMMU_IDR0_BTM,
		.term_abort = idr0 & SMMU_IDR0_TERM_MODEL,
	};
	if (caps->pri)
		caps->priq_log2 = min_t(u32, FIELD_GET(SMMU_IDR1_PRIQS, idr1),
					CAPS_QUEUE_MAX);
	caps_httu(caps, idr0, firmware);
	caps_stall(caps, idr);
}

/**
 * smmuv3_caps_errata() - what an implementation does not do as it should
 * @caps: decoded; comes to say so
 * @iidr: implementation identification register, as read
 *
 * With both stages in use, invalidations may leave translations behind: in MMU-600 before
 * r2p0 (erratum 1209401), and in MMU-700 (2268618, 2812531). A guest's device would go on
 * reaching memory that was taken from the guest. So there is no nesting on these; each
 * stage by itself is as it should be. In MMU-700 some sequences of commands are not safe
 * without a SYNC in between either (2812531): then there is one wherever the kind of
 * command changes.
 */
void smmuv3_caps_errata(struct smmuv3_caps *caps, u32 iidr)
{
	if (FIELD_GET(SMMU_IIDR_IMPLEMENTER, iidr) != IMPLEMENTER_ARM)
		return;
	switch (FIELD_GET(SMMU_IIDR_PRODUCT, iidr)) {
	case PRODUCT_MMU_600:
		caps->no_nest = FIELD_GET(SMMU_IIDR_VARIANT, iidr) < 2;
		break;
	case PRODUCT_MMU_700:
		caps->no_nest = true;
		caps->one_kind = true;
		break;
	}
}
