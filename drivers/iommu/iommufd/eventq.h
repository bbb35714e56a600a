/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event queues, of which there are two kinds: faults of a HWPT that nobody can
 * answer (eventq.c), and events of a vIOMMU (veventq.c). Here is what they share:
 * an object whose file reads a ring and keeps the object.
 */
#ifndef __IOMMUFD_EVENTQ_H
#define __IOMMUFD_EVENTQ_H

#include <linux/fs.h>

#include "fault/event_ring.h"
#include "object.h"

struct iommufd_call;
struct seq_file;

/**
 * struct iommufd_eventq_file - a queue's file under way
 * @file: no queue yet
 * @fd: reserved in the caller's table
 */
struct iommufd_eventq_file {
	struct file *file;
	int fd;
};

/*
 * open     the file and its number, for @fops with the two below
 * publish  instead of iommufd_object_finalize(): the object and the fd work from
 *          here on; cannot fail. The file holds @obj and the context
 * abandon  instead of publish
 */
int iommufd_eventq_open(struct iommufd_eventq_file *ef, const char *name,
			const struct file_operations *fops);
void iommufd_eventq_publish(struct iommufd_eventq_file *ef,
			    struct iommufd_object *obj);
void iommufd_eventq_abandon(struct iommufd_eventq_file *ef);

/* file_operations.release; private_data is the object */
int iommufd_eventq_release(struct inode *inode, struct file *file);

/* What of a ring is shown in the fdinfo of its file, and of /dev/iommu */
void iommufd_eventq_show_ring(struct seq_file *m,
			      struct iommufd_event_ring *ring);
void iommufd_eventq_show_counts(struct seq_file *m,
				const struct iommufd_event_ring *ring);

int iommufd_eventq_alloc_ioctl(struct iommufd_call *call);
int iommufd_veventq_alloc_ioctl(struct iommufd_call *call);	/* veventq.c */

#endif
