/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between a model of a PCI function and a model of the IOMMU in front of it:
 * what PCI Express carries from one to the other, and back. A master on another
 * bus uses the same, with its stream's number for a requester id, and may be
 * stalled.
 *
 * Knows no vendor and no driver. Nothing here sleeps; everything may be called
 * with interrupts off.
 */
#ifndef __IOMMUFD_MODEL_PORT_H
#define __IOMMUFD_MODEL_PORT_H

#include <linux/types.h>

struct model_function;
struct model_grants;
struct model_port;

/* Access wanted or granted. */
#define MODEL_READ	BIT(0)
#define MODEL_WRITE	BIT(1)
#define MODEL_EXEC	BIT(2)
#define MODEL_PRIV	BIT(3)

/**
 * struct model_tlp - the part of a request that an IOMMU looks at
 * @rid: requester id
 * @pasid_valid: a PASID prefix is there
 * @pasid: 20 bits, valid if @pasid_valid
 * @perm: MODEL_*; EXEC and PRIV only with @pasid_valid
 * @addr: untranslated, or translated, byte address
 * @tag: the master's own name for the request, which comes back by
 *	&struct model_function_ops.resume if the request is stalled
 */
struct model_tlp {
	u16 rid;
	bool pasid_valid;
	u32 pasid;
	u32 perm;
	u64 addr;
	u32 tag;
};

/**
 * struct model_translation - a translation completion (PCIe 10.2.3)
 * @addr: physical, or in the guest's view what the IOMMU makes of it; aligned to
 *	@size
 * @size: bytes, a power of two from 4096
 * @perm: granted; 0 of READ and WRITE: not present, the function may send a page
 *	request
 * @global: for every PASID of the function
 * @untranslated_only: the function must use untranslated requests (U)
 */
struct model_translation {
	u64 addr;
	u64 size;
	u32 perm;
	bool global;
	bool untranslated_only;
};

/**
 * enum model_status - what became of a request
 * @MODEL_OK: done
 * @MODEL_UNSUPPORTED: unsupported request or completer abort: an unrecoverable
 *	fault, which the IOMMU recorded if it was not told to keep quiet
 * @MODEL_OVERFLOW: (page requests) the queue was full: the IOMMU answers the
 *	group success by itself if it was the last of it, through
 *	&struct model_function_ops.prg_response
 * @MODEL_STALLED: (untranslated requests) the IOMMU keeps it until software has
 *	decided, and says what became of it by &struct model_function_ops.resume,
 *	maybe before the operation returns
 */
enum model_status {
	MODEL_OK,
	MODEL_UNSUPPORTED,
	MODEL_OVERFLOW,
	MODEL_STALLED,
};

/**
 * enum model_resume - what becomes of a stalled request
 * @MODEL_RESUME_RETRY: the master is to make it again, as if it were new
 * @MODEL_RESUME_ABORT: it ended with an abort
 * @MODEL_RESUME_IGNORE: it ended as if it had been done: a read got zeros, a write
 *	went nowhere
 */
enum model_resume {
	MODEL_RESUME_RETRY,
	MODEL_RESUME_ABORT,
	MODEL_RESUME_IGNORE,
};

/* Codes of a PRG response message (PCIe 10.4.2.2). */
#define MODEL_PRG_SUCCESS	0x0
#define MODEL_PRG_INVALID	0x1
#define MODEL_PRG_FAILURE	0xf

/**
 * struct model_function_ops - what an IOMMU says to a function
 *
 * They are called without a lock that an operation of the port takes, within one
 * RCU read-side section (or with interrupts off) with the look-up of the function:
 * after connect() and synchronize_rcu() it may be freed. They may be called from
 * within a port operation, except for @invalidate.
 *
 * @invalidate: drop translations cached for [@addr, @addr + @size), of @pasid or
 *	of requests without one; @global: of every PASID; @size 0: up to the end of
 *	the address space. Once it returns, no request by them is in flight. False if the function
 *	does not answer (or is gone), so that the IOMMU runs into its time-out
 * @prg_response: an answer to a page request group; @pasid_valid as in the
 *	response message. True: it was expected, or the function is gone, and the
 *	message with it; false: it was not. The function says model_violation() of
 *	an answer nobody asked for
 * @resume: the end of a stall; @tag is that of the request. NULL: a master that
 *	cannot wait, as no PCI function can
 */
struct model_function_ops {
	bool (*invalidate)(struct model_function *fn, bool pasid_valid,
			   u32 pasid, bool global, u64 addr, u64 size);
	bool (*prg_response)(struct model_function *fn, bool pasid_valid,
			     u32 pasid, u16 grpid, u8 code);
	void (*resume)(struct model_function *fn, u32 tag, enum model_resume how);
};

/**
 * struct model_port_ops - what a function says to the IOMMU
 * @access: an untranslated memory request: read or write @len bytes, at most to
 *	the end of the 4 KiB page, from or to @buf. Translated by the IOMMU, with
 *	its caches
 * @access_translated: a request with AT = translated, for a function with ATS on
 * @translate: a translation request. MODEL_OK also with no permission granted;
 *	@no_write: the request says that it does not need write permission (NW)
 * @page_request: one page request; @last: last of its group. A stop marker has
 *	neither READ nor WRITE and @last
 * @connect: @fn answers for @rid from now on; NULL: nobody
 */
struct model_port_ops {
	enum model_status (*access)(struct model_port *port,
				    const struct model_tlp *tlp, void *buf,
				    size_t len);
	enum model_status (*access_translated)(struct model_port *port,
					       const struct model_tlp *tlp,
					       void *buf, size_t len);
	enum model_status (*translate)(struct model_port *port,
				       const struct model_tlp *tlp,
				       bool no_write,
				       struct model_translation *result);
	enum model_status (*page_request)(struct model_port *port,
					  const struct model_tlp *tlp,
					  u16 grpid, bool last);
	int (*connect)(struct model_port *port, u16 rid,
		       struct model_function *fn);
};

/**
 * struct model_port - embedded in the model of an IOMMU
 * @ops: constant
 * @grants: what a test has granted (grant.h); NULL: nobody has said it
 */
struct model_port {
	const struct model_port_ops *ops;
	struct model_grants __rcu *grants;
};

/**
 * struct model_function - embedded in the model of a function
 * @ops: constant
 * @no_prg_pasid: PRG Response PASID Required is clear (PCIe 10.5.2.3): answers that
 *	the IOMMU gives by itself come without a PASID. Constant
 */
struct model_function {
	const struct model_function_ops *ops;
	bool no_prg_pasid;
};

/*
 * Something that must never happen did: says why, once, and makes the test fail
 * (test/model/report.c). Any context.
 */
__printf(1, 2) void model_violation(const char *fmt, ...);
/* How many so far. */
unsigned long model_violations(void);
/*
 * Between the two, violations are part of the test: counted, no warning. The
 * first returns what the second takes; the second, how many there were.
 */
unsigned long model_violations_expect(void);
unsigned long model_violations_expected(unsigned long before);

#endif
