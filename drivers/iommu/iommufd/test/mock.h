/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock IOMMU: a software IOMMU on a bus of its own, whose devices do DMA
 * and send page requests when an ioctl tells them to.
 *
 *   mock_domain.c  page tables the kernel fills, and their IOTLB
 *   mock_nested.c  page tables in guest memory, and their invalidation
 *   mock_viommu.c  a guest's share of the unit, its names for devices, its events
 *   mock_device.c  the unit, its bus and devices, iommu_ops
 *   mock_firmware.c  what firmware says of a device
 *   mock_fault.c   page requests, answers, and the ledger of both
 *   mock_dma.c     the DMA engine of the devices
 *   mock_access.c  in-kernel accesses, driven by the ioctl
 *   mock_msi.c     interrupts of devices, whose doorbells are no memory
 *   mock_ops.c     the ioctl
 *
 * It knows of the code under test what any IOMMU driver knows, iommu_ops and
 * the fault door, so that it can disagree. What it sees and should not be is a
 * WARN.
 *
 * Lock order: mock_dev::lock -> mock_nested::lock -> mock_paging::lock, and
 * mock_dev::lock -> the lock of the request FIFO. All are held for the time of
 * one page at most.
 */
#ifndef __IOMMUFD_TEST_MOCK_H
#define __IOMMUFD_TEST_MOCK_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fwnode.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "fault/fault.h"
#include "iommufd_test.h"
#include "object.h"

/*
 * Smaller than a CPU page, so that whoever confuses the two is found out. The
 * kselftest computes the same values.
 */
#define MOCK_IO_PAGE_SIZE	(PAGE_SIZE / 2)
#define MOCK_HUGE_PAGE_SIZE	(512 * MOCK_IO_PAGE_SIZE)

/* Pages of a guest's table, and what a page request asks for */
#define MOCK_S1_PAGE_SHIFT	12
#define MOCK_S1_PAGE_SIZE	SZ_4K

/* No translation changes inside one of these */
#define MOCK_ACCESS_GRANULE	min_t(size_t, MOCK_IO_PAGE_SIZE, MOCK_S1_PAGE_SIZE)

/* Requests of one group of the DMA engine */
#define MOCK_GROUP_REQUESTS	8

/* Groups of one device that may be without an answer */
#define MOCK_MAX_OUTSTANDING	IOMMU_FAULT_DEPTH_MAX

/* Unfinished DMAs of one device */
#define MOCK_MAX_DMAS		256

/* What makes tables of a device differ from another's */
#define MOCK_FLAGS_DEVICE_UNLIKE					\
	(MOCK_FLAGS_DEVICE_NARROW | MOCK_FLAGS_DEVICE_HIGH |		\
	 MOCK_FLAGS_DEVICE_WHOLE_PAGES | MOCK_FLAGS_DEVICE_ANY_PAGES |	\
	 MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL |				\
	 MOCK_FLAGS_DEVICE_TWO_WIDTHS | MOCK_FLAGS_DEVICE_OTHER_WIDTHS)

struct iommufd_viommu;
struct mock_dev;
struct mock_dma;

/**
 * struct mock_paging - a page table the kernel fills
 * @domain: what the core knows of it
 * @ptes: IOVA / MOCK_IO_PAGE_SIZE to an entry. Has its own lock.
 * @lock: held while a translation of this table is in use, and to flush: a
 *	flush returns when the accesses made by what it removes have ended
 * @tlb: what was taken from @ptes for an access and not flushed since. Changed
 *	with @lock held.
 * @flushes: of @tlb; changes with @lock held
 * @track_dirty: writes by devices are recorded; changes with @lock held
 * @snoop: DMA is forced to snoop; set before it is attached
 * @width: bits of IOVA that the table translates; constant
 * @users: devices attached, nested tables on top, and vIOMMUs
 */
struct mock_paging {
	struct iommu_domain domain;
	struct xarray ptes;
	spinlock_t lock;
	struct xarray tlb;
	unsigned long flushes;
	bool track_dirty;
	bool snoop;
	unsigned int width;
	atomic_t users;
};

/**
 * struct mock_limits - what tables a device, or several, can have
 * @page_sizes: a bit for each size in bytes
 * @start: first IOVA
 * @last: last IOVA
 * @widths: bit n: a table that translates n + 1 bits
 */
