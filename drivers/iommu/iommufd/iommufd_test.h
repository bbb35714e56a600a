/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user ABI of the mock IOMMU and its devices, there with
 * CONFIG_IOMMUFD_TEST only. It lives under this path because upstream's
 * kselftest includes it from here: its operations, numbers and structures up to
 * 15 are what that test was written for, 16 to 21 are those of later kernels'
 * kselftests. Operations from 64 on are ours: a test
 * device that does DMA, sends page requests and counts what became of them.
 */
#ifndef _UAPI_IOMMUFD_TEST_H
#define _UAPI_IOMMUFD_TEST_H

#include <linux/iommufd.h>
#include <linux/types.h>

/* Values of iommu_test_cmd.op */
enum {
	IOMMU_TEST_OP_ADD_RESERVED = 1,
	IOMMU_TEST_OP_MOCK_DOMAIN,
	IOMMU_TEST_OP_MD_CHECK_MAP,
	IOMMU_TEST_OP_MD_CHECK_REFS,
	IOMMU_TEST_OP_CREATE_ACCESS,
	IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
	IOMMU_TEST_OP_ACCESS_PAGES,
	IOMMU_TEST_OP_ACCESS_RW,
	IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
	IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
	IOMMU_TEST_OP_ACCESS_REPLACE_IOAS,
	IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
	IOMMU_TEST_OP_DIRTY,
	IOMMU_TEST_OP_MD_CHECK_IOTLB,
	IOMMU_TEST_OP_TRIGGER_IOPF,
	IOMMU_TEST_OP_DEV_CHECK_CACHE,
	IOMMU_TEST_OP_TRIGGER_VEVENT,
	IOMMU_TEST_OP_PASID_ATTACH,
	IOMMU_TEST_OP_PASID_REPLACE,
	IOMMU_TEST_OP_PASID_DETACH,
	IOMMU_TEST_OP_PASID_CHECK_HWPT,

	/* From here on this implementation's own */
	IOMMU_TEST_OP_DMA = 64,
	IOMMU_TEST_OP_DMA_WAIT,
	IOMMU_TEST_OP_REPORT,
	IOMMU_TEST_OP_LEDGER,
	IOMMU_TEST_OP_CACHED,
	IOMMU_TEST_OP_PARENT,
	IOMMU_TEST_OP_MEDIATED,
	IOMMU_TEST_OP_VM,
	IOMMU_TEST_OP_VM_LOOKUP,
	IOMMU_TEST_OP_VM_STATE,
	/* What other operations of ours come to have is below these */
	IOMMU_TEST_OP_MSI = 96,
	IOMMU_TEST_OP_MSI_WRITE,
	IOMMU_TEST_OP_POISON = 112,
};

/* What POISON leaves behind, and how much it shows of it */
#define MOCK_POISON	0xa5
#define MOCK_LEAK_SIZE	256

/* IOVAs that a mock paging domain translates */
enum {
	MOCK_APERTURE_START = 1UL << 24,
	MOCK_APERTURE_LAST = (1UL << 31) - 1,
};

/* access_pages.flags; SYZ: iova names the n-th mapping, for fuzzers */
enum {
	MOCK_FLAGS_ACCESS_WRITE = 1 << 0,
	MOCK_FLAGS_ACCESS_SYZ = 1 << 16,
};

/* access_rw.flags */
enum {
	MOCK_ACCESS_RW_WRITE = 1 << 0,
	MOCK_ACCESS_RW_SLOW_PATH = 1 << 2,
};

/* create_access.flags */
enum {
	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES = 1 << 0,
};

