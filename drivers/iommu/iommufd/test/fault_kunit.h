/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fault suites share: units that write down what they are told, and a
 * queue without a file.
 */
#ifndef __IOMMUFD_FAULT_KUNIT_H
#define __IOMMUFD_FAULT_KUNIT_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/workqueue.h>

#include "fault/internal.h"

#define FT_DEVS		2
#define FT_LOG		4096
#define FT_NO_PASID	U32_MAX

/**
 * struct ft_unit - a unit that writes down the answers it gets
 * @unit: what the code under test sees
 * @lock: guards the rest
 * @log: the answers, oldest first
 * @num: how many there were; only the first FT_LOG are in @log
 * @calls: calls of respond
 * @largest: most answers in one call
 * @enabled: enable calls less disable calls; 0 after stop
 * @enable_rc: what enable returns
 * @on_enable: called by an enable that works, when page requests are on. Optional
 * @stops: stop calls
 * @stop_rc: what stop returns
 * @on_stop: called by stop, before page requests are off. Optional
 * @on_drain: called by drain
 */
struct ft_unit {
	struct iommufd_fault_unit unit;
	spinlock_t lock;
	struct iommufd_page_answer log[FT_LOG];
	unsigned int num;
	unsigned int calls;
	unsigned int largest;
	int enabled;
	int enable_rc;
	void (*on_enable)(struct ft_unit *u);
	unsigned int stops;
	int stop_rc;
	void (*on_stop)(struct ft_unit *u);
	void (*on_drain)(struct iommufd_fault_source *source, ioasid_t pasid);
};

/**
 * struct ft - a queue, and devices each behind a unit of its own
 * @test: the case
 * @queue: initialised by ft_queue()
 * @dev: devices
 * @unit: of each device
 * @source: of each device, or NULL
 * @recs: what ft_read() read last
 * @records: room in @recs
 */
struct ft {
	struct kunit *test;
	struct iommufd_fault_queue *queue;
	struct device *dev[FT_DEVS];
	struct ft_unit *unit[FT_DEVS];
	struct iommufd_fault_source *source[FT_DEVS];
	struct iommu_hwpt_pgfault *recs;
	unsigned int records;
};

struct ft *ft_new(struct kunit *test, u32 depth, u32 cap);
void ft_start(struct ft *ft, u32 depth, u32 cap);
void ft_done(struct ft *ft);
void ft_queue(struct ft *ft, const struct fault_queue_params *params);
struct iommufd_fault_queue *ft_queue_new(struct ft *ft,
					 const struct fault_queue_params *params);
void ft_queue_free(struct ft *ft, struct iommufd_fault_queue *queue);
struct iommufd_fault_attach *ft_alloc(struct ft *ft, int dev, ioasid_t pasid);
struct iommufd_fault_attach *ft_attach(struct ft *ft, int dev, ioasid_t pasid);
struct iommufd_fault_attach *ft_attach_as(struct ft *ft, int dev, ioasid_t pasid,
					  const struct iommufd_fault_identity *who);
enum iommufd_fault_verdict ft_report(struct ft *ft, int dev, u32 pasid,
				     u32 grpid, u64 addr, bool last);
void ft_take(struct ft *ft, int dev, u32 pasid, u32 first, u32 num);
ssize_t ft_read(struct ft *ft, size_t records);
ssize_t ft_answer(struct ft *ft, u32 cookie, u32 code);
void ft_answer_each(struct ft *ft, u32 num);
ssize_t ft_answer_at_once(struct ft *ft, u32 num);
unsigned int ft_answers(struct ft *ft, int dev, u32 pasid, u32 grpid);
void ft_expect_answer(struct ft *ft, int dev, u32 pasid, u32 grpid, u32 code);
void ft_ledger(struct ft *ft, u32 open);

/* Holds the first thread that comes to a point. */
void ft_stop_at(enum fault_point point);
bool ft_stop_reached(void);
void ft_stop_release(void);

/**
 * struct ft_call - something done by another thread
 * @work: runs @fn
 * @fn: what to do
 * @ft: for @fn
 * @attach: for @fn
 * @cookie: for @fn
 * @rc: what came of it
 * @done: it has returned
 */
struct ft_call {
	struct work_struct work;
	void (*fn)(struct ft_call *call);
	struct ft *ft;
	struct iommufd_fault_attach *attach;
	u32 cookie;
	ssize_t rc;
	struct completion done;
};

void ft_call_start(struct ft_call *call);
bool ft_call_finished(struct ft_call *call, unsigned int ms);
void ft_call_wait(struct ft_call *call);

#endif
