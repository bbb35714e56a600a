/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the SMMUv3 driver: what a unit says, and what it is told. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd_smmuv3

#if !defined(__IOMMUFD_SMMUV3_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMUFD_SMMUV3_TRACE_H

#include <linux/tracepoint.h>

#include "faults_internal.h"

/* IOMMU_PGFAULT_PERM_* */
#define smmuv3_show_perm(perm)						\
	__print_flags(perm, "", { 1, "R" }, { 2, "W" }, { 4, "X" }, { 8, "P" })

/* enum smmuv3_pri_resp */
#define smmuv3_show_pri_resp(code)					\
	__print_symbolic(code, { 0, "failure" }, { 1, "invalid" },	\
			 { 2, "success" })

DECLARE_EVENT_CLASS(smmuv3_event_record,
	TP_PROTO(struct smmuv3_unit *unit, const struct smmuv3_event *event),
	TP_ARGS(unit, event),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, addr)
		__field(u64, ipa)
		__field(u32, sid)
		__field(u32, ssid)
		__field(u16, stag)
		__field(u8, type)
		__field(bool, ssid_valid)
		__field(bool, stage2)
		__field(bool, write)
		__field(bool, execute)
		__field(bool, privileged)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->addr = event->addr;
		__entry->ipa = event->ipa;
		__entry->sid = event->sid;
		__entry->ssid = event->ssid;
		__entry->stag = event->stag;
		__entry->type = event->type;
		__entry->ssid_valid = event->ssid_valid;
		__entry->stage2 = event->stage2;
		__entry->write = event->write;
		__entry->execute = event->execute;
		__entry->privileged = event->privileged;
	),
	TP_printk("unit=%s sid=%#x pasid=%d type=%#x addr=%#llx %s%s%s stage=%d ipa=%#llx stag=%#x",
		  __get_str(unit), __entry->sid,
		  __entry->ssid_valid ? (int)__entry->ssid : -1,
		  __entry->type, __entry->addr, __entry->write ? "W" : "R",
		  __entry->execute ? "X" : "", __entry->privileged ? "P" : "",
		  __entry->stage2 ? 2 : 1, __entry->ipa, __entry->stag)
);

/* A transaction went wrong for good. */
DEFINE_EVENT(smmuv3_event_record, smmuv3_fault,
	TP_PROTO(struct smmuv3_unit *unit, const struct smmuv3_event *event),
	TP_ARGS(unit, event)
);

/* A transaction is stalled; its record was taken out of the queue. */
DEFINE_EVENT(smmuv3_event_record, smmuv3_stall,
	TP_PROTO(struct smmuv3_unit *unit, const struct smmuv3_event *event),
	TP_ARGS(unit, event)
);

/* A stalled transaction goes on: it is translated again, or aborted. */
TRACE_EVENT(smmuv3_resume,
	TP_PROTO(struct smmuv3_unit *unit, u32 sid, u16 stag, bool retry),
	TP_ARGS(unit, sid, stag, retry),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, sid)
		__field(u16, stag)
		__field(bool, retry)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->sid = sid;
		__entry->stag = stag;
		__entry->retry = retry;
	),
	TP_printk("unit=%s sid=%#x stag=%#x %s", __get_str(unit),
		  __entry->sid, __entry->stag,
		  __entry->retry ? "retry" : "abort")
);

/* A page request was taken out of the queue. */
TRACE_EVENT(smmuv3_page_request,
	TP_PROTO(struct smmuv3_unit *unit,
		 const struct smmuv3_page_request *pr),
	TP_ARGS(unit, pr),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u64, addr)
		__field(u32, sid)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, perm)
		__field(bool, pasid_valid)
		__field(bool, last)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->addr = pr->req.addr;
		__entry->sid = pr->sid;
		__entry->pasid = pr->req.pasid;
		__entry->grpid = pr->req.grpid;
		__entry->perm = pr->req.perm;
		__entry->pasid_valid = pr->req.pasid_valid;
		__entry->last = pr->req.last;
	),
	TP_printk("unit=%s sid=%#x pasid=%d grpid=%u addr=%#llx perm=%s last=%d",
		  __get_str(unit), __entry->sid,
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, __entry->addr,
		  smmuv3_show_perm(__entry->perm), __entry->last)
);

/* An answer to a group of page requests is on its way. */
TRACE_EVENT(smmuv3_page_response,
	TP_PROTO(struct smmuv3_unit *unit,
		 const struct smmuv3_page_request *pr, u32 code),
	TP_ARGS(unit, pr, code),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, sid)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, code)
		__field(bool, pasid_valid)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->sid = pr->sid;
		__entry->pasid = pr->req.pasid;
		__entry->grpid = pr->req.grpid;
		__entry->code = code;
		__entry->pasid_valid = pr->req.pasid_valid;
	),
	TP_printk("unit=%s sid=%#x pasid=%d grpid=%u %s", __get_str(unit),
		  __entry->sid,
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, smmuv3_show_pri_resp(__entry->code))
);

DECLARE_EVENT_CLASS(smmuv3_queue_overflow,
	TP_PROTO(struct smmuv3_unit *unit, u64 overflows),
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

/* The event queue was full, and events were lost: none of a stall. */
DEFINE_EVENT(smmuv3_queue_overflow, smmuv3_evtq_overflow,
	TP_PROTO(struct smmuv3_unit *unit, u64 overflows),
	TP_ARGS(unit, overflows)
);

/* The page request queue was full, and requests were lost. */
DEFINE_EVENT(smmuv3_queue_overflow, smmuv3_priq_overflow,
	TP_PROTO(struct smmuv3_unit *unit, u64 overflows),
	TP_ARGS(unit, overflows)
);

/* A queue could not be written: records of faults were lost. */
TRACE_EVENT(smmuv3_queue_abort,
	TP_PROTO(struct smmuv3_unit *unit, bool events, bool requests),
	TP_ARGS(unit, events, requests),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(bool, events)
		__field(bool, requests)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->events = events;
		__entry->requests = requests;
	),
	TP_printk("unit=%s events=%d requests=%d", __get_str(unit),
		  __entry->events, __entry->requests)
);

/* A device and PASID have no fault on the way any more. */
TRACE_EVENT(smmuv3_faults_drain,
	TP_PROTO(struct smmuv3_unit *unit, u32 sid, u32 pasid,
		 unsigned int rounds),
	TP_ARGS(unit, sid, pasid, rounds),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, sid)
		__field(u32, pasid)
		__field(u32, rounds)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->sid = sid;
		__entry->pasid = pasid;
		__entry->rounds = rounds;
	),
	TP_printk("unit=%s sid=%#x pasid=%u rounds=%u", __get_str(unit),
		  __entry->sid, __entry->pasid, __entry->rounds)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