/* mock_domain_flags.dev_flags: what the new device can and cannot do */
enum {
	MOCK_FLAGS_DEVICE_NO_DIRTY = 1 << 0,
	MOCK_FLAGS_DEVICE_HUGE_IOVA = 1 << 1,
	MOCK_FLAGS_DEVICE_PASID = 1 << 2,
	/* From here on this implementation's own */
	/* Firmware uses MOCK_RELAXABLE_START to _LAST, until a driver takes over */
	MOCK_FLAGS_DEVICE_RELAXABLE = 1 << 15,
	/* It cannot be given MOCK_RESERVED_START to _LAST */
	MOCK_FLAGS_DEVICE_RESERVED = 1 << 16,
	/* All devices made with this one are in one group */
	MOCK_FLAGS_DEVICE_SHARED = 1 << 17,
	/* IOVAs up to MOCK_NARROW_LAST only */
	MOCK_FLAGS_DEVICE_NARROW = 1 << 18,
	/* IOVAs from MOCK_HIGH_START on only */
	MOCK_FLAGS_DEVICE_HIGH = 1 << 19,
	/* Page tables of pages of 4 KiB only */
	MOCK_FLAGS_DEVICE_WHOLE_PAGES = 1 << 20,
	/* Page tables of pages of 4 KiB too */
	MOCK_FLAGS_DEVICE_ANY_PAGES = 1 << 21,
	/* DMA cannot be forced to snoop */
	MOCK_FLAGS_DEVICE_NO_SNOOP_CONTROL = 1 << 22,
	/* Page tables translate 30 or 31 bits, not 31 alone */
	MOCK_FLAGS_DEVICE_TWO_WIDTHS = 1 << 23,
	/* Page tables translate 30 or 32 bits */
	MOCK_FLAGS_DEVICE_OTHER_WIDTHS = 1 << 24,
	/*
	 * For a benchmark: it remembers nothing of its page requests. TRIGGER_IOPF is
	 * all that it does, answers come to nothing, its ledger stays at 0
	 */
	MOCK_FLAGS_DEVICE_PLAIN = 1 << 25,
	/* Its MSI doorbells are mapped: its driver says MOCK_MSI_START to _LAST */
	MOCK_FLAGS_DEVICE_SW_MSI = 1 << 26,
	/* It is bound and not attached; the IOAS or HWPT is not looked at */
	MOCK_FLAGS_DEVICE_UNATTACHED = 1 << 27,
	/*
	 * It is behind a unit of a driver of its own, of which iommufd knows nothing but
	 * what every IOMMU driver says; OTHER_UNIT: behind another one of that driver.
	 * OTHER_UNIT alone: no list has it together with others, and no property says so
	 */
	MOCK_FLAGS_DEVICE_FOREIGN = 1 << 28,
	MOCK_FLAGS_DEVICE_OTHER_UNIT = 1 << 29,
	/* What its page tables translate is decided when one is attached to first */
	MOCK_FLAGS_DEVICE_LATE = 1 << 30,
};

/* Where devices made with MOCK_FLAGS_DEVICE_SW_MSI have their doorbells by default */
enum {
	MOCK_MSI_START = 1UL << 27,
	MOCK_MSI_LAST = (1UL << 27) + (1UL << 20) - 1,
};

/* Limits of devices made with MOCK_FLAGS_DEVICE_NARROW and _HIGH */
enum {
	MOCK_NARROW_LAST = (1UL << 29) - 1,
	MOCK_HIGH_START = 1UL << 29,
};

/* IOVAs that a device made with MOCK_FLAGS_DEVICE_RESERVED has reserved */
enum {
	MOCK_RESERVED_START = 1UL << 30,
	MOCK_RESERVED_LAST = (1UL << 30) + (1UL << 20) - 1,
};

/* IOVAs of a device made with MOCK_FLAGS_DEVICE_RELAXABLE */
enum {
	MOCK_RELAXABLE_START = 1UL << 28,
	MOCK_RELAXABLE_LAST = (1UL << 28) + (1UL << 20) - 1,
};

/* Entries of a nested mock domain's IOTLB, for MD_CHECK_IOTLB */
enum {
	MOCK_NESTED_DOMAIN_IOTLB_ID_MAX = 3,
	MOCK_NESTED_DOMAIN_IOTLB_NUM = 4,
};

/* Entries of a mock device's cache, for DEV_CHECK_CACHE */
enum {
	MOCK_DEV_CACHE_ID_MAX = 3,
	MOCK_DEV_CACHE_NUM = 4,
};

/* Bits of PASID that a device made with MOCK_FLAGS_DEVICE_PASID has */
#define MOCK_PASID_WIDTH 20

/* parent.flags: PASIDs come from the global pool */
enum {
	MOCK_PARENT_GLOBAL = 1 << 0,
};

/* mediated.flags: it ends with a file of its own, and keeps the context until then */
enum {
	MOCK_MEDIATED_OWN_FILE = 1 << 0,
};

/* Bytes of parent.name with its NUL */
#define MOCK_PARENT_NAME_LEN 32

/* dma.flags */
enum {
	/* The device writes to memory what is at uptr; without it, it reads */
	MOCK_DMA_WRITE = 1 << 0,
	/* dma.pasid goes with the requests */
	MOCK_DMA_PASID_VALID = 1 << 1,
	/* Start, and return at once; DMA_WAIT fetches the result */
	MOCK_DMA_ASYNC = 1 << 2,
};

