/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Those of the fault path carry one id from the first request of a
 * group to its answer; it is unique in the running kernel.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd

#if !defined(__IOMMUFD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMUFD_TRACE_H

#include <linux/tracepoint.h>

#include "fault/fault.h"

/* IOMMU_PGFAULT_PERM_* */
#define iommufd_show_perm(perm)						\
	__print_flags(perm, "", { 1, "R" }, { 2, "W" }, { 4, "X" }, { 8, "P" })

DECLARE_EVENT_CLASS(iommufd_request,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 const struct iommufd_page_request *req, u64 id,
		 unsigned int requests),
	TP_ARGS(source, dev_id, queue_id, req, id, requests),
	TP_STRUCT__entry(
		__string(dev, dev_name(iommufd_fault_source_dev(source)))
		__field(u64, id)
		__field(u64, addr)
		__field(u32, dev_id)
		__field(u32, queue_id)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, perm)
		__field(u32, requests)
		__field(bool, pasid_valid)
		__field(bool, last)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id = id;
		__entry->addr = req->addr;
		__entry->dev_id = dev_id;
		__entry->queue_id = queue_id;
		__entry->pasid = req->pasid;
		__entry->grpid = req->grpid;
		__entry->perm = req->perm;
		__entry->requests = requests;
		__entry->pasid_valid = req->pasid_valid;
		__entry->last = req->last;
	),
	TP_printk("id=%llx dev=%s dev_id=%u queue=%u pasid=%d grpid=%u addr=%#llx perm=%s last=%d requests=%u",
		  __entry->id, __get_str(dev), __entry->dev_id,
		  __entry->queue_id,
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, __entry->addr,
		  iommufd_show_perm(__entry->perm), __entry->last,
		  __entry->requests)
);

/* A page request was taken. */
DEFINE_EVENT(iommufd_request, iopf_report,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 const struct iommufd_page_request *req, u64 id,
		 unsigned int requests),
	TP_ARGS(source, dev_id, queue_id, req, id, requests)
);

/* A page request found no room; requests: how many were refused by that. */
DEFINE_EVENT(iommufd_request, iopf_lost,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 const struct iommufd_page_request *req, u64 id,
		 unsigned int requests),
	TP_ARGS(source, dev_id, queue_id, req, id, requests)
);

/* The last request of a group came; it can be read. */
TRACE_EVENT(iopf_publish,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 u64 id, u32 cookie, u32 requests),
	TP_ARGS(source, dev_id, queue_id, id, cookie, requests),
	TP_STRUCT__entry(
		__string(dev, dev_name(iommufd_fault_source_dev(source)))
		__field(u64, id)
		__field(u32, dev_id)
		__field(u32, queue_id)
		__field(u32, cookie)
		__field(u32, requests)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id = id;
		__entry->dev_id = dev_id;
		__entry->queue_id = queue_id;
		__entry->cookie = cookie;
		__entry->requests = requests;
	),
	TP_printk("id=%llx dev=%s dev_id=%u queue=%u cookie=%#x requests=%u",
		  __entry->id, __get_str(dev), __entry->dev_id,
		  __entry->queue_id, __entry->cookie, __entry->requests)
);

/* A group has been copied to user space. */
TRACE_EVENT(iopf_read,
	TP_PROTO(u32 dev_id, u32 queue_id, u64 id, u32 cookie, u32 requests),
	TP_ARGS(dev_id, queue_id, id, cookie, requests),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, dev_id)
		__field(u32, queue_id)
		__field(u32, cookie)
		__field(u32, requests)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->dev_id = dev_id;
		__entry->queue_id = queue_id;
		__entry->cookie = cookie;
		__entry->requests = requests;
	),
	TP_printk("id=%llx dev_id=%u queue=%u cookie=%#x requests=%u",
		  __entry->id, __entry->dev_id, __entry->queue_id,
		  __entry->cookie, __entry->requests)
);

