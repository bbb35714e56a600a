// SPDX-License-Identifier: GPL-2.0
/* Page faults between hardware's own records and the message of a fault fd. */
#include <errno.h>
#include <stdint.h>

#include "fault_native.h"

#define BIT(_n)			(1ULL << (_n))
#define BITS(_high, _low)	((~0ULL >> (63 - (_high))) & (~0ULL << (_low)))

/* Page request descriptor (VT-d 7.4.1) */
#define VTD_0_TYPE		BITS(7, 0)
#define  VTD_TYPE_PAGE		1
#define VTD_0_PASID_PRESENT	BIT(8)
#define VTD_0_RID		BITS(31, 16)
#define VTD_0_PASID		BITS(51, 32)
#define VTD_0_EXEC		BIT(52)
#define VTD_0_PRIV		BIT(53)
#define VTD_0_RESERVED		(BITS(63, 54) | BITS(15, 9))
#define VTD_1_READ		BIT(0)
#define VTD_1_WRITE		BIT(1)
#define VTD_1_LAST		BIT(2)
#define VTD_1_GRPID		BITS(11, 3)
#define VTD_1_ADDR		BITS(63, 12)
/* Page group response descriptor (7.7.1) */
#define VTD_RESP_TYPE		(BITS(11, 9) | BITS(3, 0))
#define  VTD_RESP_TYPE_GROUP	9
#define VTD_RESP_0_PASID	BIT(4)
#define VTD_RESP_0_CODE		BITS(15, 12)

/* PRI queue entry (IHI 0070 8.1) */
#define PRI_0_SID		BITS(31, 0)
#define PRI_0_SSID		BITS(51, 32)
#define PRI_0_PRIV		BIT(58)
#define PRI_0_EXEC		BIT(59)
#define PRI_0_READ		BIT(60)
#define PRI_0_WRITE		BIT(61)
#define PRI_0_LAST		BIT(62)
#define PRI_0_SSV		BIT(63)
#define PRI_1_GRPID		BITS(8, 0)
#define PRI_1_ADDR		BITS(63, 12)

/* Events (7.3) */
#define EVT_0_TYPE		BITS(7, 0)
#define  EVT_TRANSLATION	0x10
#define  EVT_PERMISSION		0x13
#define EVT_0_SSV		BIT(11)
#define EVT_0_SSID		BITS(31, 12)
#define EVT_0_SID		BITS(63, 32)
#define EVT_1_STAG		BITS(15, 0)
#define EVT_1_STALL		BIT(31)
#define EVT_1_PRIV		BIT(33)
#define EVT_1_EXEC		BIT(34)
#define EVT_1_READ		BIT(35)
#define EVT_1_STAGE2		BIT(39)
/* What was being translated: the transaction's own address */
#define EVT_1_CLASS		BITS(41, 40)
#define  EVT_CLASS_INPUT	2

/* Commands (4.5.2, 4.7.1) */
#define CMD_0_OP		BITS(7, 0)
#define  CMD_PRI_RESP		0x41
#define  CMD_RESUME		0x44
#define CMD_0_SSV		BIT(11)
#define CMD_0_SSID		BITS(31, 12)
#define CMD_0_SID		BITS(63, 32)
#define CMD_0_RETRY		BIT(12)
#define CMD_1_GRPID		BITS(8, 0)
#define CMD_1_CODE		BITS(13, 12)
#define CMD_1_STAG		BITS(15, 0)

/* A message's group of a stall: which stream, and the tag. */
#define GRPID_STREAM_SHIFT	16
#define GRPID_TAG		0xffff

static __u64 get(__u64 word, __u64 field)
{
	return (word & field) / (field & -field);
}

static __u64 put(__u64 val, __u64 field)
{
	return (val * (field & -field)) & field;
}

static bool fits(__u64 val, __u64 field)
{
	return val <= get(~0ULL, field);
}

/* --- names --- */

static int name_stream(const struct fault_names *names, unsigned int index,
		       __u64 field, __u32 *stream)
{
	if (index >= names->num_streams || !fits(names->streams[index], field))
		return -ERANGE;
	*stream = names->streams[index];
	return 0;
}

static int find_stream(const struct fault_names *names, __u32 stream)
{
	unsigned int i;

	for (i = 0; i < names->num_streams; i++)
		if (names->streams[i] == stream)
			return i;
	return -ENODEV;
}

static int name_pasid(const struct fault_names *names, __u32 *pasid, bool back)
{
	__s64 other = *pasid;

	if (names->pasid)
		other = names->pasid(names->priv, *pasid, back);
	if (other < 0)
		return other;
	*pasid = other;
	return 0;
}

/* --- records to messages --- */