/* dma.out_status */
enum {
	/* All bytes moved */
	MOCK_DMA_OK = 0,
	/* A page request was answered invalid, or the fault was not recoverable */
	MOCK_DMA_FAULTED = 1,
	/* No translation, and no fault queue to ask */
	MOCK_DMA_BLOCKED = 2,
	/* Not finished within timeout_ms; it goes on */
	MOCK_DMA_PENDING = 3,
	/* A failure answer stopped the device's page requests */
	MOCK_DMA_HALTED = 4,
};

/* iommu_hwpt_event.reason of a mock device's DMA */
enum {
	/* No translation for the address, or not with this permission */
	MOCK_EVENT_NOT_PRESENT = 1,
	/* No translation can ever be there */
	MOCK_EVENT_RANGE = 2,
};

/* Most bytes of one DMA */
#define MOCK_DMA_LENGTH_MAX	(1 << 20)

/* report.flags */
enum {
	/* report.pasid goes with the requests */
	MOCK_REPORT_PASID_VALID = 1 << 0,
	/* All requests are one group: the final one is its last */
	MOCK_REPORT_LAST = 1 << 1,
	/* Each request is a group: each is last, grpid goes up by one */
	MOCK_REPORT_EACH_LAST = 1 << 2,
};

/* Most requests of one REPORT: twice what the deepest queue holds */
#define MOCK_REPORT_COUNT_MAX	(2 * IOMMU_FAULT_DEPTH_MAX)