struct mock_limits {
	unsigned long page_sizes;
	unsigned long start;
	unsigned long last;
	u64 widths;
};

/**
 * struct mock_nested - a guest's table over a paging one
 * @domain: what the core knows of it
 * @parent: translates the addresses the table yields, and the table's own
 * @viommu: what it was made through, or NULL; set before anybody knows the domain
 * @levels: levels of the guest's table, or 0: there is none, nothing translates
 * @table: address of the topmost level, in the parent's IOVA space
 * @lock: as in struct mock_paging; also guards @iotlb
 * @tlb: page of the guest to page of the parent, as once found in the table
 * @flushes: of @tlb; changes with @lock held
 * @iotlb: what MD_CHECK_IOTLB looks at; invalidation zeroes entries
 * @users: devices attached
 */
struct mock_nested {
	struct iommu_domain domain;
	struct mock_paging *parent;
	struct iommufd_viommu *viommu;
	unsigned int levels;
	u64 table;
	spinlock_t lock;
	struct xarray tlb;
	unsigned long flushes;
	u32 iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
	atomic_t users;
};

/**
 * enum mock_xlat - the outcome of one access
 * @MOCK_XLAT_OK: translated, bytes moved
 * @MOCK_XLAT_MISS: no translation, or not for this kind of access: a page
 *	request may help
 * @MOCK_XLAT_RANGE: an address the table can never translate
 * @MOCK_XLAT_NOWHERE: nothing is attached that translates
 */
enum mock_xlat {
	MOCK_XLAT_OK,
	MOCK_XLAT_MISS,
	MOCK_XLAT_RANGE,
	MOCK_XLAT_NOWHERE,
};

/* mock_domain.c */
extern const struct iommu_domain_ops mock_paging_ops;
extern struct map_table_ops mock_paging_table_ops;
extern const struct iommu_dirty_ops mock_dirty_ops;

void mock_domain_init(void);
struct iommu_domain *mock_domain_alloc_paging(struct device *dev);
struct mock_paging *mock_paging_from_domain(struct iommu_domain *domain);
enum mock_xlat mock_paging_access(struct mock_paging *paging, u64 iova,
				  void *buf, size_t len, bool write);
bool mock_paging_lookup(struct mock_paging *paging, unsigned long iova,
			phys_addr_t *paddr);
bool mock_paging_set_dirty(struct mock_paging *paging, unsigned long iova);

/* mock_nested.c */
struct mock_nested *mock_nested_from_domain(struct iommu_domain *domain);
struct iommu_domain *mock_nested_alloc(struct iommu_domain *parent, u32 flags,
				       const struct iommu_user_data *data);
struct iommu_domain *mock_domain_alloc_limits(const struct mock_limits *limits);
void mock_domain_decide(struct iommu_domain *domain, const struct mock_dev *mdev);
struct iommu_domain *mock_domain_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data);
enum mock_xlat mock_domain_access(struct iommu_domain *domain, u64 iova,
				  void *buf, size_t len, bool write);
enum mock_xlat mock_domain_lookup(struct iommu_domain *domain, u64 iova,
				  phys_addr_t *paddr);
atomic_t *mock_domain_users(struct iommu_domain *domain);

/**
 * struct mock_ledger - what a device saw become of its page requests
 * @requests: page requests sent
 * @dropped: of these, not the last of their group, and not kept by the door
 * @reported: whole groups sent; all that follows counts groups
 * @taken: held by the door
 * @refused_overflow: refused for want of room
 * @refused_other: refused otherwise, also because the device may not send
 * @answered_success: of @taken, answered so
 * @answered_invalid: of @taken, answered so
 * @answered_failure: of @taken, answered so
 *
 * As iommu_test_cmd.ledger returns them. Guarded by mock_dev::lock.
 */
struct mock_ledger {
	u64 requests;
	u64 dropped;
	u64 reported;
	u64 taken;
	u64 refused_overflow;
	u64 refused_other;
	u64 answered_success;
	u64 answered_invalid;
	u64 answered_failure;
};