static int from_vtd(const struct fault_native *native,
		    struct iommu_hwpt_pgfault *msg, __u32 *stream)
{
	__u64 lo = native->qw[0], hi = native->qw[1];

	if (get(lo, VTD_0_TYPE) != VTD_TYPE_PAGE || lo & VTD_0_RESERVED ||
	    native->qw[2] || native->qw[3])
		return -EINVAL;
	if (hi & VTD_1_READ)
		msg->perm |= IOMMU_PGFAULT_PERM_READ;
	if (hi & VTD_1_WRITE)
		msg->perm |= IOMMU_PGFAULT_PERM_WRITE;
	if (hi & VTD_1_LAST)
		msg->flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	if (!msg->perm)
		return msg->flags ? -ENOMSG : -EINVAL;
	if (lo & VTD_0_PASID_PRESENT) {
		msg->flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
		msg->pasid = get(lo, VTD_0_PASID);
		if (lo & VTD_0_EXEC)
			msg->perm |= IOMMU_PGFAULT_PERM_EXEC;
		if (lo & VTD_0_PRIV)
			msg->perm |= IOMMU_PGFAULT_PERM_PRIV;
	}
	msg->grpid = get(hi, VTD_1_GRPID);
	msg->addr = hi & VTD_1_ADDR;
	*stream = get(lo, VTD_0_RID);
	return 0;
}

static int from_pri(const struct fault_native *native,
		    struct iommu_hwpt_pgfault *msg, __u32 *stream)
{
	__u64 lo = native->qw[0], hi = native->qw[1];

	if (lo & PRI_0_READ)
		msg->perm |= IOMMU_PGFAULT_PERM_READ;
	if (lo & PRI_0_WRITE)
		msg->perm |= IOMMU_PGFAULT_PERM_WRITE;
	if (lo & PRI_0_LAST)
		msg->flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	if (!msg->perm)
		return msg->flags ? -ENOMSG : -EINVAL;
	if (lo & PRI_0_SSV) {
		msg->flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
		msg->pasid = get(lo, PRI_0_SSID);
		if (lo & PRI_0_EXEC)
			msg->perm |= IOMMU_PGFAULT_PERM_EXEC;
		if (lo & PRI_0_PRIV)
			msg->perm |= IOMMU_PGFAULT_PERM_PRIV;
	}
	msg->grpid = get(hi, PRI_1_GRPID);
	msg->addr = hi & PRI_1_ADDR;
	*stream = get(lo, PRI_0_SID);
	return 0;
}

static int from_stall(const struct fault_native *native,
		      struct iommu_hwpt_pgfault *msg, __u32 *stream)
{
	__u64 lo = native->qw[0], hi = native->qw[1];
	unsigned int type = get(lo, EVT_0_TYPE);

	if (type < EVT_TRANSLATION || type > EVT_PERMISSION ||
	    !(hi & EVT_1_STALL) || hi & EVT_1_STAGE2)
		return -ENOMSG;
	/* A group of its own */
	msg->flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	msg->perm |= hi & EVT_1_READ ? IOMMU_PGFAULT_PERM_READ :
				       IOMMU_PGFAULT_PERM_WRITE;
	if (hi & EVT_1_EXEC)
		msg->perm |= IOMMU_PGFAULT_PERM_EXEC;
	if (hi & EVT_1_PRIV)
		msg->perm |= IOMMU_PGFAULT_PERM_PRIV;
	if (lo & EVT_0_SSV) {
		msg->flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
		msg->pasid = get(lo, EVT_0_SSID);
	}
	msg->grpid = get(hi, EVT_1_STAG);
	msg->addr = native->qw[2];
	*stream = get(lo, EVT_0_SID);
	return 0;
}

int fault_from_native(enum fault_format format,
		      const struct fault_native *native,
		      const struct fault_names *names,
		      struct iommu_hwpt_pgfault *msg)
{
	static int (*const decode[])(const struct fault_native *,
				     struct iommu_hwpt_pgfault *, __u32 *) = {
		[FAULT_VTD_PRQ] = from_vtd,
		[FAULT_SMMUV3_PRI] = from_pri,
		[FAULT_SMMUV3_STALL] = from_stall,
	};
	__u32 stream;
	int rc, index;

	*msg = (struct iommu_hwpt_pgfault){};
	rc = decode[format](native, msg, &stream);
	if (rc)
		return rc;
	index = find_stream(names, stream);
	if (index < 0)
		return index;
	if (format == FAULT_SMMUV3_STALL)
		msg->grpid |= (__u32)index << GRPID_STREAM_SHIFT;
	else if (index)
		return -ENODEV;
	if (!(msg->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID))
		return 0;
	return name_pasid(names, &msg->pasid, true);
}

/* --- messages to records --- */