/**
 * struct iommu_test_cmd - ioctl(IOMMU_TEST_CMD)
 * @size: sizeof(struct iommu_test_cmd). The smallest that is accepted ends with
 *        @last, so that a test compiled with upstream's header runs as well
 * @op: One of IOMMU_TEST_OP_*; another one is EOPNOTSUPP
 * @id: Object that the operation works on: an IOAS, a mock device, a paging
 *      HWPT, an access; 0 where the operation has an id of its own
 * @__reserved: Must be 0
 * @add_reserved: Add a reserved range to IOAS @id: first IOVA and bytes
 * @mock_domain: Make a mock device, bind it and attach it to IOAS or HWPT @id.
 *               out_stdev_id destroys it, out_idev_id is its device id
 * @mock_domain_flags: The same, with MOCK_FLAGS_DEVICE_*
 * @mock_domain_replace: Move mock device @id to IOAS or HWPT pt_id
 * @check_map: EINVAL unless mock HWPT @id maps exactly the pages of this user
 *             memory at iova
 * @check_refs: EIO unless each page of this user memory is pinned refs times
 * @create_access: Make an access to IOAS @id; the fd and @id name it
 * @destroy_access_pages: Unpin what ACCESS_PAGES pinned
 * @access_pages: Pin pages by IOVA, and compare them with uptr if it is not 0
 * @access_rw: Copy between uptr and the IOAS
 * @memory_limit: Size of the kernel's batches, in bytes: 12 to 1 MiB. It is 65536
 *                at first, and for all contexts
 * @access_replace_ioas: Move the access to another IOAS; 0: to none
 * @dirty: Mark pages of mock HWPT @id as written, by a bitmap as
 *         IOMMU_HWPT_GET_DIRTY_BITMAP returns it
 * @check_iotlb: EINVAL unless entry id of nested mock HWPT @id is iotlb
 * @trigger_iopf: Send one page request, the last of its group
 * @check_dev_cache: EINVAL unless entry id of the cache of bound device @id is cache
 * @trigger_vevent: Let something happen to device dev_id that its guest hears of.
 *                  ENOENT unless it is attached to a HWPT made through a vIOMMU,
 *                  and has a vDEVICE there; EOPNOTSUPP without a vEVENTQ. With other
 *                  the event is of type IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER
 * @pasid_attach: Attach PASID pasid of mock or mediated device @id to pt_id, or with
 *                PASID_REPLACE move it, by the functions for drivers; 0: the device
 *                itself
 * @pasid_detach: Undo that
 * @pasid_check: EINVAL unless that PASID is attached to HWPT hwpt_id; 0: to none
 * @last: Not used; marks the end of what upstream has
 * @__pad: Upstream's tail padding; not looked at
 * @dma: Let device dev_id do DMA of length bytes (1 to MOCK_DMA_LENGTH_MAX) at
 *       iova, to or from uptr. Where there is no translation it asks the fault
 *       queue, and after success translates anew; bytes move only then. Without
 *       MOCK_DMA_ASYNC the call waits timeout_ms, 0 is for ever. A DMA that is
 *       MOCK_DMA_PENDING on return has a handle, not 0, for DMA_WAIT, which
 *       takes handle and timeout_ms and fills the out members; a handle is
 *       gone once a result other than MOCK_DMA_PENDING was fetched. out_faults
 *       counts the page requests it sent, out_done the bytes moved. What the
 *       device read is stored at uptr by the call that returns the result
 * @report: Send count (1 to MOCK_REPORT_COUNT_MAX) page requests for addr,
 *          addr + 4 KiB and so on. out_taken counts those the fault door kept,
 *          out_refused all others. Answers go into the ledger alone
 * @ledger: What device dev_id has seen since it was made, counted by the mock.
 *          out_requests and out_dropped (not last, and not kept) are page
 *          requests, all others whole groups:
 *          reported = taken + refused_overflow + refused_other;
 *          taken - answered_success - answered_invalid - answered_failure =
 *          groups still without an answer
 * @msi: Request an interrupt of device @id whose doorbell is at doorbell, which is no
 *       memory: out_addr is the address that the device is told to write it to
 * @msi_write: Device @id writes to addr: out_paddr is what it reaches, by its page
 *             table alone; ENOENT: nothing
 * @poison: Leave MOCK_POISON in what the kernel is going to use next: this thread's stack,
 *          freed allocations and pages of this CPU. Or with an address instead give
 *          MOCK_LEAK_SIZE bytes of a variable, or of an allocation, that were never set:
 *          so a test sees that it would see them
 * @cached: What the IOTLB of mock HWPT @id, paging or nested, holds: out_entries
 *          of them, of MOCK_IO_PAGE_SIZE (half a page of the CPU) for a paging
 *          one, 4 KiB for a nested one; and how often it was flushed
 * @parent: Make a device that has mediated ones: a mock device with dev_flags, or with
 *          a name a PCI function or platform device that has no driver. Its PASIDs
 *          first to last are the pool, of which a context may have quota; or with
 *          MOCK_PARENT_GLOBAL the global pool. out_parent names it to all contexts,
 *          out_stdev_id destroys it; it is there as long as it has mediated ones
 * @mediated: Make a mediated device of parent, bind it and, unless @id is 0, attach it
 *            itself to IOAS or HWPT @id. out_stdev_id destroys it, out_idev_id is its
 *            device id. DMA and page requests of it have the translated PASID. With
 *            MOCK_MEDIATED_OWN_FILE out_stdev_id is an fd. Its PASIDs come from the
 *            pool of parent, or from that of parent pool
 * @vm: Make a stand-in for a hypervisor that looks vPASIDs up
 * @vm_lookup: Let stand-in @id look vpasid of device dev_id up, and keep it until it
 *             hears that it is gone. dev_id 0: what it is on all devices of the global
 *             pool; vpasid 0: a mediated device itself
 * @vm_state: What stand-in @id keeps, what it heard of, and how often it was given what
 *            another vPASID still had, which must not be
 */
