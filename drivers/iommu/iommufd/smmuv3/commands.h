/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands (IHI 0070 4.3 to 4.7): fields, for those who make them. */
#ifndef __IOMMUFD_SMMUV3_COMMANDS_H
#define __IOMMUFD_SMMUV3_COMMANDS_H

#include <linux/bitfield.h>
#include <linux/bits.h>

#include "cmdq.h"

/* 4.1.2: opcodes */
#define CMD_CFGI_STE		0x03ULL
#define CMD_CFGI_STE_RANGE	0x04ULL
#define CMD_CFGI_CD		0x05ULL
#define CMD_CFGI_CD_ALL		0x06ULL
#define CMD_TLBI_NH_ALL		0x10ULL
#define CMD_TLBI_NH_ASID	0x11ULL
#define CMD_TLBI_NH_VA		0x12ULL
#define CMD_TLBI_EL2_ALL	0x20ULL
#define CMD_TLBI_S12_VMALL	0x28ULL
#define CMD_TLBI_S2_IPA		0x2aULL
#define CMD_TLBI_NSNH_ALL	0x30ULL
#define CMD_ATC_INV		0x40ULL
#define CMD_PRI_RESP		0x41ULL
#define CMD_RESUME		0x44ULL
#define CMD_SYNC		0x46ULL
#define CMD_OPCODE		GENMASK_ULL(7, 0)

/* First 64 bits; most commands have these where they have them at all */
#define CMD_GLOBAL		BIT_ULL(9)
#define CMD_SSV			BIT_ULL(11)
#define CMD_SSID		GENMASK_ULL(31, 12)
#define CMD_SID			GENMASK_ULL(63, 32)
#define CMD_VMID		GENMASK_ULL(47, 32)
#define CMD_ASID		GENMASK_ULL(63, 48)
/* 4.7.1: Ac is retry, Ab aborts what is not retried */
#define CMD_RESUME_RETRY	BIT_ULL(12)
#define CMD_RESUME_ABORT	BIT_ULL(13)

/* 4.4.1.1: range invalidation, in the first 64 bits and in the second */
#define CMD_TLBI_NUM		GENMASK_ULL(16, 12)
#define CMD_TLBI_SCALE		GENMASK_ULL(24, 20)
#define CMD_TLBI_TTL		GENMASK_ULL(9, 8)
#define CMD_TLBI_TG		GENMASK_ULL(11, 10)
#define CMD_TLBI_NUM_BITS	5
#define CMD_TLBI_SCALE_MAX	31

/* Second 64 bits */
#define CMD_LEAF		BIT_ULL(0)
#define CMD_CFGI_RANGE		GENMASK_ULL(4, 0)
#define CMD_CFGI_RANGE_ALL	31
#define CMD_TLBI_VA		GENMASK_ULL(63, 12)
#define CMD_TLBI_IPA		GENMASK_ULL(51, 12)
#define CMD_ATC_SIZE		GENMASK_ULL(5, 0)
#define CMD_ATC_SIZE_ALL	52
#define CMD_ATC_ADDR		GENMASK_ULL(63, 12)
#define CMD_PRI_GROUP		GENMASK_ULL(8, 0)
#define CMD_PRI_CODE		GENMASK_ULL(13, 12)
#define CMD_RESUME_STAG		GENMASK_ULL(15, 0)

static inline void batch_put(struct smmuv3_batch *batch, u64 qw0, u64 qw1)
{
	smmuv3_batch_add(batch, &(struct smmuv3_cmd){ { qw0, qw1 } });
}

static inline u64 batch_stream(u32 sid)
{
	return FIELD_PREP(CMD_SID, sid);
}

/* 3.2: a StreamID or SubstreamID that the unit has not is reserved bits set. */
static inline bool batch_bad_sid(const struct smmuv3_unit *unit, u32 sid)
{
	return WARN_ON_ONCE((u64)sid >> unit->caps.sid_bits);
}

static inline bool batch_bad_ssid(const struct smmuv3_unit *unit, u32 ssid)
{
	return WARN_ON_ONCE(ssid >> unit->caps.ssid_bits);
}

static inline bool batch_bad_asid(const struct smmuv3_unit *unit, u16 asid)
{
	return WARN_ON_ONCE(asid >> unit->caps.asid_bits);
}

/* Without stage 2 there is one VMID, 0, and the field is reserved. */
static inline bool batch_bad_vmid(const struct smmuv3_unit *unit, u16 vmid)
{
	unsigned int bits = unit->caps.stage2 ? unit->caps.vmid_bits : 0;

	return WARN_ON_ONCE(vmid >> bits);
}

#endif