static bool has(const struct iommu_hwpt_pgfault *msg, __u32 perm)
{
	return msg->perm & perm;
}

static bool has_pasid(const struct iommu_hwpt_pgfault *msg)
{
	return msg->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID;
}

static bool is_last(const struct iommu_hwpt_pgfault *msg)
{
	return msg->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE;
}

/* They come in the PASID prefix (PCIe 6.0, 10.4.1). */
static bool is_page_request(const struct iommu_hwpt_pgfault *msg)
{
	if (!has(msg, IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE))
		return false;
	return has_pasid(msg) || !has(msg, IOMMU_PGFAULT_PERM_EXEC |
					   IOMMU_PGFAULT_PERM_PRIV);
}

static int to_vtd(const struct iommu_hwpt_pgfault *msg,
		  const struct fault_names *names, __u32 pasid,
		  struct fault_native *native)
{
	__u32 rid;
	int rc;

	if (!is_page_request(msg))
		return -EINVAL;
	if (!fits(msg->grpid, VTD_1_GRPID))
		return -ERANGE;
	rc = name_stream(names, 0, VTD_0_RID, &rid);
	if (rc)
		return rc;
	native->qw[0] = VTD_TYPE_PAGE | put(rid, VTD_0_RID);
	if (has_pasid(msg))
		native->qw[0] |= VTD_0_PASID_PRESENT | put(pasid, VTD_0_PASID);
	if (has(msg, IOMMU_PGFAULT_PERM_EXEC))
		native->qw[0] |= VTD_0_EXEC;
	if (has(msg, IOMMU_PGFAULT_PERM_PRIV))
		native->qw[0] |= VTD_0_PRIV;
	native->qw[1] = (msg->addr & VTD_1_ADDR) |
			put(msg->grpid, VTD_1_GRPID);
	if (has(msg, IOMMU_PGFAULT_PERM_READ))
		native->qw[1] |= VTD_1_READ;
	if (has(msg, IOMMU_PGFAULT_PERM_WRITE))
		native->qw[1] |= VTD_1_WRITE;
	if (is_last(msg))
		native->qw[1] |= VTD_1_LAST;
	return 0;
}

static int to_pri(const struct iommu_hwpt_pgfault *msg,
		  const struct fault_names *names, __u32 pasid,
		  struct fault_native *native)
{
	__u32 sid;
	int rc;

	if (!is_page_request(msg))
		return -EINVAL;
	if (!fits(msg->grpid, PRI_1_GRPID))
		return -ERANGE;
	rc = name_stream(names, 0, PRI_0_SID, &sid);
	if (rc)
		return rc;
	native->qw[0] = put(sid, PRI_0_SID);
	if (has_pasid(msg))
		native->qw[0] |= PRI_0_SSV | put(pasid, PRI_0_SSID);
	if (has(msg, IOMMU_PGFAULT_PERM_EXEC))
		native->qw[0] |= PRI_0_EXEC;
	if (has(msg, IOMMU_PGFAULT_PERM_PRIV))
		native->qw[0] |= PRI_0_PRIV;
	if (has(msg, IOMMU_PGFAULT_PERM_READ))
		native->qw[0] |= PRI_0_READ;
	if (has(msg, IOMMU_PGFAULT_PERM_WRITE))
		native->qw[0] |= PRI_0_WRITE;
	if (is_last(msg))
		native->qw[0] |= PRI_0_LAST;
	native->qw[1] = (msg->addr & PRI_1_ADDR) |
			put(msg->grpid, PRI_1_GRPID);
	return 0;
}

/* Which of the four types it was the message does not say: the most general one. */
static int to_stall(const struct iommu_hwpt_pgfault *msg,
		    const struct fault_names *names, __u32 pasid,
		    struct fault_native *native)
{
	bool read = has(msg, IOMMU_PGFAULT_PERM_READ);
	__u32 sid;
	int rc;

	/* A transaction reads or writes, and is a group of its own. */
	if (read == has(msg, IOMMU_PGFAULT_PERM_WRITE) || !is_last(msg))
		return -EINVAL;
	rc = name_stream(names, msg->grpid >> GRPID_STREAM_SHIFT, EVT_0_SID,
			 &sid);
	if (rc)
		return rc;
	native->qw[0] = EVT_TRANSLATION | put(sid, EVT_0_SID);
	if (has_pasid(msg))
		native->qw[0] |= EVT_0_SSV | put(pasid, EVT_0_SSID);
	native->qw[1] = put(msg->grpid & GRPID_TAG, EVT_1_STAG) | EVT_1_STALL |
			put(EVT_CLASS_INPUT, EVT_1_CLASS);
	if (read)
		native->qw[1] |= EVT_1_READ;
	if (has(msg, IOMMU_PGFAULT_PERM_EXEC))
		native->qw[1] |= EVT_1_EXEC;
	if (has(msg, IOMMU_PGFAULT_PERM_PRIV))
		native->qw[1] |= EVT_1_PRIV;
	native->qw[2] = msg->addr;
	return 0;
}