struct iommu_test_cmd {
	__u32 size;
	__u32 op;
	__u32 id;
	__u32 __reserved;
	union {
		struct {
			__aligned_u64 start;
			__aligned_u64 length;
		} add_reserved;
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
		} mock_domain;
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
			__u32 dev_flags;
		} mock_domain_flags;
		struct {
			__u32 pt_id;
		} mock_domain_replace;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
		} check_map;
		struct {
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 refs;
		} check_refs;
		struct {
			__u32 out_access_fd;
			__u32 flags;
		} create_access;
		struct {
			__u32 access_pages_id;
		} destroy_access_pages;
		struct {
			__u32 flags;
			__u32 out_access_pages_id;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
		} access_pages;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 flags;
		} access_rw;
		struct {
			__u32 limit;
		} memory_limit;
		struct {
			__u32 ioas_id;
		} access_replace_ioas;
		struct {
			__u32 flags;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 page_size;
			__aligned_u64 uptr;
			__aligned_u64 out_nr_dirty;
		} dirty;
		struct {
			__u32 id;
			__u32 iotlb;
		} check_iotlb;
		struct {
			__u32 dev_id;
			__u32 pasid;
			__u32 grpid;
			__u32 perm;
			__u64 addr;
		} trigger_iopf;
		struct {
			__u32 id;
			__u32 cache;
		} check_dev_cache;
		struct {
			__u32 dev_id;
			__u32 other;
		} trigger_vevent;
		struct {
			__u32 pasid;
			__u32 pt_id;
		} pasid_attach;
		struct {
			__u32 pasid;
			__u32 pt_id;
		} pasid_replace;
		struct {
			__u32 pasid;
		} pasid_detach;
		struct {
			__u32 pasid;
			__u32 hwpt_id;
		} pasid_check;
	};
	__u32 last;
	__u32 __pad;
	union {
		struct {
			__u32 dev_id;
			__u32 pasid;
			__u32 flags;
			__u32 timeout_ms;
			__aligned_u64 iova;
			__aligned_u64 uptr;
			__aligned_u64 length;
			__u32 out_status;
			__u32 out_faults;
			__aligned_u64 out_done;
			__u32 handle;
			__u32 __reserved;
		} dma;
		struct {
			__u32 dev_id;
			__u32 pasid;
			__u32 grpid;
			__u32 perm;
			__u32 flags;
			__u32 count;
			__aligned_u64 addr;
			__u32 out_taken;
			__u32 out_refused;
		} report;
		struct {
			__u32 dev_id;
			__u32 __reserved;
			__aligned_u64 out_requests;
			__aligned_u64 out_dropped;
			__aligned_u64 out_reported;
			__aligned_u64 out_taken;
			__aligned_u64 out_refused_overflow;
			__aligned_u64 out_refused_other;
			__aligned_u64 out_answered_success;
			__aligned_u64 out_answered_invalid;
			__aligned_u64 out_answered_failure;
		} ledger;
		struct {
			__aligned_u64 out_entries;
			__aligned_u64 out_flushes;
		} cached;
		struct {
			__u32 dev_flags;
			__u32 flags;
			__u32 first;
			__u32 last;
			__u32 quota;
			__u32 out_stdev_id;
			__u32 out_parent;
			__u32 __reserved;
			char name[MOCK_PARENT_NAME_LEN];
		} parent;
		struct {
			__u32 parent;
			__u32 out_stdev_id;
			__u32 out_idev_id;
			__u32 out_hwpt_id;
			__u32 flags;
			__u32 pool;
		} mediated;
		struct {
			__u32 out_id;
			__u32 __reserved;
		} vm;
		struct {
			__u32 dev_id;
			__u32 vpasid;
			__u32 out_ppasid;
			__u32 __reserved;
		} vm_lookup;
		struct {
			__aligned_u64 out_entries;
			__aligned_u64 out_gone;
			__aligned_u64 out_stale;
		} vm_state;
		struct {
			__aligned_u64 doorbell;
			__aligned_u64 out_addr;
		} msi;
		struct {
			__aligned_u64 addr;
			__aligned_u64 out_paddr;
		} msi_write;
		struct {
			__aligned_u64 leak_stack;
			__aligned_u64 leak_heap;
		} poison;
	};
};

#define IOMMU_TEST_CMD _IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)

/* What IOMMU_GET_HW_INFO returns for a mock device */
#define IOMMU_HW_INFO_TYPE_SELFTEST	0xfeedbeef
#define IOMMU_HW_INFO_SELFTEST_REGVAL	0xdeadbeef

/**
 * struct iommu_test_hw_info - Description of the mock IOMMU
 *                             (IOMMU_HW_INFO_TYPE_SELFTEST)
 * @flags: 0
 * @test_reg: IOMMU_HW_INFO_SELFTEST_REGVAL
 */
struct iommu_test_hw_info {
	__u32 flags;
	__u32 test_reg;
};

/*
 * Data types of nested mock HWPTs; no real type has these values. Upstream's
 * kselftest takes it that the number after its own is no type.
 */
#define IOMMU_HWPT_DATA_SELFTEST 0xdead
#define IOMMU_HWPT_DATA_SELFTEST_S1 0xdead51
#define IOMMU_TEST_IOTLB_DEFAULT 0xbadbeef
/* What the entries of a mock device's cache hold at first */
#define IOMMU_TEST_DEV_CACHE_DEFAULT 0xbaddad

/**
 * struct iommu_hwpt_selftest - A nested mock HWPT without a table
 *                              (IOMMU_HWPT_DATA_SELFTEST)
 * @iotlb: What every entry of its IOTLB holds at first
 *
 * Nothing is translated by it: a DMA gets a page request for each page.
 */
