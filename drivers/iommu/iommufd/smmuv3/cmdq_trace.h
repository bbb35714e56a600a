/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the command queue and of global errors; faults are in trace.h. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd_smmuv3

#if !defined(__IOMMUFD_SMMUV3_CMDQ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMUFD_SMMUV3_CMDQ_TRACE_H

#include <linux/tracepoint.h>

#include "regs.h"
#include "unit.h"

/* Commands of one or more submitters were put into the queue. */
TRACE_EVENT(smmuv3_submit,
	TP_PROTO(struct smmuv3_unit *unit, unsigned int submitters,
		 unsigned int commands, u32 prod),
	TP_ARGS(unit, submitters, commands, prod),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(unsigned int, submitters)
		__field(unsigned int, commands)
		__field(u32, prod)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->submitters = submitters;
		__entry->commands = commands;
		__entry->prod = prod;
	),
	TP_printk("unit=%s submitters=%u commands=%u prod=%#x",
		  __get_str(unit), __entry->submitters, __entry->commands,
		  __entry->prod)
);

/* The unit stopped at a command (7.1); qw0 and qw1 are the command. */
TRACE_EVENT(smmuv3_cmd_error,
	TP_PROTO(struct smmuv3_unit *unit, u32 code, u64 qw0, u64 qw1),
	TP_ARGS(unit, code, qw0, qw1),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, code)
		__field(u64, qw0)
		__field(u64, qw1)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->code = code;
		__entry->qw0 = qw0;
		__entry->qw1 = qw1;
	),
	TP_printk("unit=%s error=%s command=%016llx:%016llx",
		  __get_str(unit),
		  __print_symbolic(__entry->code,
				   { SMMU_CERROR_ILL, "ILL" },
				   { SMMU_CERROR_ABT, "ABT" },
				   { SMMU_CERROR_ATC_INV_SYNC, "ATC_INV_SYNC" }),
		  __entry->qw1, __entry->qw0)
);

/* The unit did not carry out commands in time; it had done all before cons. */
TRACE_EVENT(smmuv3_cmd_timeout,
	TP_PROTO(struct smmuv3_unit *unit, u32 prod, u32 cons),
	TP_ARGS(unit, prod, cons),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, prod)
		__field(u32, cons)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->prod = prod;
		__entry->cons = cons;
	),
	TP_printk("unit=%s prod=%#x cons=%#x", __get_str(unit), __entry->prod,
		  __entry->cons)
);

/* Global errors became active (6.3.18). */
TRACE_EVENT(smmuv3_gerror,
	TP_PROTO(struct smmuv3_unit *unit, u32 active),
	TP_ARGS(unit, active),
	TP_STRUCT__entry(
		__string(unit, unit->name)
		__field(u32, active)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->active = active;
	),
	TP_printk("unit=%s active=%s", __get_str(unit),
		  __print_flags(__entry->active, "|",
				{ SMMU_GERROR_CMDQ, "CMDQ" },
				{ SMMU_GERROR_EVENTQ_ABORT, "EVENTQ_ABT" },
				{ SMMU_GERROR_PRIQ_ABORT, "PRIQ_ABT" },
				{ SMMU_GERROR_MSI_CMDQ_ABORT, "MSI_CMDQ_ABT" },
				{ SMMU_GERROR_MSI_EVENTQ_ABORT,
				  "MSI_EVENTQ_ABT" },
				{ SMMU_GERROR_MSI_PRIQ_ABORT, "MSI_PRIQ_ABT" },
				{ SMMU_GERROR_MSI_GERROR_ABORT,
				  "MSI_GERROR_ABT" },
				{ SMMU_GERROR_SFM, "SFM" }))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE cmdq_trace
#include <trace/define_trace.h>