DECLARE_EVENT_CLASS(iommufd_answer,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 u32 pasid, bool pasid_valid, u32 grpid, u64 id, u32 cookie,
		 u32 code),
	TP_ARGS(source, dev_id, queue_id, pasid, pasid_valid, grpid, id, cookie,
		code),
	TP_STRUCT__entry(
		__string(dev, dev_name(iommufd_fault_source_dev(source)))
		__field(u64, id)
		__field(u32, dev_id)
		__field(u32, queue_id)
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, cookie)
		__field(u32, code)
		__field(bool, pasid_valid)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id = id;
		__entry->dev_id = dev_id;
		__entry->queue_id = queue_id;
		__entry->pasid = pasid;
		__entry->grpid = grpid;
		__entry->cookie = cookie;
		__entry->code = code;
		__entry->pasid_valid = pasid_valid;
	),
	TP_printk("id=%llx dev=%s dev_id=%u queue=%u pasid=%d grpid=%u cookie=%#x code=%s",
		  __entry->id, __get_str(dev), __entry->dev_id,
		  __entry->queue_id,
		  __entry->pasid_valid ? (int)__entry->pasid : -1,
		  __entry->grpid, __entry->cookie,
		  __print_symbolic(__entry->code, { 0, "success" },
				   { 1, "invalid" }, { 0xf, "failure" }))
);

/* A user's answer was accepted; it is on its way to hardware. */
DEFINE_EVENT(iommufd_answer, iopf_answer,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 u32 pasid, bool pasid_valid, u32 grpid, u64 id, u32 cookie,
		 u32 code),
	TP_ARGS(source, dev_id, queue_id, pasid, pasid_valid, grpid, id, cookie,
		code)
);

/* Detach, replace, close or unplug answers a group that no user has answered. */
DEFINE_EVENT(iommufd_answer, iopf_drain,
	TP_PROTO(struct iommufd_fault_source *source, u32 dev_id, u32 queue_id,
		 u32 pasid, bool pasid_valid, u32 grpid, u64 id, u32 cookie,
		 u32 code),
	TP_ARGS(source, dev_id, queue_id, pasid, pasid_valid, grpid, id, cookie,
		code)
);

DECLARE_EVENT_CLASS(iommufd_ioas_range,
	TP_PROTO(u32 ioas_id, u64 iova, u64 length, int ret),
	TP_ARGS(ioas_id, iova, length, ret),
	TP_STRUCT__entry(
		__field(u64, iova)
		__field(u64, length)
		__field(u32, ioas_id)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->length = length;
		__entry->ioas_id = ioas_id;
		__entry->ret = ret;
	),
	TP_printk("ioas=%u iova=%#llx length=%#llx ret=%d", __entry->ioas_id,
		  __entry->iova, __entry->length, __entry->ret)
);

/* Memory was mapped into an IOAS, or could not be. */
DEFINE_EVENT(iommufd_ioas_range, ioas_map,
	TP_PROTO(u32 ioas_id, u64 iova, u64 length, int ret),
	TP_ARGS(ioas_id, iova, length, ret)
);

/* Memory was unmapped from an IOAS, or could not be. */
DEFINE_EVENT(iommufd_ioas_range, ioas_unmap,
	TP_PROTO(u32 ioas_id, u64 iova, u64 length, int ret),
	TP_ARGS(ioas_id, iova, length, ret)
);

DECLARE_EVENT_CLASS(iommufd_hwpt_use,
	TP_PROTO(const char *dev, u32 dev_id, u32 pasid, u32 hwpt_id, int ret),
	TP_ARGS(dev, dev_id, pasid, hwpt_id, ret),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(u32, hwpt_id)
		__field(int, ret)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->dev_id = dev_id;
		__entry->pasid = pasid;
		__entry->hwpt_id = hwpt_id;
		__entry->ret = ret;
	),
	TP_printk("dev=%s dev_id=%u pasid=%u hwpt=%u ret=%d", __get_str(dev),
		  __entry->dev_id, __entry->pasid, __entry->hwpt_id,
		  __entry->ret)
);