/**
 * struct mock_dev - a device behind the mock IOMMU
 * @dev: on the mock bus
 * @id: number in its name
 * @flags: MOCK_FLAGS_DEVICE_*; set once
 * @firmware: tells the width of its PASIDs, of a device that has them
 * @source: where its page requests go in; from probe to release
 * @pasids: PASID to struct iommu_domain; changed by the core, with @lock held
 * @lock: guards what follows. Held while an access is in progress, so that who
 *	attaches another domain finds the old one out of use.
 * @domain: attached to the RID; never NULL once probed
 * @requests_on: it may send page requests
 * @enabled: how often requests were turned on, less how often off; from 0 again
 *	with a reset
 * @epoch: goes up when page requests are turned off, reset or on: the device does not
 *	go on with groups that it had begun before
 * @halted: a failure answer has stopped its page requests
 * @groups: struct mock_group that wait for an answer, by key
 * @last_grpid: where the DMA engine goes on looking for a free group index
 * @ledger: see there
 * @cache: what DEV_CHECK_CACHE looks at; invalidation by a vIOMMU zeroes entries
 * @dmas: struct mock_dma that have not ended
 * @num_dmas: length of @dmas
 * @idle: woken when @dmas gets empty
 */
struct mock_dev {
	struct device dev;
	int id;
	u32 flags;
	struct fwnode_handle firmware;
	struct iommufd_fault_source *source;
	struct xarray pasids;

	spinlock_t lock;
	struct iommu_domain *domain;
	bool requests_on;
	int enabled;
	unsigned int epoch;
	bool halted;
	DECLARE_HASHTABLE(groups, 10);
	u32 last_grpid;
	struct mock_ledger ledger;
	u32 cache[MOCK_DEV_CACHE_NUM];
	struct list_head dmas;
	unsigned int num_dmas;
	wait_queue_head_t idle;
};

static inline struct mock_dev *to_mock_dev(struct device *dev)
{
	return container_of(dev, struct mock_dev, dev);
}

struct mock_dma_args;
struct mock_part;

/* mock_part.c, mock_vm.c */
struct iommufd_device *mock_part_idev(struct iommufd_object *obj);
int mock_part_translate(struct iommufd_device *idev, bool *pasid_valid,
			u32 *pasid);
void mock_part_dma_begin(struct iommufd_device *idev,
			 struct mock_dma_args *args);