struct iommu_hwpt_selftest {
	__u32 iotlb;
};

/* Bits of an entry of a mock table; the address is what is above bit 11 */
#define MOCK_S1_PRESENT	(1 << 0)
#define MOCK_S1_WRITE	(1 << 1)
#define MOCK_S1_EXEC	(1 << 2)
#define MOCK_S1_PRIV	(1 << 3)

/**
 * struct iommu_hwpt_selftest_s1 - A nested mock HWPT with a table
 *                                 (IOMMU_HWPT_DATA_SELFTEST_S1)
 * @table: Address of the topmost table in the parent's IOVA space, 4 KiB aligned
 * @levels: 1 or 2
 * @__reserved: Must be 0
 *
 * A table is an array of 512 __aligned_u64 entries (address | MOCK_S1_*). One at
 * the last level maps a page of 4 KiB, one above it points to a table; either
 * address lies in the parent's IOVA space. With one level IOVAs 0 to 2 MiB - 1
 * are translated, with two 0 to 1 GiB - 1. An access needs its permission at
 * every level. Translations are cached until invalidated; the absence of one is
 * not.
 */
struct iommu_hwpt_selftest_s1 {
	__aligned_u64 table;
	__u32 levels;
	__u32 __reserved;
};

/* Types of invalidation request; no real type has these values */
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID 0xdadbeef
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_S1 0xdeadbe51

/**
 * struct iommu_hwpt_invalidate_selftest - Reset IOTLB entries to 0
 *                                         (IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
 * @flags: IOMMU_TEST_INVALIDATE_FLAG_ALL: every entry
 * @iotlb_id: Which entry, 0 to MOCK_NESTED_DOMAIN_IOTLB_ID_MAX; not looked at
 *            with the flag
 */
struct iommu_hwpt_invalidate_selftest {
#define IOMMU_TEST_INVALIDATE_FLAG_ALL	(1 << 0)
	__u32 flags;
	__u32 iotlb_id;
};

/**
 * struct iommu_hwpt_invalidate_selftest_s1 - Forget cached translations
 *                                (IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_S1)
 * @addr: First address, 4 KiB aligned
 * @npages: Pages of 4 KiB, from 1; U64_MAX: all there are
 */
struct iommu_hwpt_invalidate_selftest_s1 {
	__aligned_u64 addr;
	__aligned_u64 npages;
};

/*
 * Type of a mock vIOMMU; no real type has this value. Its virtual ids are 32 bits,
 * and a device has to have one before it is attached to a HWPT made through it
 * (ENOENT).
 */
#define IOMMU_VIOMMU_TYPE_SELFTEST 0xdeadbeef

/**
 * struct iommu_viommu_selftest - Data of a mock vIOMMU, which may be left out
 *                                (IOMMU_VIOMMU_TYPE_SELFTEST)
 * @in_data: Any number
 * @out_data: Becomes @in_data
 * @out_mmap_offset: 0: there is nothing to map here
 * @out_mmap_length: 0
 */
struct iommu_viommu_selftest {
	__u32 in_data;
	__u32 out_data;
	__aligned_u64 out_mmap_offset;
	__aligned_u64 out_mmap_length;
};

/* Types of a vIOMMU's invalidation request; no real type has these values */
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST_INVALID 0xdadbeef

/**
 * struct iommu_viommu_invalidate_selftest - Reset entries of a device's cache to 0
 *                                  (IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST)
 * @flags: IOMMU_TEST_INVALIDATE_FLAG_ALL: every entry
 * @vdev_id: The device, as the guest calls it; EINVAL if it knows none
 * @cache_id: Which entry, 0 to MOCK_DEV_CACHE_ID_MAX, with the flag too
 */
struct iommu_viommu_invalidate_selftest {
	__u32 flags;
	__u32 vdev_id;
	__u32 cache_id;
};

/* Type of a mock vIOMMU's event; no real type has this value */
#define IOMMU_VEVENTQ_TYPE_SELFTEST 0xbeefbeef
/* This implementation's own: a second type, of the same structure */
#define IOMMU_VEVENTQ_TYPE_SELFTEST_OTHER 0xbeefbef0

/**
 * struct iommu_viommu_event_selftest - Something happened to a device
 *                                      (IOMMU_VEVENTQ_TYPE_SELFTEST)
 * @virt_id: The device, as the guest calls it
 */
struct iommu_viommu_event_selftest {
	__u32 virt_id;
};

#endif