/* A device was attached to a HWPT, or could not be. */
DEFINE_EVENT(iommufd_hwpt_use, hwpt_attach,
	TP_PROTO(const char *dev, u32 dev_id, u32 pasid, u32 hwpt_id, int ret),
	TP_ARGS(dev, dev_id, pasid, hwpt_id, ret)
);

/* A device was moved to another HWPT, or could not be. */
DEFINE_EVENT(iommufd_hwpt_use, hwpt_replace,
	TP_PROTO(const char *dev, u32 dev_id, u32 pasid, u32 hwpt_id, int ret),
	TP_ARGS(dev, dev_id, pasid, hwpt_id, ret)
);

/* A device was detached from a HWPT. */
DEFINE_EVENT(iommufd_hwpt_use, hwpt_detach,
	TP_PROTO(const char *dev, u32 dev_id, u32 pasid, u32 hwpt_id, int ret),
	TP_ARGS(dev, dev_id, pasid, hwpt_id, ret)
);

/* An access failed for good; who listens to the HWPT was told, or it was lost. */
TRACE_EVENT(iommufd_event,
	TP_PROTO(u32 dev_id, u32 pasid, u64 addr, u32 reason, bool lost),
	TP_ARGS(dev_id, pasid, addr, reason, lost),
	TP_STRUCT__entry(
		__field(u64, addr)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(u32, reason)
		__field(bool, lost)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->dev_id = dev_id;
		__entry->pasid = pasid;
		__entry->reason = reason;
		__entry->lost = lost;
	),
	TP_printk("dev_id=%u pasid=%u addr=%#llx reason=%#x lost=%d",
		  __entry->dev_id, __entry->pasid, __entry->addr,
		  __entry->reason, __entry->lost)
);

/* Something happened in a vIOMMU; the queue's reader is told, or it was lost. */
TRACE_EVENT(viommu_event,
	TP_PROTO(u32 viommu_id, u32 queue_id, u32 type, bool lost),
	TP_ARGS(viommu_id, queue_id, type, lost),
	TP_STRUCT__entry(
		__field(u32, viommu_id)
		__field(u32, queue_id)
		__field(u32, type)
		__field(bool, lost)
	),
	TP_fast_assign(
		__entry->viommu_id = viommu_id;
		__entry->queue_id = queue_id;
		__entry->type = type;
		__entry->lost = lost;
	),
	TP_printk("viommu=%u queue=%u type=%#x lost=%d", __entry->viommu_id,
		  __entry->queue_id, __entry->type, __entry->lost)
);

/* A guest came to know a device by an id, or knows it no more. */
TRACE_EVENT(vdevice,
	TP_PROTO(u32 viommu_id, u32 vdevice_id, u32 dev_id, u64 virt_id,
		 bool there),
	TP_ARGS(viommu_id, vdevice_id, dev_id, virt_id, there),
	TP_STRUCT__entry(
		__field(u64, virt_id)
		__field(u32, viommu_id)
		__field(u32, vdevice_id)
		__field(u32, dev_id)
		__field(bool, there)
	),
	TP_fast_assign(
		__entry->virt_id = virt_id;
		__entry->viommu_id = viommu_id;
		__entry->vdevice_id = vdevice_id;
		__entry->dev_id = dev_id;
		__entry->there = there;
	),
	TP_printk("viommu=%u vdevice=%u dev_id=%u virt_id=%#llx %s",
		  __entry->viommu_id, __entry->vdevice_id, __entry->dev_id,
		  __entry->virt_id, __entry->there ? "linked" : "unlinked")
);

/* A device's page request interface was turned on, off, or reset, or not. */
TRACE_EVENT(device_pri,
	TP_PROTO(const char *dev, u32 dev_id, u32 op, u32 allocation, int ret),
	TP_ARGS(dev, dev_id, op, allocation, ret),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u32, dev_id)
		__field(u32, op)
		__field(u32, allocation)
		__field(int, ret)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->dev_id = dev_id;
		__entry->op = op;
		__entry->allocation = allocation;
		__entry->ret = ret;
	),
	TP_printk("dev=%s dev_id=%u op=%s allocation=%u ret=%d", __get_str(dev),
		  __entry->dev_id,
		  __print_symbolic(__entry->op,
				   { IOMMU_DEVICE_PRI_ENABLE, "enable" },
				   { IOMMU_DEVICE_PRI_DISABLE, "disable" },
				   { IOMMU_DEVICE_PRI_RESET, "reset" }),
		  __entry->allocation, __entry->ret)
);