bool mock_part_dma_goes_on(const struct mock_dma_args *args);
void mock_part_dma_end(const struct mock_dma_args *args);
int mock_op_parent(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_mediated(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_vm(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_vm_lookup(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_vm_state(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* mock_device.c */
struct mock_dev *mock_dev_create(u32 flags);
void mock_dev_destroy(struct mock_dev *mdev);
bool mock_dev_is(const struct device *dev);
int mock_dev_attach(struct iommu_domain *domain, struct device *dev);
int mock_dev_attach_pasid(struct iommu_domain *domain, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old);
struct iommu_domain *mock_dev_domain(struct mock_dev *mdev, bool pasid_valid,
				     u32 pasid);

/**
 * struct mock_group - a page request group the device waits for
 * @node: in mock_dev::groups from before its last request is reported until it
 *	is answered or refused
 * @item: in the request FIFO, or in a caller's list before it is sent
 * @mdev: the device
 * @dma: the DMA it belongs to and is embedded in; NULL: on its own, and freed
 *	when it is done with
 * @pasid: part of the key
 * @grpid: part of the key
 * @pasid_valid: part of the key
 * @judged: the door's verdict on the last request is known
 * @answered: the answer has arrived, possibly before the verdict was known
 * @code: the answer
 * @epoch: mock_dev::epoch when it was begun, for groups that go through the FIFO
 * @num: members of @requests in use
 * @requests: for groups that go through the FIFO
 *
 * State changes with mock_dev::lock held.
 */
struct mock_group {
	struct hlist_node node;
	struct list_head item;
	struct mock_dev *mdev;
	struct mock_dma *dma;
	u32 pasid;
	u32 grpid;
	bool pasid_valid;
	bool judged;
	bool answered;
	u32 code;
	unsigned int epoch;
	unsigned int num;
	struct iommufd_page_request requests[MOCK_GROUP_REQUESTS];
};

/**
 * enum mock_outcome - what a DMA learns of the group it sent
 * @MOCK_OUTCOME_NONE: none was sent, or nothing is known yet
 * @MOCK_OUTCOME_SUCCESS: translate again
 * @MOCK_OUTCOME_INVALID: the access fails
 * @MOCK_OUTCOME_FAILURE: the access fails and so will every later one
 * @MOCK_OUTCOME_OVERFLOW: not even taken: try again later
 * @MOCK_OUTCOME_REFUSED: nobody listens
 */
enum mock_outcome {
	MOCK_OUTCOME_NONE,
	MOCK_OUTCOME_SUCCESS,
	MOCK_OUTCOME_INVALID,
	MOCK_OUTCOME_FAILURE,
	MOCK_OUTCOME_OVERFLOW,
	MOCK_OUTCOME_REFUSED,
};

/* mock_firmware.c */
extern const struct fwnode_operations mock_firmware_ops;

/* mock_fault.c */
extern const struct iommufd_fault_unit_ops mock_fault_ops;

int mock_fault_init(void);
void mock_fault_exit(void);
void mock_fault_check_idle(struct mock_dev *mdev);
void mock_fault_submit(struct mock_group *group);
int mock_fault_trigger(struct mock_dev *mdev,
		       const struct iommufd_page_request *req);
int mock_fault_send(struct mock_dev *mdev, struct iommufd_page_request *req,
		    u32 count, bool last, bool each_last, u32 *taken,
		    u32 *refused);
u32 mock_fault_free_grpid(struct mock_dev *mdev, bool pasid_valid, u32 pasid);

/**
 * struct mock_dma_args - what a DMA is to do
 * @iova: first address
 * @length: bytes
 * @uptr: user memory on the other side
 * @pasid: goes with the requests if @pasid_valid
 * @pasid_valid: the DMA has a PASID
 * @write: to memory
 * @dev_id: the bound device
 * @part: of a mediated device: the one; else NULL
 * @vpasid: of a mediated device: what @pasid stands for
 */
struct mock_dma_args {
	u64 iova;
	size_t length;
	void __user *uptr;
	u32 pasid;
	bool pasid_valid;
	bool write;
	u32 dev_id;
	struct mock_part *part;
	u32 vpasid;
};

/**
 * struct mock_dma - one DMA of a device
 * @ref: one of whoever waits for it or may, one more until it has ended
 * @args: constant
 * @mdev: the device; a reference on it is held
 * @item: in mock_dev::dmas until it has ended; guarded by mock_dev::lock
 * @work: carries it on after an answer
 * @group: what it has asked for; at most one at a time
 * @outcome: of @group; handed from whoever learns it to @work
 * @done: completed when it has ended; what follows is constant from then on
 * @status: MOCK_DMA_*
 * @faults: page requests it sent
 * @moved: bytes it moved
 * @buf: the bytes
 */
struct mock_dma {
	struct kref ref;
	struct mock_dma_args args;
	struct mock_dev *mdev;
	struct list_head item;
	struct delayed_work work;
	struct mock_group group;
	enum mock_outcome outcome;
	struct completion done;
	u32 status;
	u32 faults;
	size_t moved;
	void *buf;
};

/* mock_dma.c */
void mock_dma_resume(struct mock_dma *dma, enum mock_outcome outcome);
void mock_dma_wait_all(struct mock_dev *mdev);
int mock_op_dma(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_dma_wait(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* mock_describe.c */
void mock_limits(const struct mock_dev *mdev, struct mock_limits *limits);
bool mock_suits(const struct mock_dev *mdev, const struct mock_paging *paging);
void mock_describer_register(const struct iommu_ops *ops);

/* mock_viommu.c */
void mock_viommu_register(const struct iommu_ops *ops);
bool mock_viommu_knows(struct iommufd_viommu *viommu, struct device *dev);
void mock_viommu_domain_gone(struct iommufd_viommu *viommu);
int mock_viommu_event(struct mock_dev *mdev, u32 type);

/* mock_access.c */
int mock_op_create_access(struct iommufd_call *call,
			  struct iommu_test_cmd *cmd);
int mock_op_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_destroy_access_pages(struct iommufd_call *call,
				 struct iommu_test_cmd *cmd);
int mock_op_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_access_replace_ioas(struct iommufd_call *call,
				struct iommu_test_cmd *cmd);

/* mock_msi.c */
int mock_op_msi(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_op_msi_write(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* mock_poison.c */
int mock_op_poison(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* mock_ops.c */
struct iommufd_device;
struct iommufd_device *mock_get_device(struct iommufd_ctx *ictx, u32 dev_id,
				       struct mock_dev **mdev);

#endif
