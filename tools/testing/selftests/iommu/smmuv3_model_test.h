/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's side of an SMMUv3: context descriptors and stage 1 tables, built in
 * the memory of a "guest", nested HWPTs of them, and commands as the guest would
 * send them.
 *
 * Formats are those of Arm IHI 0070 and, for tables, of VMSAv8-64 with a granule
 * of 4 KiB, written down here and not taken from the driver or the model.
 */
#ifndef SELFTESTS_IOMMU_SMMUV3_MODEL_TEST_H
#define SELFTESTS_IOMMU_SMMUV3_MODEL_TEST_H

#include "model_guest.h"

/* Descriptors of a table: of a table, of a page (level 3), of a block */
#define S1_VALID	(1ULL << 0)
#define S1_TABLE	(3ULL << 0)
#define S1_PAGE		(3ULL << 0)
#define S1_BLOCK	(1ULL << 0)
/* AP[1]: unprivileged too; AP[2]: read only */
#define S1_USER		(1ULL << 6)
#define S1_READ_ONLY	(1ULL << 7)
#define S1_INNER	(3ULL << 8)
#define S1_AF		(1ULL << 10)
#define S1_NG		(1ULL << 11)
#define S1_DBM		(1ULL << 51)
#define S1_ADDR		0x0000fffffffff000ULL
#define S1_RW		(S1_USER | S1_INNER | S1_AF | S1_NG)
#define S1_RO		(S1_RW | S1_READ_ONLY)

/* Context descriptor (5.4), word 0 */
#define CD_T0SZ_48	16ULL
#define CD_CACHED	((1ULL << 8) | (1ULL << 10) | (3ULL << 12))
#define CD_EPD1		(1ULL << 30)
#define CD_VALID	(1ULL << 31)
#define CD_IPS_48	(5ULL << 32)
#define CD_AA64		(1ULL << 41)
#define CD_HD		(1ULL << 42)
#define CD_HA		(1ULL << 43)
#define CD_STALL	(1ULL << 44)
#define CD_RECORD	(1ULL << 45)
#define CD_ABORT	(1ULL << 46)
#define CD_ASET		(1ULL << 47)
#define CD_ASID(asid)	((__u64)(asid) << 48)
#define CD_USUAL	(CD_T0SZ_48 | CD_CACHED | CD_EPD1 | CD_VALID | \
			 CD_IPS_48 | CD_AA64 | CD_RECORD | CD_ABORT | CD_ASET)
/* Attribute 0: normal, write-back */
#define CD_MAIR		0xffULL
#define CD_SIZE		64

/* Stream table entry (5.2), words 0 and 1: what is a guest's */
#define STE_VALID	(1ULL << 0)
#define STE_ABORT	(0ULL << 1)
#define STE_BYPASS	(4ULL << 1)
#define STE_STAGE1	(5ULL << 1)
#define STE_FMT_4K	(1ULL << 4)
#define STE_CDMAX(log2)	((__u64)(log2) << 59)
#define STE_DSS_TERMINATE	0ULL
#define STE_DSS_BYPASS		1ULL
#define STE_DSS_CD0		2ULL
#define STE_CD_CACHED	((1ULL << 2) | (1ULL << 4) | (3ULL << 6))
#define STE_EATS	(1ULL << 28)

/* Commands (chapter 4) */
#define CMD_CFGI_STE	0x03ULL
#define CMD_CFGI_CD	0x05ULL
#define CMD_CFGI_CD_ALL	0x06ULL
#define CMD_TLBI_NH_ALL	0x10ULL
#define CMD_TLBI_NH_ASID	0x11ULL
#define CMD_TLBI_NH_VA	0x12ULL
#define CMD_TLBI_NH_VAA	0x13ULL
#define CMD_ATC_INV	0x40ULL
#define CMD_SYNC	0x46ULL
#define CMD_SSID(ssid)	((1ULL << 11) | (__u64)(ssid) << 12)
#define CMD_SID(sid)	((__u64)(sid) << 32)
#define CMD_ASID(asid)	((__u64)(asid) << 48)
#define CMD_LEAF	1ULL

/* Event numbers (7.3), and what is in a record */
#define EVENT_BAD_SUBSTREAMID	0x08
#define EVENT_BAD_CD		0x0a
#define EVENT_TRANSLATION	0x10
#define EVENT_PERMISSION	0x13
#define EVENT_TYPE(evt)	((evt)[0] & 0xff)
#define EVENT_SSV	(1ULL << 11)
#define EVENT_SSID(evt)	((evt)[0] >> 12 & 0xfffff)
#define EVENT_SID(evt)	((evt)[0] >> 32)
#define EVENT_STAG	0xffffULL
#define EVENT_STALL	(1ULL << 31)
#define EVENT_READ	(1ULL << 35)
#define EVENT_S2	(1ULL << 39)

