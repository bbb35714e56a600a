/* SPDX-License-Identifier: GPL-2.0-only */
/* Event queues: faults of a HWPT that nobody can answer. */
#ifndef __IOMMUFD_EVENTQ_H
#define __IOMMUFD_EVENTQ_H

struct iommufd_call;

int iommufd_eventq_alloc_ioctl(struct iommufd_call *call);

#endif
