/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the VT-d driver: what a unit says, and what it is told. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd_vtd

#if !defined(__IOMMUFD_VTD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMUFD_VTD_TRACE_H

#include <linux/pci.h>
#include <linux/tracepoint.h>

#include "events.h"
#include "unit.h"

/* IOMMU_PGFAULT_PERM_* */
#define vtd_show_perm(perm)						\
	__print_flags(perm, "", { 1, "R" }, { 2, "W" }, { 4, "X" }, { 8, "P" })

DECLARE_EVENT_CLASS(vtd_fault_record,
	TP_PROTO(struct vtd_unit *unit, const struct vtd_fault *fault),
	TP_ARGS(unit, fault),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, addr)
		__field(u32, pasid)
		__field(u16, rid)
		__field(u8, reason)
		__field(bool, pasid_valid)
		__field(bool, read)
		__field(bool, execute)
		__field(bool, privileged)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->addr = fault->addr;
		__entry->pasid = fault->pasid;
		__entry->rid = fault->rid;
		__entry->reason = fault->reason;
		__entry->pasid_valid = fault->pasid_valid;
		__entry->read = fault->read;
		__entry->execute = fault->execute;
		__entry->privileged = fault->privileged;
	),
	TP_printk("unit=%s rid=%02x:%02x.%x pasid=%d addr=%#llx reason=%#x %s%s%s",
		  __get_str(unit), PCI_BUS_NUM(__entry->rid),
		  PCI_SLOT(__entry->rid), PCI_FUNC(__entry->rid),
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->addr, __entry->reason,
		  __entry->read ? "R" : "W", __entry->execute ? "X" : "",
		  __entry->privileged ? "P" : "")
);

/* A DMA request went wrong for good. */
DEFINE_EVENT(vtd_fault_record, vtd_fault,
	TP_PROTO(struct vtd_unit *unit, const struct vtd_fault *fault),
	TP_ARGS(unit, fault)
);

/* An interrupt was blocked; the address is its index in the table. */
DEFINE_EVENT(vtd_fault_record, vtd_interrupt_fault,
	TP_PROTO(struct vtd_unit *unit, const struct vtd_fault *fault),
	TP_ARGS(unit, fault)
);

/* The unit had more faults than places to record them. */
TRACE_EVENT(vtd_fault_overflow,
	TP_PROTO(struct vtd_unit *unit, u64 overflows),
	TP_ARGS(unit, overflows),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, overflows)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->overflows = overflows;
	),
	TP_printk("unit=%s overflows=%llu", __get_str(unit),
		  __entry->overflows)
);

/* A page request was taken out of the queue. */
TRACE_EVENT(vtd_page_request,
	TP_PROTO(struct vtd_unit *unit, u16 rid,
		 const struct iommufd_page_request *req),
	TP_ARGS(unit, rid, req),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, addr)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, perm)
		__field(u16, rid)
		__field(bool, pasid_valid)
		__field(bool, last)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->addr = req->addr;
		__entry->pasid = req->pasid;
		__entry->grpid = req->grpid;
		__entry->perm = req->perm;
		__entry->rid = rid;
		__entry->pasid_valid = req->pasid_valid;
		__entry->last = req->last;
	),
	TP_printk("unit=%s rid=%02x:%02x.%x pasid=%d grpid=%u addr=%#llx perm=%s last=%d",
		  __get_str(unit), PCI_BUS_NUM(__entry->rid),
		  PCI_SLOT(__entry->rid), PCI_FUNC(__entry->rid),
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, __entry->addr,
		  vtd_show_perm(__entry->perm), __entry->last)
);

/* An answer to a group is on its way; code as in the message. */
TRACE_EVENT(vtd_page_response,
	TP_PROTO(struct vtd_unit *unit, u16 rid, bool pasid_valid, u32 pasid,
		 u32 grpid, u32 code),
	TP_ARGS(unit, rid, pasid_valid, pasid, grpid, code),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, code)
		__field(u16, rid)
		__field(bool, pasid_valid)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->pasid = pasid;
		__entry->grpid = grpid;
		__entry->code = code;
		__entry->rid = rid;
		__entry->pasid_valid = pasid_valid;
	),
	TP_printk("unit=%s rid=%02x:%02x.%x pasid=%d grpid=%u code=%#x",
		  __get_str(unit), PCI_BUS_NUM(__entry->rid),
		  PCI_SLOT(__entry->rid), PCI_FUNC(__entry->rid),
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, __entry->code)
);

/* The page request queue was full, and requests were lost. */
TRACE_EVENT(vtd_prq_overflow,
	TP_PROTO(struct vtd_unit *unit, u64 overflows),
	TP_ARGS(unit, overflows),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, overflows)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->overflows = overflows;
	),
	TP_printk("unit=%s overflows=%llu", __get_str(unit),
		  __entry->overflows)
);

/* A device and PASID have no page request on the way any more. */
TRACE_EVENT(vtd_prq_drain,
	TP_PROTO(struct vtd_unit *unit, u16 rid, u32 pasid,
		 unsigned int rounds),
	TP_ARGS(unit, rid, pasid, rounds),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, pasid)
		__field(u32, rounds)
		__field(u16, rid)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->pasid = pasid;
		__entry->rounds = rounds;
		__entry->rid = rid;
	),
	TP_printk("unit=%s rid=%02x:%02x.%x pasid=%u rounds=%u",
		  __get_str(unit), PCI_BUS_NUM(__entry->rid),
		  PCI_SLOT(__entry->rid), PCI_FUNC(__entry->rid),
		  __entry->pasid, __entry->rounds)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