/* The StreamID that the guest knows its function by */
#define VSID		0x77

/* PASIDs that fit in tables of these: one page of CDs; one page of page pointers */
#define LINEAR_LOG2	6
#define TWO_LEVEL_LOG2	15

/**
 * struct smmu_guest - a guest with a virtual SMMUv3
 * @g: memory, function, queue
 * @viommu: its vIOMMU
 * @vdev: the function in it
 * @cds: guest physical address of the table of context descriptors
 * @two_level: that is a page of pointers to pages of 64 descriptors
 */
struct smmu_guest {
	struct guest g;
	__u32 viommu;
	__u32 vdev;
	__u64 cds;
	bool two_level;
};

/**
 * struct s1 - a stage 1 table
 * @g: where it is
 * @root: guest physical address of its level 0
 */
struct s1 {
	struct guest *g;
	__u64 root;
};

static inline void s1_init(struct guest *g, struct s1 *t)
{
	*t = (struct s1){ .g = g, .root = table_new(g) };
}

/* The descriptor of @va at @level (3: 4 KiB, 2: 2 MiB), with all tables to it. */
static inline __u64 *s1_entry(struct s1 *t, __u64 va, unsigned int level)
{
	__u64 table = t->root;
	unsigned int l;

	for (l = 0;; l++) {
		__u64 *e = (__u64 *)at_gpa(t->g, table) +
			   ((va >> (39 - 9 * l)) & 0x1ff);

		if (l == level)
			return e;
		if (!(*e & S1_VALID))
			__atomic_store_n(e, table_new(t->g) | S1_TABLE,
					 __ATOMIC_RELEASE);
		table = *e & S1_ADDR;
	}
}

static inline void s1_set(struct s1 *t, __u64 va, unsigned int level,
			  __u64 gpa, __u64 attributes)
{
	__u64 type = level == 3 ? S1_PAGE : S1_BLOCK;

	__atomic_store_n(s1_entry(t, va, level), gpa | attributes | type,
			 __ATOMIC_RELEASE);
}

/* The context descriptor of @ssid, in the guest's memory */
static inline __u64 *cd_at(struct smmu_guest *s, __u32 ssid)
{
	__u64 *leaf;

	if (!s->two_level)
		return (__u64 *)(at_gpa(&s->g, s->cds) + ssid * CD_SIZE);
	/* Pages of 64 descriptors (5.3) */
	leaf = (__u64 *)at_gpa(&s->g, s->cds) + (ssid >> 6);
	if (!(*leaf & S1_VALID))
		__atomic_store_n(leaf, table_new(&s->g) | S1_VALID,
				 __ATOMIC_RELEASE);
	return (__u64 *)(at_gpa(&s->g, *leaf & S1_ADDR) +
			 (ssid & 63) * CD_SIZE);
}

static inline void cd_set(struct smmu_guest *s, __u32 ssid, const struct s1 *t,
			  __u16 asid, __u64 more)
{
	__u64 *cd = cd_at(s, ssid);

	cd[1] = t->root;
	cd[2] = 0;
	cd[3] = CD_MAIR;
	__atomic_store_n(&cd[0], CD_USUAL | CD_ASID(asid) | more,
			 __ATOMIC_RELEASE);
}

static inline void cd_clear(struct smmu_guest *s, __u32 ssid)
{
	__atomic_store_n(cd_at(s, ssid), 0, __ATOMIC_RELEASE);
}

/* A vIOMMU for @s->g.d, and an empty table of context descriptors */
static inline int smmu_viommu(struct smmu_guest *s, bool two_level)
{
	int rc;

	s->two_level = two_level;
	s->cds = table_new(&s->g);
	rc = iommu_viommu(s->g.fd, s->g.d.v.id, s->g.parent,
			  IOMMU_VIOMMU_TYPE_ARM_SMMUV3, NULL, 0, &s->viommu);
	if (rc)
		return rc;
	return iommu_vdevice(s->g.fd, s->viommu, s->g.d.v.id, VSID, &s->vdev);
}

/*
 * @unit: NULL: a modern one. With a vIOMMU, and an empty table of context
 * descriptors. Returns what guest_go_on() does.
 */
