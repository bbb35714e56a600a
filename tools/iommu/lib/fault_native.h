/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page faults between hardware's own records and the message of a fault fd, both
 * ways: what a VMM needs to show a guest the faults of its device as the guest's
 * IOMMU would record them, and to read the answer that the guest gives. Which field
 * becomes which is in Documentation/userspace-api/iommufd/fault-message.rst.
 *
 * No state, no system calls. Words are in the byte order of the CPU; in memory they
 * are little-endian.
 */
#ifndef TOOLS_IOMMU_LIB_FAULT_NATIVE_H
#define TOOLS_IOMMU_LIB_FAULT_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include <linux/iommufd.h>

/**
 * enum fault_format - a record of hardware
 * @FAULT_VTD_PRQ: page request descriptor (VT-d specification 7.4.1), and page group
 *	response descriptor (7.7.1)
 * @FAULT_SMMUV3_PRI: PRI queue entry (IHI 0070 8.1), and CMD_PRI_RESP (4.5.2)
 * @FAULT_SMMUV3_STALL: event of a stalled transaction (IHI 0070 7.3), and CMD_RESUME
 *	(4.7.1)
 */
enum fault_format {
	FAULT_VTD_PRQ,
	FAULT_SMMUV3_PRI,
	FAULT_SMMUV3_STALL,
	FAULT_NUM_FORMATS,
};

/**
 * struct fault_native - a record, or an answer
 * @qw: 64-bit words; those that the format does not have are 0
 */
struct fault_native {
	__u64 qw[4];
};

/**
 * struct fault_names - how a device and its PASIDs are called on one side
 * @streams: requester id, or StreamIDs in the order that the host has them
 * @num_streams: how many, 1 but for devices that stall
 * @pasid_bits: PASIDs are below 2^this
 * @pasid: what the PASID of a message is called here, and the other way if @back; a
 *	negative errno if there is no such. NULL: the same
 * @priv: for @pasid
 */
struct fault_names {
	const __u32 *streams;
	unsigned int num_streams;
	unsigned int pasid_bits;
	__s64 (*pasid)(void *priv, __u32 pasid, bool back);
	void *priv;
};

/**
 * struct fault_answer - an answer to a group
 * @grpid: as in the messages of the group
 * @pasid: valid if @pasid_valid
 * @pasid_valid: the answer has a PASID
 * @code: enum iommufd_page_response_code
 */
struct fault_answer {
	__u32 grpid;
	__u32 pasid;
	bool pasid_valid;
	__u32 code;
};

/* Words of a record. */
unsigned int fault_native_words(enum fault_format format);

/*
 * A record as a message; @msg->dev_id and @msg->cookie are left 0. Returns 0 or a
 * negative errno: -ENOMSG: nothing that is answered (a stop marker; an event that is
 * not of a stalled transaction, or one of stage 2, which is no guest's); -EINVAL: no
 * record of this format; -ENODEV: of a device that @names is not; what
 * @names->pasid says.
 */
int fault_from_native(enum fault_format format,
		      const struct fault_native *native,
		      const struct fault_names *names,
		      struct iommu_hwpt_pgfault *msg);

/*
 * A message as a record. Returns 0 or a negative errno: -ERANGE: the group index,
 * the PASID or the stream has no room in it; -EINVAL: the format cannot say it
 * (permissions: none, or execute or privilege without PASID in a page request; a
 * stall of a group of several); what @names->pasid says.
 */
int fault_to_native(enum fault_format format,
		    const struct iommu_hwpt_pgfault *msg,
		    const struct fault_names *names,
		    struct fault_native *native);

/* The guest's answer. Errors as fault_from_native(). */
int fault_answer_from_native(enum fault_format format,
			     const struct fault_native *native,
			     const struct fault_names *names,
			     struct fault_answer *answer);

#endif