int fault_to_native(enum fault_format format,
		    const struct iommu_hwpt_pgfault *msg,
		    const struct fault_names *names,
		    struct fault_native *native)
{
	static int (*const encode[])(const struct iommu_hwpt_pgfault *,
				     const struct fault_names *, __u32,
				     struct fault_native *) = {
		[FAULT_VTD_PRQ] = to_vtd,
		[FAULT_SMMUV3_PRI] = to_pri,
		[FAULT_SMMUV3_STALL] = to_stall,
	};
	__u32 pasid = msg->pasid;
	int rc;

	*native = (struct fault_native){};
	if (has_pasid(msg)) {
		rc = name_pasid(names, &pasid, false);
		if (rc)
			return rc;
		if (pasid >> names->pasid_bits || !fits(pasid, BITS(19, 0)))
			return -ERANGE;
	}
	return encode[format](msg, names, pasid, native);
}

/* --- answers --- */

static int answer_vtd(const struct fault_native *native,
		      struct fault_answer *answer, __u32 *stream)
{
	__u64 lo = native->qw[0], code = get(lo, VTD_RESP_0_CODE);

	if ((lo & VTD_RESP_TYPE) != VTD_RESP_TYPE_GROUP)
		return -EINVAL;
	if (code != IOMMUFD_PAGE_RESP_SUCCESS &&
	    code != IOMMUFD_PAGE_RESP_INVALID &&
	    code != IOMMUFD_PAGE_RESP_FAILURE)
		return -EINVAL;
	answer->code = code;
	answer->grpid = get(native->qw[1], VTD_1_GRPID);
	answer->pasid_valid = lo & VTD_RESP_0_PASID;
	if (answer->pasid_valid)
		answer->pasid = get(lo, VTD_0_PASID);
	*stream = get(lo, VTD_0_RID);
	return 0;
}

static int answer_pri(const struct fault_native *native,
		      struct fault_answer *answer, __u32 *stream)
{
	static const __u32 codes[] = { IOMMUFD_PAGE_RESP_FAILURE,
				       IOMMUFD_PAGE_RESP_INVALID,
				       IOMMUFD_PAGE_RESP_SUCCESS };
	__u64 lo = native->qw[0], code = get(native->qw[1], CMD_1_CODE);

	if (get(lo, CMD_0_OP) != CMD_PRI_RESP || code > 2)
		return -EINVAL;
	answer->code = codes[code];
	answer->grpid = get(native->qw[1], CMD_1_GRPID);
	answer->pasid_valid = lo & CMD_0_SSV;
	if (answer->pasid_valid)
		answer->pasid = get(lo, CMD_0_SSID);
	*stream = get(lo, CMD_0_SID);
	return 0;
}

/* Neither of the two ways to terminate is another for a message. */
static int answer_stall(const struct fault_native *native,
			struct fault_answer *answer, __u32 *stream)
{
	__u64 lo = native->qw[0];

	if (get(lo, CMD_0_OP) != CMD_RESUME)
		return -EINVAL;
	answer->code = lo & CMD_0_RETRY ? IOMMUFD_PAGE_RESP_SUCCESS :
					  IOMMUFD_PAGE_RESP_INVALID;
	answer->grpid = get(native->qw[1], CMD_1_STAG);
	*stream = get(lo, CMD_0_SID);
	return 0;
}

int fault_answer_from_native(enum fault_format format,
			     const struct fault_native *native,
			     const struct fault_names *names,
			     struct fault_answer *answer)
{
	static int (*const decode[])(const struct fault_native *,
				     struct fault_answer *, __u32 *) = {
		[FAULT_VTD_PRQ] = answer_vtd,
		[FAULT_SMMUV3_PRI] = answer_pri,
		[FAULT_SMMUV3_STALL] = answer_stall,
	};
	__u32 stream;
	int rc, index;

	*answer = (struct fault_answer){};
	rc = decode[format](native, answer, &stream);
	if (rc)
		return rc;
	index = find_stream(names, stream);
	if (index < 0)
		return index;
	if (format == FAULT_SMMUV3_STALL)
		answer->grpid |= (__u32)index << GRPID_STREAM_SHIFT;
	else if (index)
		return -ENODEV;
	return answer->pasid_valid ?
	       name_pasid(names, &answer->pasid, true) : 0;
}

unsigned int fault_native_words(enum fault_format format)
{
	return format == FAULT_SMMUV3_PRI ? 2 : 4;
}