static inline int smmu_start(struct smmu_guest *s,
			     const struct model_smmuv3 *unit, bool two_level)
{
	static const struct model_smmuv3 modern = { 0 };
	int rc;

	memset(s, 0, sizeof(*s));
	guest_init(&s->g);
	rc = guest_go_on(&s->g, model_smmuv3_add(&s->g.m, unit ?: &modern), 0);
	if (rc)
		return rc;
	return smmu_viommu(s, two_level);
}

static inline __u64 smmu_ste0(const struct smmu_guest *s)
{
	return STE_VALID | STE_STAGE1 | s->cds |
	       (s->two_level ? STE_FMT_4K | STE_CDMAX(TWO_LEVEL_LOG2) :
			       STE_CDMAX(LINEAR_LOG2));
}

/* A nested HWPT of a guest's words, on @parent: a HWPT or a vIOMMU */
static inline int smmu_nested_words(struct smmu_guest *s, __u32 parent,
				    __u64 ste0, __u64 ste1, bool queue,
				    __u32 *hwpt)
{
	struct iommu_hwpt_arm_smmuv3 data = { .ste = { ste0, ste1 } };

	return iommu_hwpt_nested(s->g.fd, s->g.d.v.id, parent,
				 queue ? IOMMU_HWPT_FAULT_ID_VALID : 0,
				 queue ? s->g.queue_id : 0,
				 IOMMU_HWPT_DATA_ARM_SMMUV3, &data,
				 sizeof(data), hwpt);
}

/* Stage 1 by the guest's context descriptors, ATS allowed */
static inline int smmu_nested(struct smmu_guest *s, __u32 parent, bool queue,
			      __u32 *hwpt)
{
	return smmu_nested_words(s, parent, smmu_ste0(s),
				 STE_DSS_CD0 | STE_CD_CACHED | STE_EATS, queue,
				 hwpt);
}

/* *@num: in how many, out how many were carried out. */
static inline int smmu_commands(struct smmu_guest *s,
				const struct iommu_viommu_arm_smmuv3_invalidate *cmds,
				__u32 *num)
{
	return iommu_hwpt_invalidate(s->g.fd, s->viommu,
				     IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
				     cmds, sizeof(*cmds), num);
}

static inline int smmu_command(struct smmu_guest *s, __u64 lo, __u64 hi)
{
	struct iommu_viommu_arm_smmuv3_invalidate cmd = { .cmd = { lo, hi } };
	__u32 num = 1;
	int rc;

	rc = smmu_commands(s, &cmd, &num);
	return rc ?: num == 1 ? 0 : -EIO;
}

/* What a guest does after it changed the leaf of one page */
static inline int smmu_invalidate_page(struct smmu_guest *s, __u32 ssid,
				       __u16 asid, __u64 va)
{
	const struct iommu_viommu_arm_smmuv3_invalidate cmds[] = {
		{ .cmd = { CMD_TLBI_NH_VA | CMD_ASID(asid),
			   (va & -PAGE) | CMD_LEAF } },
		/* Span 2^0 pages (4.5.1) */
		{ .cmd = { CMD_ATC_INV | CMD_SID(VSID) |
			   (ssid == MODEL_NO_PASID ? 0 : CMD_SSID(ssid)),
			   va & -PAGE } },
	};
	__u32 num = ARRAY_LEN(cmds);
	int rc;

	rc = smmu_commands(s, cmds, &num);
	return rc ?: num == ARRAY_LEN(cmds) ? 0 : -EIO;
}

/**
 * struct smmu_vevent - what a read of a guest's event queue gives
 * @header: of the record
 * @evt: the record
 */
struct smmu_vevent {
	struct iommufd_vevent_header header;
	__u64 evt[4];
};

/* 1: one; 0: none came in @ms; less: an error, or events were lost. */
static inline int smmu_event_read(int events, int ms, __u64 evt[4])
{
	struct pollfd p = { .fd = events, .events = POLLIN };
	struct smmu_vevent e;
	ssize_t n;

	memset(evt, 0, sizeof(e.evt));
	if (poll(&p, 1, ms) != 1)
		return 0;
	n = read(events, &e, sizeof(e));
	if (n < 0)
		return -errno;
	if (e.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS)
		return -EOVERFLOW;
	if (n != sizeof(e))
		return -EIO;
	memcpy(evt, e.evt, sizeof(e.evt));
	return 1;
}

static inline void smmu_stop(struct smmu_guest *s)
{
	guest_stop(&s->g);
}

#endif