/* User space asked for the properties of a device. */
TRACE_EVENT(device_probe,
	TP_PROTO(const char *dev, u32 dev_id, u32 len, u32 num, int ret),
	TP_ARGS(dev, dev_id, len, num, ret),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u32, dev_id)
		__field(u32, len)
		__field(u32, num)
		__field(int, ret)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->dev_id = dev_id;
		__entry->len = len;
		__entry->num = num;
		__entry->ret = ret;
	),
	TP_printk("dev=%s dev_id=%u len=%u stored=%u ret=%d", __get_str(dev),
		  __entry->dev_id, __entry->len, __entry->num, __entry->ret)
);

/* A vPASID of a mediated device got a pPASID, or has it no more. */
TRACE_EVENT(pasid_grant,
	TP_PROTO(const char *dev, u32 vpasid, u32 ppasid, u32 live, bool free),
	TP_ARGS(dev, vpasid, ppasid, live, free),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u32, vpasid)
		__field(u32, ppasid)
		__field(u32, live)
		__field(bool, free)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->vpasid = vpasid;
		__entry->ppasid = ppasid;
		__entry->live = live;
		__entry->free = free;
	),
	TP_printk("pool=%s vpasid=%u ppasid=%u live=%u %s", __get_str(dev),
		  __entry->vpasid, __entry->ppasid, __entry->live,
		  __entry->free ? "free" : "in use")
);

/* A device is not given a PASID, by rule; reason: which one. */
TRACE_EVENT(pasid_refused,
	TP_PROTO(const char *dev, u32 dev_id, u32 pasid, const char *reason,
		 int ret),
	TP_ARGS(dev, dev_id, pasid, reason, ret),
	TP_STRUCT__entry(
		__string(dev, dev)
		__string(reason, reason)
		__field(u32, dev_id)
		__field(u32, pasid)
		__field(int, ret)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(reason);
		__entry->dev_id = dev_id;
		__entry->pasid = pasid;
		__entry->ret = ret;
	),
	TP_printk("dev=%s dev_id=%u pasid=%u reason=\"%s\" ret=%d",
		  __get_str(dev), __entry->dev_id, __entry->pasid,
		  __get_str(reason), __entry->ret)
);

/* Where a group's doorbells are to be; set: by user space. */
TRACE_EVENT(msi_window,
	TP_PROTO(int group, u64 start, u64 last, bool set, int ret),
	TP_ARGS(group, start, last, set, ret),
	TP_STRUCT__entry(
		__field(u64, start)
		__field(u64, last)
		__field(int, group)
		__field(int, ret)
		__field(bool, set)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->last = last;
		__entry->group = group;
		__entry->ret = ret;
		__entry->set = set;
	),
	TP_printk("group=%d window=%#llx-%#llx %s ret=%d", __entry->group,
		  __entry->start, __entry->last,
		  __entry->set ? "set" : "chosen", __entry->ret)
);

/* A doorbell has got its place in a window, or there is none for it. */
TRACE_EVENT(msi_doorbell,
	TP_PROTO(u64 start, u64 last, u64 iova, u64 paddr, int ret),
	TP_ARGS(start, last, iova, paddr, ret),
	TP_STRUCT__entry(
		__field(u64, start)
		__field(u64, last)
		__field(u64, iova)
		__field(u64, paddr)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->last = last;
		__entry->iova = iova;
		__entry->paddr = paddr;
		__entry->ret = ret;
	),
	TP_printk("window=%#llx-%#llx iova=%#llx paddr=%#llx ret=%d",
		  __entry->start, __entry->last, __entry->iova, __entry->paddr,
		  __entry->ret)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
