/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user ABI of /dev/iommu: address spaces for devices, the page tables
 * built from them, and the queue on which a device's page faults are read and
 * answered. Numbers and layouts up to IOMMU_FAULT_QUEUE_ALLOC are those every
 * Linux 6.12 has, those of IOMMU_IOAS_MAP_FILE to IOMMU_VEVENTQ_ALLOC are later
 * kernels'; what goes beyond is marked, starts at the end of a structure or at a
 * number of its own, and can be asked for with IOMMU_GET_FEATURES.
 */
#ifndef _UAPI_IOMMUFD_H
#define _UAPI_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMUFD_TYPE (';')

/**
 * DOC: Calling convention
 *
 * Every command takes a pointer to one structure whose first member, ``size``,
 * is the number of bytes the caller knows of. Three rules let programs and
 * kernels of different age work together:
 *
 * * a structure that ends before the last member its command cannot do without
 *   is refused with EINVAL; members behind that one which the caller does not
 *   have count as zero;
 * * a structure longer than the kernel's is accepted when all the surplus bytes
 *   are zero, and refused with E2BIG when one is not;
 * * a flag, type or operation that the kernel does not know, and a reserved
 *   member that is not zero, is refused with EOPNOTSUPP: nothing is ignored
 *   in silence.
 *
 * Members whose name starts with ``out_`` are written by the kernel. Objects are
 * named by a 32-bit id which is never 0 and means something only on the open
 * file it came from: an id of another open file does not exist.
 *
 * These errors mean the same with every command:
 *
 * =========== ===============================================================
 * errno       meaning
 * =========== ===============================================================
 * ENOTTY      there is no command of this number here
 * E2BIG       the surplus of a longer structure holds something
 * EOPNOTSUPP  a flag, type, operation or reserved member has a value that
 *             this kernel, or the IOMMU behind the device, does not offer
 * EINVAL      everything is known, but a value is wrong or does not fit
 *             another; ``size`` is too small
 * ENOENT      no object of this id and kind on this open file, or nothing
 *             at this IOVA
 * EFAULT      a user pointer cannot be read or written
 * ENOMEM      memory, or the allowance for pinned memory, is used up
 * EOVERFLOW   a range runs past the end of the address space
 * =========== ===============================================================
 *
 * What else a command returns stands with its structure. One that makes an object is
 * ENOSPC when this open file has 2^31 - 1 of them. Unless something else is said, a
 * command that fails has changed nothing.
 */

/*
 * Command numbers shared with other kernels. A number that is missing here is
 * ENOTTY; numbers are never given a second meaning.
 */
enum {
	IOMMUFD_CMD_BASE = 0x80,
	IOMMUFD_CMD_DESTROY = IOMMUFD_CMD_BASE,
	IOMMUFD_CMD_IOAS_ALLOC = 0x81,
	IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82,
	IOMMUFD_CMD_IOAS_COPY = 0x83,
	IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84,
	IOMMUFD_CMD_IOAS_MAP = 0x85,
	IOMMUFD_CMD_IOAS_UNMAP = 0x86,
	IOMMUFD_CMD_OPTION = 0x87,
	IOMMUFD_CMD_VFIO_IOAS = 0x88,
	IOMMUFD_CMD_HWPT_ALLOC = 0x89,
	IOMMUFD_CMD_GET_HW_INFO = 0x8a,
	IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d,
	IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	IOMMUFD_CMD_IOAS_MAP_FILE = 0x8f,
	IOMMUFD_CMD_VIOMMU_ALLOC = 0x90,
	IOMMUFD_CMD_VDEVICE_ALLOC = 0x91,
	IOMMUFD_CMD_IOAS_CHANGE_PROCESS = 0x92,
	IOMMUFD_CMD_VEVENTQ_ALLOC = 0x93,
};

/*
 * Command numbers from 0xc0 on belong to this implementation alone. A kernel
 * without them answers ENOTTY, so a program may simply try.
 */
enum {
	IOMMUFD_CMD_GET_FEATURES = 0xc0,
	IOMMUFD_CMD_DEVICE_PASID_ATTACH = 0xc1,
	IOMMUFD_CMD_DEVICE_PASID_REPLACE = 0xc2,
	IOMMUFD_CMD_DEVICE_PASID_DETACH = 0xc3,
	IOMMUFD_CMD_DEVICE_PRI = 0xc4,
	IOMMUFD_CMD_HWPT_EVENTQ_ALLOC = 0xc5,
	IOMMUFD_CMD_DEVICE_PROBE = 0xc6,
	IOMMUFD_CMD_IOAS_MAP_ARRAY = 0xc8,
	IOMMUFD_CMD_IOAS_UNMAP_ARRAY = 0xc9,
	IOMMUFD_CMD_DEVICE_MSI_WINDOW = 0xca,
};

/**
 * struct iommu_destroy - ioctl(IOMMU_DESTROY)
 * @size: sizeof(struct iommu_destroy)
 * @id: The object to destroy, of any kind
 *
 * Remove one object. An object that another object, an attached device, a driver of
 * the kernel or the open file of a queue still needs stays as it is. Closing
 * /dev/iommu destroys all that is left, in the right order.
 *
 * Errors: ENOENT (no such id), EBUSY (still in use, or another thread's call on
 * the object does not end for ten seconds).
 */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};

#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DESTROY)

/**
 * struct iommu_ioas_alloc - ioctl(IOMMU_IOAS_ALLOC)
 * @size: sizeof(struct iommu_ioas_alloc)
 * @flags: Must be 0
 * @out_ioas_id: Id of the new IOAS
 *
 * Create an empty I/O address space (IOAS): a map from I/O virtual addresses
 * (IOVA) to user memory that any number of devices may share.
 *
 * Errors: EOPNOTSUPP (@flags), ENOMEM.
 */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC)

/**
 * struct iommu_iova_range - An interval of IOVAs
 * @start: First address, in bytes
 * @last: Last address, in bytes; it belongs to the interval
 */
struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommu_ioas_iova_ranges - ioctl(IOMMU_IOAS_IOVA_RANGES)
 * @size: sizeof(struct iommu_ioas_iova_ranges)
 * @ioas_id: IOAS to ask
 * @num_iovas: In: how many entries the array has room for. Out: how many ranges
 *             there are
 * @__reserved: Must be 0
 * @allowed_iovas: User address of an array of struct iommu_iova_range; not
 *                 looked at when @num_iovas is 0
 * @out_iova_alignment: Bytes, a power of two from 1 to the page size. The start
 *                      and the length of every mapping have to be multiples
 *
 * List the ranges in which mappings can be made, in ascending order and without
 * overlap. A new IOAS has a single range over everything. Each device that is
 * attached takes away what it cannot address and the windows it reserves (for
 * example for message-signalled interrupts), and gives it back when it leaves.
 * HWPTs take away what their tables do not reach, and may ask for a larger
 * alignment. So the answer holds until the next attach or detach, of a PASID too,
 * until a HWPT of the IOAS is made or destroyed, or until huge pages are turned off
 * (IOMMU_OPTION_HUGE_PAGES).
 *
 * Errors: ENOENT, EOPNOTSUPP (@__reserved), EFAULT, ENOMEM, and EMSGSIZE when
 * the array is too small: then it has been filled as far as it goes, @num_iovas
 * says how many entries are needed, and the alignment is valid.
 */
struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};

#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_IOVA_RANGES)

/**
 * struct iommu_ioas_allow_iovas - ioctl(IOMMU_IOAS_ALLOW_IOVAS)
 * @size: sizeof(struct iommu_ioas_allow_iovas)
 * @ioas_id: IOAS to change
 * @num_iovas: Entries in the array, at most 65536; 0 takes all promises back
 * @__reserved: Must be 0
 * @allowed_iovas: User address of an array of struct iommu_iova_range
 *
 * Promise that these ranges stay usable. From now on a device that would
 * reserve any part of them cannot be attached, and an address that the kernel
 * chooses (a map or copy without IOMMU_IOAS_MAP_FIXED_IOVA) lies inside them.
 * The new list takes the place of the earlier one as a whole, or not at all.
 *
 * Errors: ENOENT, EOPNOTSUPP (@__reserved), EINVAL (too many entries, one whose
 * start is not below its last, or two that overlap), EADDRINUSE (a part is
 * reserved already), EFAULT, ENOMEM.
 */
struct iommu_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
};

#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOW_IOVAS)

/**
 * enum iommufd_ioas_map_flags - How to map or copy
 * @IOMMU_IOAS_MAP_FIXED_IOVA: The caller names the IOVA. Without it the kernel
 *                             picks a free one and returns it
 * @IOMMU_IOAS_MAP_WRITEABLE: Devices may write to the memory
 * @IOMMU_IOAS_MAP_READABLE: Devices may read the memory
 */
enum iommufd_ioas_map_flags {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/**
 * struct iommu_ioas_map - ioctl(IOMMU_IOAS_MAP)
 * @size: sizeof(struct iommu_ioas_map)
 * @flags: Combination of enum iommufd_ioas_map_flags; at least one of readable
 *         and writeable
 * @ioas_id: IOAS to map into
 * @__reserved: Must be 0
 * @user_va: Address of the memory in the calling process
 * @length: Bytes, not 0; a multiple of the IOVA alignment
 * @iova: In, with IOMMU_IOAS_MAP_FIXED_IOVA: where to map; without it anything but
 *        U64_MAX. Out: where it is mapped
 *
 * Make user memory visible to every device of the IOAS, now and later. It is
 * pinned and charged against RLIMIT_MEMLOCK (see IOMMU_OPTION_RLIMIT_MODE) as
 * long as the IOAS has a HWPT, until it is unmapped here; that the process
 * unmaps it, or ends, changes nothing. Memory of a device that the process has mapped,
 * all of the range, is neither pinned nor charged: it is mapped until the process or
 * the device's driver takes any of it away (a reset, say), and is a hole from then on,
 * until it is unmapped here. @user_va and @iova must agree in the bits
 * below the IOVA alignment. Nothing that is mapped is ever replaced by this
 * command.
 *
 * Errors: ENOENT (IOAS), EOPNOTSUPP (@flags, @__reserved), EINVAL (neither
 * readable nor writeable, length 0, wrong alignment, or a reserved IOVA; VT-d: not
 * writeable, and the IOAS has a nest parent, but of a device's memory EFAULT),
 * EEXIST (something is mapped in the range), ENOSPC (no free range is large
 * enough), EOVERFLOW, ERANGE (the memory is at an address that an IOMMU does not put
 * out), EFAULT (memory that is not there, or cannot be pinned
 * for the access asked for, or is of a device and an IOMMU does not lead to such),
 * ENOMEM (also: the pinned-memory limit). What comes from pinning comes when there is a
 * HWPT: for memory mapped before, from the call that makes or attaches it.
 *
 * A structure that cannot be written is found out before anything is mapped. If
 * it ceases to be writable during the call and the kernel chose @iova, the
 * mapping is removed again, with EFAULT.
 */
struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMU_IOAS_MAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP)

/**
 * struct iommu_ioas_map_file - ioctl(IOMMU_IOAS_MAP_FILE)
 * @size: sizeof(struct iommu_ioas_map_file)
 * @flags: Combination of enum iommufd_ioas_map_flags; at least one of readable
 *         and writeable
 * @ioas_id: IOAS to map into
 * @fd: File descriptor of a memfd, with huge pages or without; or of another file in
 *      tmpfs or hugetlbfs. It can be closed afterwards
 * @start: Offset of the first byte in the file
 * @length: Bytes, not 0; a multiple of the IOVA alignment
 * @iova: In, with IOMMU_IOAS_MAP_FIXED_IOVA: where to map; without it anything but
 *        U64_MAX. Out: where it is mapped
 *
 * What IOMMU_IOAS_MAP does, with memory of a file in the place of memory of the
 * process: the file need not be mapped anywhere, and the memory stays pinned when the
 * process ends and another one goes on with the open /dev/iommu
 * (IOMMU_IOAS_CHANGE_PROCESS). @start and @iova must agree in the bits below the IOVA
 * alignment. Pages that the file does not have yet are made, and read as zero.
 *
 * What is pinned stays the device's. A hole punched into the file, or its truncation,
 * takes pages out of the file but not out of the mapping: from then on the device and
 * the file have different memory there, until the range is unmapped and mapped again.
 * As with a shared mapping in a process, a file that is mapped writeable cannot be
 * sealed against writing (F_ADD_SEALS of F_SEAL_WRITE is EBUSY); nor can one whose
 * pages are pinned, by a mapping that is not writeable too.
 *
 * Errors: those of IOMMU_IOAS_MAP, but EFAULT is about the structure, or about a
 * process that has mapped it, is to be charged for more (IOMMU_OPTION_RLIMIT_MODE 1)
 * and has ended; EBADF (@fd), EINVAL also for a file that is not in tmpfs or
 * hugetlbfs, or that ends before the range; EOVERFLOW also for a range that no file
 * can have; EACCES (the file is not open for reading, or for writing if the
 * mapping is to be writeable), EPERM (it is sealed against writing and the mapping is
 * to be writeable), ENOSPC also when the file system is full, ENOMEM also when the
 * pool of huge pages is empty, EHWPOISON (some of the memory has failed), EINTR (the
 * process is to be stopped, or the system suspended, while huge pages are being made; a
 * signal that has a handler does not count). What comes from pinning comes when there is
 * a HWPT.
 */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP_FILE)

/**
 * struct iommu_ioas_change_process - ioctl(IOMMU_IOAS_CHANGE_PROCESS)
 * @size: sizeof(struct iommu_ioas_change_process)
 * @__reserved: Must be 0
 *
 * Charge the calling process, and the process that mapped it no more, for all that is
 * pinned by the IOASes of this open file: for a VMM that is replaced by another process
 * while its devices go on. Nothing is unpinned or mapped anew. All mappings have to be
 * of files (IOMMU_IOAS_MAP_FILE, and copies of them). Memory that two owners share an
 * account for (processes of one user, unless IOMMU_OPTION_RLIMIT_MODE is 1) is never
 * charged to it twice, not even for a moment.
 *
 * Errors: EOPNOTSUPP (@__reserved), EINVAL (a mapping is not of a file), ENOMEM (the
 * caller may not have so much pinned).
 */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};

#define IOMMU_IOAS_CHANGE_PROCESS _IO(IOMMUFD_TYPE, \
				      IOMMUFD_CMD_IOAS_CHANGE_PROCESS)

/**
 * struct iommu_ioas_copy - ioctl(IOMMU_IOAS_COPY)
 * @size: sizeof(struct iommu_ioas_copy)
 * @flags: Combination of enum iommufd_ioas_map_flags; at least one of readable
 *         and writeable
 * @dst_ioas_id: IOAS that gets the mapping
 * @src_ioas_id: IOAS that has the memory mapped; may be the same
 * @length: Bytes, not 0
 * @dst_iova: In, with IOMMU_IOAS_MAP_FIXED_IOVA: where to map; without it anything
 *            but U64_MAX. Out: where it is mapped
 * @src_iova: First IOVA to take from
 *
 * Map once more what is mapped elsewhere. Both mappings share the pinned pages,
 * which are charged once and stay pinned until the last mapping is gone. The
 * source range may be a part of a mapping or run over several that touch.
 *
 * Errors: as IOMMU_IOAS_MAP, also for a structure that cannot be written; what comes
 * from pinning as with the command that mapped the memory, and EFAULT also when it has
 * not been pinned yet and the process that mapped it has ended; ENOENT also when a part
 * of the source range is not mapped; EPERM when the copy is to be writeable and the
 * memory was not mapped so by the command that mapped it first.
 */
struct iommu_ioas_copy {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};

#define IOMMU_IOAS_COPY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_COPY)

/**
 * struct iommu_ioas_unmap - ioctl(IOMMU_IOAS_UNMAP)
 * @size: sizeof(struct iommu_ioas_unmap)
 * @ioas_id: IOAS to unmap from
 * @iova: First IOVA
 * @length: In: bytes. Out: bytes that were mapped and are not any more
 *
 * Take mappings away. When the call returns no device can reach the memory, unless an
 * IOMMU did not carry out an invalidation in time: then the memory stays pinned and
 * charged until it has, but for that of a device, which nothing keeps. The range may
 * hold any number of mappings and gaps between them, but must not cut through one. @iova
 * 0 with @length U64_MAX stands for everything, and is the only form that succeeds when
 * nothing was mapped.
 *
 * Errors: ENOENT (IOAS, nothing mapped in the range, or a mapping reaches out
 * of it), EINVAL (length 0), EOVERFLOW, EBUSY (a mapping in the range is just
 * being made or removed by another thread), EDEADLK (a kernel user of some of
 * the memory does not let go; the rest is unmapped), EFAULT (also when everything
 * is unmapped but @length cannot be written).
 */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP)

/**
 * enum iommufd_option - What IOMMU_OPTION sets or gets
 * @IOMMU_OPTION_RLIMIT_MODE: Who pays for pinned memory: 0 (default) the user,
 *                            as a sum over that user's processes; 1 the
 *                            process, as VFIO's type1 did. For the whole open
 *                            file: object_id is 0. Setting it needs
 *                            CAP_SYS_RESOURCE (else EPERM) and a file without
 *                            any object (else EBUSY)
 * @IOMMU_OPTION_HUGE_PAGES: 1 (default) uses the largest IOMMU pages that fit; 0
 *                           maps every page on its own, which helps when
 *                           measuring. For one IOAS: object_id names it. It
 *                           cannot be set to 0 once a page table holds mappings
 *                           (EINVAL), or while one is not made of whole pages
 *                           (EADDRINUSE)
 */
enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0,
	IOMMU_OPTION_HUGE_PAGES = 1,
};

/**
 * enum iommufd_option_ops - Direction of IOMMU_OPTION
 * @IOMMU_OPTION_OP_SET: Take val64 as the new value
 * @IOMMU_OPTION_OP_GET: Return the value in val64
 */
enum iommufd_option_ops {
	IOMMU_OPTION_OP_SET = 0,
	IOMMU_OPTION_OP_GET = 1,
};

/**
 * struct iommu_option - ioctl(IOMMU_OPTION)
 * @size: sizeof(struct iommu_option)
 * @option_id: One of enum iommufd_option
 * @op: One of enum iommufd_option_ops
 * @__reserved: Must be 0
 * @object_id: Object the option belongs to; 0 for the whole open file
 * @val64: The value, in or out
 *
 * Errors: EOPNOTSUPP (option, operation, @__reserved, or an @object_id given
 * where 0 is due), ENOENT (@object_id), EINVAL (value), EPERM, EBUSY,
 * EADDRINUSE, EFAULT (the structure cannot be written; what was set stays set).
 */
struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};

#define IOMMU_OPTION _IO(IOMMUFD_TYPE, IOMMUFD_CMD_OPTION)

/**
 * enum iommufd_vfio_ioas_op - Operations of IOMMU_VFIO_IOAS
 * @IOMMU_VFIO_IOAS_GET: Return the id of the IOAS that VFIO calls work on
 * @IOMMU_VFIO_IOAS_SET: Make VFIO calls work on this IOAS
 * @IOMMU_VFIO_IOAS_CLEAR: Leave VFIO calls without an IOAS
 */
enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/**
 * struct iommu_vfio_ioas - ioctl(IOMMU_VFIO_IOAS)
 * @size: sizeof(struct iommu_vfio_ioas)
 * @ioas_id: In for SET, out for GET
 * @op: One of enum iommufd_vfio_ioas_op
 * @__reserved: Must be 0
 *
 * The ioctls of a VFIO container, which work on an open /dev/iommu as well, do
 * not name an address space. This command chooses the one they mean. A first
 * VFIO group makes one if there is none; it is an IOAS like any other, and
 * neither SET nor CLEAR destroys it. As what a VFIO container maps, it goes when
 * the last group has left, unless GET has told its id.
 *
 * Errors: EOPNOTSUPP (@op, @__reserved), ENOENT (SET of an unknown id), ENODEV
 * (GET while there is none).
 */
struct iommu_vfio_ioas {
	__u32 size;
	__u32 ioas_id;
	__u16 op;
	__u16 __reserved;
};

#define IOMMU_VFIO_IOAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VFIO_IOAS)

/**
 * enum iommufd_hwpt_alloc_flags - What a HWPT is to be able to do
 * @IOMMU_HWPT_ALLOC_NEST_PARENT: Nested HWPTs can be put on top. Paging only
 * @IOMMU_HWPT_ALLOC_DIRTY_TRACKING: Writes by devices can be tracked, and a
 *                                   device that cannot is not attached to it.
 *                                   Paging only
 * @IOMMU_HWPT_FAULT_ID_VALID: Page faults of devices attached to this HWPT go
 *                             to the queue in fault_id. Nested and, with
 *                             IOMMU_FEATURE_FAULT_ON_PAGING, paging; never
 *                             together with IOMMU_HWPT_ALLOC_NEST_PARENT
 * @IOMMU_HWPT_ALLOC_PASID: PASIDs of the device can be attached. It promises that
 *                          and changes nothing else: without it a PASID can be
 *                          attached to what the driver happens to make. The
 *                          device itself and its PASIDs need not be attached to
 *                          HWPTs made alike. Offered with
 *                          IOMMU_FEATURE_HWPT_PASID
 */
enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

/**
 * enum iommu_hwpt_vtd_s1_flags - Bits of a VT-d first-stage PASID entry
 * @IOMMU_VTD_S1_SRE: Requests for supervisor privilege are translated
 * @IOMMU_VTD_S1_EAFE: The extended-accessed bit of entries is kept
 * @IOMMU_VTD_S1_WPE: Supervisor writes obey the write-protect bit
 *
 * Intel VT-d specification, 9.6 (scalable-mode PASID table entry).
 */
enum iommu_hwpt_vtd_s1_flags {
	IOMMU_VTD_S1_SRE = 1 << 0,
	IOMMU_VTD_S1_EAFE = 1 << 1,
	IOMMU_VTD_S1_WPE = 1 << 2,
};

/**
 * struct iommu_hwpt_vtd_s1 - A VT-d first-stage table (IOMMU_HWPT_DATA_VTD_S1)
 * @flags: Combination of enum iommu_hwpt_vtd_s1_flags
 * @pgtbl_addr: Address of the topmost table in the parent's IOVA space, 4 KiB
 *              aligned
 * @addr_width: Bits of address that the table translates: 48 (four levels) or
 *              57 (five), as the unit offers
 * @__reserved: Must be 0
 */
struct iommu_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};

/**
 * struct iommu_hwpt_arm_smmuv3 - A guest's SMMUv3 stream table entry
 *                                (IOMMU_HWPT_DATA_ARM_SMMUV3)
 * @ste: The first 128 bits of the guest's entry (Arm IHI 0070, 5.2), little
 *       endian: in word 0 V, Config, S1Fmt, S1ContextPtr and S1CDMax, in word 1
 *       S1DSS, S1CIR, S1COR, S1CSH, S1STALLD and EATS. Every other bit is 0
 *
 * Config says what becomes of the device's traffic: abort, only the parent's
 * translation (bypass), or the guest's stage 1 in front of it. S1ContextPtr is
 * an address in the parent's IOVA space, where the guest's context descriptors
 * are: with them the guest manages the device's PASIDs (substreams) by itself.
 * EIO when a bit is set that must not be, or the entry makes no sense.
 */
struct iommu_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * enum iommu_hwpt_data_type - Whose table format a nested HWPT speaks
 * @IOMMU_HWPT_DATA_NONE: No data: a paging HWPT
 * @IOMMU_HWPT_DATA_VTD_S1: struct iommu_hwpt_vtd_s1
 * @IOMMU_HWPT_DATA_ARM_SMMUV3: struct iommu_hwpt_arm_smmuv3
 */
enum iommu_hwpt_data_type {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
	IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,
};

/**
 * struct iommu_hwpt_alloc - ioctl(IOMMU_HWPT_ALLOC)
 * @size: sizeof(struct iommu_hwpt_alloc)
 * @flags: Combination of enum iommufd_hwpt_alloc_flags
 * @dev_id: A bound device; the table is made for the IOMMU in front of it
 * @pt_id: For a paging HWPT the IOAS it mirrors; for a nested one its parent,
 *         a paging HWPT made with IOMMU_HWPT_ALLOC_NEST_PARENT, or a vIOMMU, which
 *         has one
 * @out_hwpt_id: Id of the new HWPT
 * @__reserved: Must be 0
 * @data_type: One of enum iommu_hwpt_data_type. NONE for a paging HWPT
 * @data_len: Bytes at @data_uptr; 0 if and only if @data_type is NONE
 * @data_uptr: User address of the structure that @data_type names
 * @fault_id: With IOMMU_HWPT_FAULT_ID_VALID: id of a fault queue
 * @__reserved2: Must be 0
 * @devs_uptr: User address of an array of @num_devs __u32, ids of bound devices; not
 *             looked at when @num_devs is 0
 * @num_devs: Devices besides @dev_id that the HWPT is to serve, up to
 *            IOMMU_HWPT_DEVICES_MAX. Paging only. Offered with
 *            IOMMU_FEATURE_HWPT_DEVICES
 * @out_dev_id: The device that prevents it, if the call has failed because of one,
 *              else 0
 * @out_property: What of it does: one of enum iommu_probe_type, or 0
 * @__reserved3: Must be 0
 *
 * Make a hardware page table (HWPT). A paging HWPT holds the mappings of its
 * IOAS and follows them. A nested HWPT is a table that the user keeps in memory
 * (typically a guest's); the hardware walks it first and sends each address it
 * yields through the parent. One made through a vIOMMU is for devices behind the
 * vIOMMU's unit alone; its guest's identifiers mean what they mean to the vIOMMU.
 *
 * Attaching a device to an IOAS makes a paging HWPT by itself; this command is
 * for those who need one of the flags, or nesting. Such a HWPT lives until it
 * is destroyed by id.
 *
 * With a list the HWPT is made of what @dev_id and all devices of the list have in
 * common (struct iommu_probe_property says how that follows from what each can do),
 * in whatever order they stand. Their reserved regions are kept free in the IOAS as
 * long as the HWPT lives, and all mappings are entered now: attaching one of them
 * later maps nothing, but for doorbells (IOMMU_DEVICE_MSI_WINDOW). Any of them can then
 * be attached, and other devices that suit.
 * Where no one table serves all, the call fails with EXDEV and says because of which
 * device, the first in the list that does not go with those before it; so it does
 * with EADDRINUSE, and with EOPNOTSUPP that is about a device.
 *
 * Errors: ENOENT (@dev_id, @fault_id, a device of the list), EXDEV (above), EINVAL
 * (@num_devs is too large; @pt_id does not exist or is not of the right kind, a parent
 * that was not made to be one or belongs to another IOMMU, a vIOMMU of another unit,
 * VT-d: a nest parent, and the IOAS has a mapping that is not writeable, but of a
 * device's memory EFAULT; a @data_type without @data_len or the other way round,
 * @data_len shorter or longer than what the driver knows, values in the data, a fault
 * queue for another device), EOPNOTSUPP (a reserved member; a list for a nested HWPT, or
 * of an IOMMU driver that decides on a HWPT when it is attached first; flags in a
 * combination, a @data_type, or values in the data, that the IOMMU does not offer; data
 * for a paging HWPT, or none for a nested one; a vIOMMU without nested HWPTs; a fault
 * queue for a device whose page faults never reach /dev/iommu; IOMMU_HWPT_ALLOC_PASID
 * where the device has no PASIDs, or the HWPT would be one that PASIDs cannot have), EIO
 * (SMMUv3: values in the data), ERANGE (as IOMMU_IOAS_MAP), EADDRINUSE (the IOAS holds a
 * mapping, or promises a range, where this IOMMU, or a device of the list, cannot),
 * EFAULT and ENOMEM (also from pinning what the IOAS holds, as are EHWPOISON and others
 * of IOMMU_IOAS_MAP_FILE).
 */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
	__aligned_u64 devs_uptr;
	__u32 num_devs;
	__u32 out_dev_id;
	__u32 out_property;
	__u32 __reserved3;
};

/* Most devices in the list of IOMMU_HWPT_ALLOC */
#define IOMMU_HWPT_DEVICES_MAX	256

#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_ALLOC)

/**
 * enum iommu_hw_info_vtd_flags - What else to know about a VT-d unit
 * @IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17: Erratum SPR17 (Intel document 772415)
 *                                         applies: a nest parent must not hold
 *                                         read-only mappings
 */
enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommu_hw_info_vtd - Registers of a VT-d unit
 * @flags: Combination of enum iommu_hw_info_vtd_flags
 * @__reserved: 0
 * @cap_reg: Capability Register (VT-d 11.4.2), as the hardware has it
 * @ecap_reg: Extended Capability Register (VT-d 11.4.3), as the hardware has it
 */
struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * struct iommu_hw_info_arm_smmuv3 - Registers of an SMMUv3
 * @flags: 0
 * @__reserved: 0
 * @idr: SMMU_IDR0 to SMMU_IDR5 (Arm IHI 0070, 6.3), as the hardware has them
 * @iidr: SMMU_IIDR, who made it
 * @aidr: SMMU_AIDR, the version of the architecture
 *
 * What a VMM may show a guest of these: of IDR0 ST_LEVEL, TERM_MODEL, STALL_MODEL,
 * TTENDIAN, CD2L, ASID16 and TTF; of IDR1 SIDSIZE and SSIDSIZE; of IDR3 BBML and
 * RIL; of IDR5 VAX and the three granules. Later kernels promise no more, and
 * that stage 1 works follows from a nested HWPT being made.
 */
struct iommu_hw_info_arm_smmuv3 {
	__u32 flags;
	__u32 __reserved;
	__u32 idr[6];
	__u32 iidr;
	__u32 aidr;
};

/**
 * enum iommu_hw_info_type - Which structure describes the hardware
 * @IOMMU_HW_INFO_TYPE_NONE: As output: the driver of this IOMMU has nothing to
 *                           say
 * @IOMMU_HW_INFO_TYPE_DEFAULT: As input: whichever the driver prefers
 * @IOMMU_HW_INFO_TYPE_INTEL_VTD: struct iommu_hw_info_vtd
 * @IOMMU_HW_INFO_TYPE_ARM_SMMUV3: struct iommu_hw_info_arm_smmuv3
 */
enum iommu_hw_info_type {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_DEFAULT = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
};

/**
 * enum iommufd_hw_capabilities - What every kind of IOMMU may or may not do
 * @IOMMU_HW_CAP_DIRTY_TRACKING: IOMMU_HWPT_ALLOC_DIRTY_TRACKING and the two
 *                               dirty-tracking commands work for this device
 * @IOMMU_HW_CAP_PCI_PASID_EXEC: Requests with PASID may ask to execute. Means
 *                               something only if out_max_pasid_log2 is not 0
 * @IOMMU_HW_CAP_PCI_PASID_PRIV: Requests with PASID may ask for privileged
 *                               access. Means something only if
 *                               out_max_pasid_log2 is not 0
 * @IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: The device cannot cache translations (PCIe
 *                               ATS), or its IOMMU does not let it. Said the other way
 *                               round since older kernels say nothing
 */
enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/**
 * enum iommufd_hw_info_flags - Flags of IOMMU_GET_HW_INFO
 * @IOMMU_HW_INFO_FLAG_INPUT_TYPE: in_data_type says which description is
 *                                 wanted. Offered when
 *                                 IOMMU_FEATURE_HW_INFO_INPUT_TYPE is
 */
enum iommufd_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommu_hw_info - ioctl(IOMMU_GET_HW_INFO)
 * @size: sizeof(struct iommu_hw_info)
 * @flags: Combination of enum iommufd_hw_info_flags
 * @dev_id: A bound device
 * @data_len: In: bytes of room at @data_uptr, may be 0. Out: bytes the kernel
 *            has, be it more or less
 * @data_uptr: User address that gets the description. What the kernel has is cut
 *             off at the end of the room, and room left over is filled with zero
 * @in_data_type: With IOMMU_HW_INFO_FLAG_INPUT_TYPE: one of enum
 *                iommu_hw_info_type. Without the flag the value is not looked
 *                at, as older programs may have left anything here
 * @out_data_type: One of enum iommu_hw_info_type; says what was stored. Shares
 *                 its place with @in_data_type
 * @out_max_pasid_log2: Width in bits of the PASIDs the device may use, 0 to 20.
 *                      0: none. 20 for a mediated device, see
 *                      struct iommu_device_pasid
 * @__reserved: Must be 0
 * @out_capabilities: Combination of enum iommufd_hw_capabilities
 *
 * Describe the IOMMU in front of a device, so that a VMM can offer its guest a
 * virtual one that fits.
 *
 * Errors: ENOENT (@dev_id), EOPNOTSUPP (@flags, @__reserved, or the IOMMU has no
 * description of the type asked for), EFAULT, ENOMEM.
 */
struct iommu_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};

#define IOMMU_GET_HW_INFO _IO(IOMMUFD_TYPE, IOMMUFD_CMD_GET_HW_INFO)

/**
 * enum iommufd_hwpt_set_dirty_tracking_flags - Flags of
 *                                              IOMMU_HWPT_SET_DIRTY_TRACKING
 * @IOMMU_HWPT_DIRTY_TRACKING_ENABLE: Start; without it: stop
 */
enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommu_hwpt_set_dirty_tracking - ioctl(IOMMU_HWPT_SET_DIRTY_TRACKING)
 * @size: sizeof(struct iommu_hwpt_set_dirty_tracking)
 * @flags: Combination of enum iommufd_hwpt_set_dirty_tracking_flags
 * @hwpt_id: A paging HWPT
 * @__reserved: Must be 0
 *
 * Start or stop recording which pages devices write to. Starting forgets what
 * was recorded before.
 *
 * Errors: ENOENT, EOPNOTSUPP (@flags, @__reserved, or the HWPT was not made for
 * it), EIO (start: the IOMMU did not carry out the invalidation behind the
 * forgetting; stop: an invalidation); what the IOMMU driver returns. After a start
 * that failed it is as before, started or stopped, but what was recorded may be
 * forgotten. A stop that failed with EIO has stopped.
 */
struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};

#define IOMMU_HWPT_SET_DIRTY_TRACKING _IO(IOMMUFD_TYPE, \
					  IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING)

/**
 * enum iommufd_hwpt_get_dirty_bitmap_flags - Flags of
 *                                            IOMMU_HWPT_GET_DIRTY_BITMAP
 * @IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: Leave the record as it is. Cheaper, and
 *                                        right when the range is unmapped next
 */
enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommu_hwpt_get_dirty_bitmap - ioctl(IOMMU_HWPT_GET_DIRTY_BITMAP)
 * @size: sizeof(struct iommu_hwpt_get_dirty_bitmap)
 * @hwpt_id: A paging HWPT
 * @flags: Combination of enum iommufd_hwpt_get_dirty_bitmap_flags
 * @__reserved: Must be 0
 * @iova: First IOVA; a multiple of @page_size and of the IOVA alignment
 * @length: Bytes, not 0; its end is aligned as @iova is. The whole range has to
 *          be mapped
 * @page_size: Bytes that one bit stands for, a power of two; it need not be a
 *             size the IOMMU uses
 * @data: User address of an array of __u64 with one bit a page. Bits of written
 *        pages are set, no bit is ever cleared, so that several HWPTs may be
 *        gathered in one bitmap
 *
 * Report the pages written to and, unless told otherwise, start a new record for
 * them. The bit of an address ``a`` inside the range, counted from @iova, is::
 *
 *   n   = (a - iova) / page_size;
 *   bit = data[n / 64] >> (n % 64) & 1;
 *
 * Errors: ENOENT (@hwpt_id), EINVAL (alignment, @page_size, @length, a gap),
 * EOPNOTSUPP (@flags, @__reserved, or the HWPT was not made for it), EFAULT,
 * EOVERFLOW, ENOMEM; EINVAL from the driver when tracking was not started; EIO when
 * the IOMMU did not carry out the invalidation behind the reading: pages written to
 * from now on may leave no record, and all of the range has to be taken for written.
 * So it has after EFAULT or EINVAL if another thread took memory of @data, or a mapping
 * of the range, away during the call; what else fails has forgotten nothing.
 */
struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};

#define IOMMU_HWPT_GET_DIRTY_BITMAP _IO(IOMMUFD_TYPE, \
					IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP)

/**
 * enum iommu_hwpt_invalidate_data_type - Whose invalidation requests these are
 * @IOMMU_HWPT_INVALIDATE_DATA_VTD_S1: struct iommu_hwpt_vtd_s1_invalidate
 * @IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3: struct
 *                                    iommu_viommu_arm_smmuv3_invalidate, for a
 *                                    vIOMMU
 * @IOMMU_HWPT_INVALIDATE_DATA_RANGE: struct iommu_hwpt_invalidate_range, for any
 *                                    IOMMU and for paging HWPTs too. Offered with
 *                                    IOMMU_FEATURE_INVALIDATE_RANGE
 */
enum iommu_hwpt_invalidate_data_type {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
	IOMMU_HWPT_INVALIDATE_DATA_RANGE = 0x10000,
};

/**
 * enum iommu_hwpt_invalidate_range_flags - Flags of a request of any IOMMU
 * @IOMMU_INVALIDATE_RANGE_ALL: Everything that is cached of the HWPT. iova and
 *                              length must be 0
 */
enum iommu_hwpt_invalidate_range_flags {
	IOMMU_INVALIDATE_RANGE_ALL = 1 << 0,
};

/**
 * struct iommu_hwpt_invalidate_range - One invalidation, of any IOMMU
 *                                      (IOMMU_HWPT_INVALIDATE_DATA_RANGE)
 * @flags: Combination of enum iommu_hwpt_invalidate_range_flags
 * @__reserved: Must be 0
 * @iova: First address, of any alignment
 * @length: Bytes, not 0 but with IOMMU_INVALIDATE_RANGE_ALL
 *
 * Whatever any IOMMU, and any device with ATS, has cached of the HWPT for this
 * range is gone on return: for every device and every PASID attached to it. More
 * than was asked for may be invalidated.
 */
struct iommu_hwpt_invalidate_range {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
};

/**
 * enum iommu_hwpt_vtd_s1_invalidate_flags - Flags of a VT-d request
 * @IOMMU_VTD_INV_FLAGS_LEAF: Only last-level entries changed; cached upper
 *                            levels may stay
 */
enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommu_hwpt_vtd_s1_invalidate - One VT-d first-stage invalidation
 *                                       (IOMMU_HWPT_INVALIDATE_DATA_VTD_S1)
 * @addr: First address, 4 KiB aligned
 * @npages: 4 KiB pages, from 1; U64_MAX with @addr 0 is everything the table
 *          ever translated
 * @flags: Combination of enum iommu_hwpt_vtd_s1_invalidate_flags
 * @__reserved: Must be 0
 *
 * A device with ATS has its own translation cache invalidated as well.
 */
struct iommu_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct iommu_viommu_arm_smmuv3_invalidate - One command of a guest's queue
 *                                  (IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
 * @cmd: The command as the guest wrote it (Arm IHI 0070, 4), little endian
 *
 * Taken are CMD_CFGI_CD, CMD_CFGI_CD_ALL, CMD_TLBI_NH_ALL, CMD_TLBI_NH_ASID,
 * CMD_TLBI_NH_VA, CMD_TLBI_NH_VAA, CMD_TLBI_NSNH_ALL and CMD_ATC_INV; anything
 * else is EIO. A VMID is replaced by the vIOMMU's own. A StreamID is the guest's:
 * one that no vDEVICE has is EIO too.
 */
struct iommu_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};

/**
 * struct iommu_hwpt_invalidate - ioctl(IOMMU_HWPT_INVALIDATE)
 * @size: sizeof(struct iommu_hwpt_invalidate)
 * @hwpt_id: A nested HWPT, or a vIOMMU; with IOMMU_HWPT_INVALIDATE_DATA_RANGE a
 *           nested HWPT or a paging one
 * @data_uptr: User address of an array of requests
 * @data_type: One of enum iommu_hwpt_invalidate_data_type, for all entries
 * @entry_len: Bytes from one request to the next, 1 to the page size
 * @entry_num: In: requests in the array, at most 2^19. Out: requests carried
 *             out, also when the call fails: the first one not counted is the
 *             one at fault
 * @__reserved: Must be 0
 *
 * Tell the hardware that entries of a user's table changed. An entry that only
 * turned from absent to present needs no request on hardware that does not
 * cache absence. Requests are carried out in order; on return the hardware is
 * done with them.
 *
 * A vIOMMU takes what is not about one table: a guest's commands as they stand in
 * its queue, which name devices as the guest knows them.
 *
 * With @entry_num 0 the call only tells whether @data_type is understood;
 * @data_uptr and @entry_len are then not looked at.
 *
 * Errors: ENOENT (@hwpt_id, also when it is a paging one and @data_type is another than
 * IOMMU_HWPT_INVALIDATE_DATA_RANGE), EINVAL (a count, length or pointer out of bounds,
 * @entry_len shorter or longer than what the driver knows, a @data_type that is not this
 * HWPT's, values in a request), EOPNOTSUPP (@__reserved, values in a request, a vIOMMU
 * that takes none), EOVERFLOW (DATA_RANGE), EFAULT, E2BIG, ENOMEM; EIO or ETIMEDOUT when
 * the hardware reports an error.
 */
struct iommu_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num;
	__u32 __reserved;
};

#define IOMMU_HWPT_INVALIDATE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_INVALIDATE)

/**
 * enum iommu_hwpt_pgfault_flags - Flags of a page fault record
 * @IOMMU_PGFAULT_FLAGS_PASID_VALID: The request had a PASID
 * @IOMMU_PGFAULT_FLAGS_LAST_PAGE: Last record of its group; the group can be
 *                                 answered
 * @IOMMU_PGFAULT_FLAGS_LOST: Page requests were lost since this was last said:
 *                            the queue was full, or the hardware's, of which
 *                            no more is known than groups that were begun, or
 *                            a device sent more than it may have outstanding.
 *                            Set on the first record of a group, and only on
 *                            queues made with a depth, a policy or a device of
 *                            their own, so that no older program meets a flag it
 *                            does not know
 */
enum iommu_hwpt_pgfault_flags {
	IOMMU_PGFAULT_FLAGS_PASID_VALID		= (1 << 0),
	IOMMU_PGFAULT_FLAGS_LAST_PAGE		= (1 << 1),
	IOMMU_PGFAULT_FLAGS_LOST		= (1U << 31),
};

/**
 * enum iommu_hwpt_pgfault_perm - What the device wanted to do
 * @IOMMU_PGFAULT_PERM_READ: Read
 * @IOMMU_PGFAULT_PERM_WRITE: Write
 * @IOMMU_PGFAULT_PERM_EXEC: Execute; only with a PASID (PCIe 6.0, 10.4.1)
 * @IOMMU_PGFAULT_PERM_PRIV: With supervisor privilege; only with a PASID
 *                           (PCIe 6.0, 10.4.1)
 */
enum iommu_hwpt_pgfault_perm {
	IOMMU_PGFAULT_PERM_READ			= (1 << 0),
	IOMMU_PGFAULT_PERM_WRITE		= (1 << 1),
	IOMMU_PGFAULT_PERM_EXEC			= (1 << 2),
	IOMMU_PGFAULT_PERM_PRIV			= (1 << 3),
};

/**
 * struct iommu_hwpt_pgfault - One page request, as read from a fault fd
 * @flags: Combination of enum iommu_hwpt_pgfault_flags
 * @dev_id: Id of the device that asks
 * @pasid: PASID of the request, as it was named when it was attached; 0 if it had
 *         none, or if it is the one that stands for a mediated device itself
 * @grpid: Page request group index, as the device chose it. A device uses it
 *         again as soon as the group is answered
 * @perm: Combination of enum iommu_hwpt_pgfault_perm
 * @__reserved: 0
 * @addr: Address that is not translated
 * @length: Bytes the device is going to touch from @addr on; 0: unknown
 * @cookie: Names the group in the answer. The same in all records of a group;
 *          not used again soon after the answer
 *
 * A read returns whole groups only; their records are next to each other and in
 * the order in which the device sent them.
 */
struct iommu_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie;
};

/**
 * enum iommufd_page_response_code - What the device is told about a group
 * @IOMMUFD_PAGE_RESP_SUCCESS: Try again; if the page still is not there the
 *                             device asks once more (PCIe 6.0, 10.4.2.1: Success)
 * @IOMMUFD_PAGE_RESP_INVALID: One of the addresses cannot be had; the access
 *                             fails (PCIe 6.0, 10.4.2.1: Invalid Request)
 * @IOMMUFD_PAGE_RESP_FAILURE: Something is broken beyond one request: the device
 *                             stops asking until its page request interface is
 *                             started anew (PCIe 6.0, 10.4.2.1: Response
 *                             Failure, whose encoding this is). For a virtual
 *                             function, a mediated device or an access that stalls
 *                             it is IOMMUFD_PAGE_RESP_INVALID. Offered with
 *                             IOMMU_FEATURE_FAULT_FAILURE
 */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
	IOMMUFD_PAGE_RESP_FAILURE = 0xf,
};

/**
 * struct iommu_hwpt_page_response - The answer to one group, as written to a
 *                                   fault fd
 * @cookie: From the records of the group
 * @code: One of enum iommufd_page_response_code
 *
 * Each group is answered once; EINVAL for a cookie that names none that is
 * waiting, and for an unknown code.
 */
struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/* Page requests that a queue holds when the caller does not say */
#define IOMMU_FAULT_DEPTH_DEFAULT	4096
/* The most page requests that a queue may be made to hold */
#define IOMMU_FAULT_DEPTH_MAX		65536

/**
 * enum iommu_fault_policy - How a fault queue behaves
 * @IOMMU_FAULT_POLICY_BLOCKING: A read of an empty queue waits for a fault, or
 *                               fails with EAGAIN on an fd with O_NONBLOCK. A
 *                               queue without this flag returns 0 instead
 */
enum iommu_fault_policy {
	IOMMU_FAULT_POLICY_BLOCKING = 1 << 0,
};

/**
 * struct iommu_fault_alloc - ioctl(IOMMU_FAULT_QUEUE_ALLOC)
 * @size: sizeof(struct iommu_fault_alloc); 16 is what other kernels have, and
 *        gives a queue with the default depth that never blocks
 * @flags: Must be 0
 * @out_fault_id: Id of the new queue, for IOMMU_HWPT_ALLOC
 * @out_fault_fd: File descriptor to read struct iommu_hwpt_pgfault from and to
 *                write struct iommu_hwpt_page_response to; close-on-exec
 * @depth: In: page requests the queue holds, whether still to be read or still
 *         to be answered, 1 to IOMMU_FAULT_DEPTH_MAX; 0 is
 *         IOMMU_FAULT_DEPTH_DEFAULT. Out, if the structure is long enough: the
 *         depth in force
 * @policy: Combination of enum iommu_fault_policy
 * @dev_id: A bound device: the queue delivers and answers that device alone; 0:
 *          any device
 * @__reserved: Must be 0
 *
 * Make a queue for page faults. It serves any number of HWPTs.
 *
 * What comes when the queue is full is not delivered: the device is told what
 * its hardware says on an overflow, normally to try again later, and the reader
 * is told by IOMMU_PGFAULT_FLAGS_LOST. A group of more than @depth requests is
 * answered IOMMUFD_PAGE_RESP_INVALID instead. Closing the last copy of the fd
 * answers all that is outstanding so.
 *
 * @depth, @policy and @dev_id are IOMMU_FEATURE_FAULT_DEPTH, _BLOCKING and
 * _DEVICE; a kernel without them answers E2BIG if one is not 0.
 *
 * Errors: EOPNOTSUPP (@flags, @policy, @__reserved), EINVAL (@depth too large),
 * ENOENT (@dev_id), ENOMEM, EMFILE or ENFILE (no file descriptor).
 */
struct iommu_fault_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_fault_id;
	__u32 out_fault_fd;
	__u32 depth;
	__u32 policy;
	__u32 dev_id;
	__u32 __reserved;
};

#define IOMMU_FAULT_QUEUE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_FAULT_QUEUE_ALLOC)

/**
 * enum iommu_viommu_type - Whose kind of vIOMMU
 * @IOMMU_VIOMMU_TYPE_DEFAULT: Not a type; EOPNOTSUPP
 * @IOMMU_VIOMMU_TYPE_ARM_SMMUV3: An SMMUv3; no type-specific data
 */
enum iommu_viommu_type {
	IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
};

/**
 * struct iommu_viommu_alloc - ioctl(IOMMU_VIOMMU_ALLOC)
 * @size: sizeof(struct iommu_viommu_alloc)
 * @flags: Must be 0
 * @type: One of enum iommu_viommu_type
 * @dev_id: A bound device; the vIOMMU is a share of the unit in front of it
 * @hwpt_id: The nest parent: a paging HWPT made with IOMMU_HWPT_ALLOC_NEST_PARENT
 * @out_viommu_id: Id of the new vIOMMU
 * @data_len: Bytes at @data_uptr; 0 where @type has no data
 * @__reserved: Must be 0
 * @data_uptr: User address of the structure that @type names
 *
 * Make a virtual IOMMU: what one guest has of one unit. It stands for the guest's
 * name spaces there, such as its cache tags and its stream ids, takes the commands
 * that are not about one table (IOMMU_HWPT_INVALIDATE), has event queues
 * (IOMMU_VEVENTQ_ALLOC) and is what nested HWPTs of its devices can be made through
 * (IOMMU_HWPT_ALLOC). A guest whose devices are behind several units has one vIOMMU
 * for each, over the same nest parent if the units can share it.
 *
 * The vIOMMU keeps its nest parent. It goes by IOMMU_DESTROY, once its nested HWPTs,
 * vDEVICEs and event queues have gone; the device may go before.
 *
 * Errors: ENOENT (@dev_id, @hwpt_id), EOPNOTSUPP (@flags, @__reserved; the unit
 * has no vIOMMUs of this @type, or does not know the data), EINVAL (a HWPT that was
 * not made to be a nest parent or belongs to another IOMMU, @data_len), EFAULT,
 * ENOMEM, ENOSPC (the unit's name space is used up, or this open file has as much of it
 * as it may).
 */
struct iommu_viommu_alloc {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};

#define IOMMU_VIOMMU_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VIOMMU_ALLOC)

/**
 * struct iommu_vdevice_alloc - ioctl(IOMMU_VDEVICE_ALLOC)
 * @size: sizeof(struct iommu_vdevice_alloc)
 * @viommu_id: A vIOMMU
 * @dev_id: A bound device behind the vIOMMU's unit
 * @out_vdevice_id: Id of the new vDEVICE
 * @virt_id: How the guest names the device in commands to this vIOMMU. SMMUv3: the
 *           StreamID, 32 bits
 *
 * Tell a vIOMMU which device the guest means. A device has one vDEVICE at most, in
 * all vIOMMUs together.
 *
 * The vDEVICE keeps the vIOMMU, but not the device. When the device is unbound (its
 * VFIO fd is closed) while the vDEVICE is there, the vDEVICE goes with it: the
 * guest's id names nothing from then on, IOMMU_DESTROY of the vDEVICE's id is
 * ENOENT, and the id is not given to anything else on this open file, so that a
 * belated IOMMU_DESTROY hits nothing. Other than that IOMMU_DESTROY takes a vDEVICE
 * away at any time; it waits for invalidations that name the device.
 *
 * Errors: ENOENT (@viommu_id, @dev_id), EOPNOTSUPP (a mediated device), EINVAL (the
 * device is behind another unit, @virt_id cannot be one), EEXIST (the device has a
 * vDEVICE, or the vIOMMU a device with this @virt_id), EFAULT, ENOMEM.
 */
struct iommu_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};

#define IOMMU_VDEVICE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VDEVICE_ALLOC)

/**
 * enum iommu_veventq_flag - What the header of an event says
 * @IOMMU_VEVENTQ_FLAG_LOST_EVENTS: Events were lost, the last of them with this
 *                                  sequence number. No data follows the header
 */
enum iommu_veventq_flag {
	IOMMU_VEVENTQ_FLAG_LOST_EVENTS = (1U << 0),
};

/**
 * struct iommufd_vevent_header - What each event read from a vEVENTQ starts with
 * @flags: Combination of enum iommu_veventq_flag
 * @sequence: Number of the event, from 0, lost ones counted; 0 follows INT_MAX
 *
 * The type's own structure follows at once. Numbers that are not consecutive say
 * how many events found no room in between. Where such a loss is the last thing
 * that happened, a header with IOMMU_VEVENTQ_FLAG_LOST_EVENTS and without data is
 * read in its place; a loss is told once, in one way or the other.
 */
struct iommufd_vevent_header {
	__u32 flags;
	__u32 sequence;
};

/**
 * enum iommu_veventq_type - Whose kind of events
 * @IOMMU_VEVENTQ_TYPE_DEFAULT: Not a type; EOPNOTSUPP
 * @IOMMU_VEVENTQ_TYPE_ARM_SMMUV3: struct iommu_vevent_arm_smmuv3
 */
enum iommu_veventq_type {
	IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
};

/**
 * struct iommu_vevent_arm_smmuv3 - An event of a guest's SMMUv3
 *                                  (IOMMU_VEVENTQ_TYPE_ARM_SMMUV3)
 * @evt: The record for the guest's own event queue (Arm IHI 0070, 7.3), little
 *       endian, with the StreamID that the guest knows. Without SSV the SubstreamID
 *       is 0, but for C_BAD_SUBSTREAMID, which has no SSV (7.3.9)
 *
 * Events are C_BAD_STE, F_STREAM_DISABLED, C_BAD_SUBSTREAMID, C_BAD_CD,
 * F_TRANSLATION, F_ADDR_SIZE, F_ACCESS and F_PERMISSION of devices that have a
 * vDEVICE. A stalled one goes to the fault queue instead.
 */
struct iommu_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};

/* Most events that a vEVENTQ holds */
#define IOMMU_VEVENTQ_DEPTH_MAX	(1 << 19)

/**
 * struct iommu_veventq_alloc - ioctl(IOMMU_VEVENTQ_ALLOC)
 * @size: sizeof(struct iommu_veventq_alloc)
 * @flags: Must be 0
 * @viommu_id: The vIOMMU whose events these are
 * @type: One of enum iommu_veventq_type
 * @veventq_depth: Events that the queue holds, 1 to IOMMU_VEVENTQ_DEPTH_MAX. Memory
 *                 for all of them is taken, and charged, now
 * @out_veventq_id: Id of the new queue
 * @out_veventq_fd: File descriptor to read events from
 * @__reserved: Must be 0
 *
 * Make a queue for what happens in a vIOMMU and the guest should hear of. An event
 * is a struct iommufd_vevent_header and the structure that @type names. A read
 * returns as many whole events as fit and are there, and EINVAL if not even the
 * first fits. It waits for the first one; with O_NONBLOCK it is EAGAIN instead.
 * poll() says when there is one. Nothing waits for the reader: an event that finds
 * the queue full is counted and told of. Events from before the queue was made are
 * not in it.
 *
 * The queue keeps the vIOMMU. DESTROY of the queue is EBUSY while its file is open.
 *
 * Errors: ENOENT (@viommu_id), EOPNOTSUPP (@flags, @__reserved, a @type that the
 * vIOMMU does not report), EINVAL (@veventq_depth), EEXIST (the vIOMMU has a queue
 * of this @type), EMFILE, ENFILE, EFAULT, ENOMEM.
 */
struct iommu_veventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};

#define IOMMU_VEVENTQ_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VEVENTQ_ALLOC)

/**
 * enum iommu_feature_bits - What IOMMU_GET_FEATURES tells
 * @IOMMU_FEATURE_FAULT_DEPTH: struct iommu_fault_alloc has a depth
 * @IOMMU_FEATURE_FAULT_BLOCKING: IOMMU_FAULT_POLICY_BLOCKING is known
 * @IOMMU_FEATURE_FAULT_DEVICE: A fault queue can be made for one device
 * @IOMMU_FEATURE_FAULT_LOST: IOMMU_PGFAULT_FLAGS_LOST is reported
 * @IOMMU_FEATURE_FAULT_ON_PAGING: IOMMU_HWPT_FAULT_ID_VALID works for paging
 *                                 HWPTs
 * @IOMMU_FEATURE_FAULT_FAILURE: IOMMUFD_PAGE_RESP_FAILURE is accepted
 * @IOMMU_FEATURE_HW_INFO_INPUT_TYPE: IOMMU_HW_INFO_FLAG_INPUT_TYPE is accepted
 * @IOMMU_FEATURE_DEVICE_PASID: IOMMU_DEVICE_PASID_ATTACH, _REPLACE and _DETACH
 *                              are there
 * @IOMMU_FEATURE_INVALIDATE_RANGE: IOMMU_HWPT_INVALIDATE_DATA_RANGE is accepted,
 *                                  and for paging HWPTs
 * @IOMMU_FEATURE_DEVICE_PRI: IOMMU_DEVICE_PRI is there
 * @IOMMU_FEATURE_HWPT_EVENTQ: IOMMU_HWPT_EVENTQ_ALLOC is there
 * @IOMMU_FEATURE_VIOMMU: IOMMU_VIOMMU_ALLOC, IOMMU_VDEVICE_ALLOC and
 *                        IOMMU_VEVENTQ_ALLOC are there
 * @IOMMU_FEATURE_DEVICE_PROBE: IOMMU_DEVICE_PROBE is there
 * @IOMMU_FEATURE_HWPT_DEVICES: IOMMU_HWPT_ALLOC takes a list of devices
 * @IOMMU_FEATURE_HWPT_PASID: IOMMU_HWPT_ALLOC_PASID is accepted
 * @IOMMU_FEATURE_VPASID: There can be mediated devices, whose PASIDs are
 *                        translated: see struct iommu_device_pasid
 * @IOMMU_FEATURE_IOAS_ARRAY: IOMMU_IOAS_MAP_ARRAY and IOMMU_IOAS_UNMAP_ARRAY are
 *                            there
 * @IOMMU_FEATURE_IOAS_MAP_FILE: IOMMU_IOAS_MAP_FILE is there
 * @IOMMU_FEATURE_CHANGE_PROCESS: IOMMU_IOAS_CHANGE_PROCESS is there
 * @IOMMU_FEATURE_MSI_WINDOW: IOMMU_DEVICE_MSI_WINDOW is there
 *
 * A bit says what the interface understands, not what the hardware behind a
 * particular device can do.
 */
enum iommu_feature_bits {
	IOMMU_FEATURE_FAULT_DEPTH = 1 << 0,
	IOMMU_FEATURE_FAULT_BLOCKING = 1 << 1,
	IOMMU_FEATURE_FAULT_DEVICE = 1 << 2,
	IOMMU_FEATURE_FAULT_LOST = 1 << 3,
	IOMMU_FEATURE_FAULT_ON_PAGING = 1 << 4,
	IOMMU_FEATURE_FAULT_FAILURE = 1 << 5,
	IOMMU_FEATURE_HW_INFO_INPUT_TYPE = 1 << 6,
	IOMMU_FEATURE_DEVICE_PASID = 1 << 7,
	IOMMU_FEATURE_INVALIDATE_RANGE = 1 << 8,
	IOMMU_FEATURE_DEVICE_PRI = 1 << 9,
	IOMMU_FEATURE_HWPT_EVENTQ = 1 << 10,
	IOMMU_FEATURE_VIOMMU = 1 << 11,
	IOMMU_FEATURE_DEVICE_PROBE = 1 << 12,
	IOMMU_FEATURE_HWPT_DEVICES = 1 << 13,
	IOMMU_FEATURE_HWPT_PASID = 1 << 14,
	IOMMU_FEATURE_VPASID = 1 << 15,
	IOMMU_FEATURE_IOAS_ARRAY = 1 << 16,
	IOMMU_FEATURE_IOAS_MAP_FILE = 1 << 17,
	IOMMU_FEATURE_CHANGE_PROCESS = 1 << 18,
	IOMMU_FEATURE_MSI_WINDOW = 1 << 19,
};

/* Value of iommu_features::out_abi_revision that this header describes */
#define IOMMU_ABI_REVISION	5

/**
 * struct iommu_features - ioctl(IOMMU_GET_FEATURES)
 * @size: sizeof(struct iommu_features)
 * @flags: Must be 0
 * @out_abi_revision: From 1; grows when a feature bit is added
 * @__reserved: Must be 0
 * @out_features: Combination of enum iommu_feature_bits
 *
 * Ask what this /dev/iommu has beyond Linux 6.12. ENOTTY means: nothing, or not
 * in this way.
 *
 * Errors: EOPNOTSUPP (@flags, @__reserved).
 */
struct iommu_features {
	__u32 size;
	__u32 flags;
	__u32 out_abi_revision;
	__u32 __reserved;
	__aligned_u64 out_features;
};

#define IOMMU_GET_FEATURES _IO(IOMMUFD_TYPE, IOMMUFD_CMD_GET_FEATURES)

/**
 * struct iommu_device_pasid - ioctl(IOMMU_DEVICE_PASID_ATTACH) and
 *                             ioctl(IOMMU_DEVICE_PASID_REPLACE)
 * @size: sizeof(struct iommu_device_pasid)
 * @flags: Must be 0
 * @dev_id: A bound device, alone in its IOMMU group
 * @pasid: The PASID as the caller calls it, the vPASID: from 1 to what the device
 *         and its IOMMU have (iommu_hw_info::out_max_pasid_log2)
 * @pt_id: In: an IOAS or a HWPT of either kind. Out: the HWPT the PASID is
 *         attached to
 * @out_pasid: The PASID that goes with the device's requests, the pPASID
 *
 * The kernel decides which pPASID a vPASID has. A device that is the caller's as a
 * whole is told its PASIDs by the caller, or a guest: there the two are the same.
 * A mediated device is a part of a device that others use too: all parts send
 * requests by one requester id, and only the pPASID tells them apart. There the
 * kernel chooses a free one from a pool, and the mediated device's driver puts it
 * in the place of the vPASID. Any vPASID of 20 bits will do then, whatever others
 * call theirs. A pool is the parent device's own, or the global one, from which a
 * vPASID gets the same pPASID on all devices of the open file; a pPASID goes back
 * to it only after requests and page requests with it have ended. Faults and
 * events name the mediated device and the vPASID.
 *
 * Give a PASID of a device an address space of its own. It has nothing to do with
 * what the device itself is attached to, or whether it is, unless the one excludes
 * the other (EBUSY); DMA with a PASID that is not attached is blocked. Page faults
 * go to the fault queue of the HWPT, and carry the PASID. As when a device is
 * attached, the device's reserved regions are kept free in the IOAS, and an IOAS
 * gets a HWPT chosen or made for it. The HWPT cannot be destroyed while the PASID
 * is attached; unbinding the device, or closing it, detaches all its PASIDs.
 *
 * REPLACE moves an attached PASID without a moment in which its DMA is blocked.
 * Page requests outstanding are answered such that the device asks again, and
 * none is lost.
 *
 * Errors: ENOENT (@dev_id, @pt_id; REPLACE: the PASID is not attached), EOPNOTSUPP
 * (@flags; the device, its IOMMU driver or this kind of HWPT has no PASIDs, or no fault
 * queue; REPLACE: the IOMMU driver cannot, detach and attach instead), EINVAL (@pasid
 * out of range, a @pt_id that does not suit the device, SMMUv3: one that is nested or a
 * nest parent, or is decided on when a device is attached, which none was, a group of
 * several devices), ENOSPC (the IOMMU has no number left for one more HWPT of this
 * device; ATTACH: no pPASID is free), EDQUOT (ATTACH: this open file has as many pPASIDs
 * of the pool as it may), EBUSY (ATTACH: the PASID is attached, also by a driver of the
 * kernel or, of the global pool, by another part of the same parent; or the device is
 * attached to a nested HWPT that is a table of PASIDs itself, or on an SMMUv3 to one
 * that is a parent; or the IOMMU did not carry out what it was told when something of
 * the device was detached, or before the device came, and may still go by what an old
 * owner had: try again, it is asked to forget everything until it has. Both: the HWPT
 * has a fault queue, and the device has not stopped since page requests were turned
 * off), ERANGE (ATTACH: the pPASID that the vPASID has in the global pool is beyond what
 * the device can have), EADDRINUSE (the IOAS maps or promises an IOVA the device cannot
 * have), ENODEV (the HWPT has a fault queue, and the device has gone), EFAULT and ENOMEM
 * (also from pinning what the IOAS holds, as are others of IOMMU_IOAS_MAP_FILE); what
 * the IOMMU driver returns. Nothing has changed then; only if the structure of a REPLACE
 * becomes unwritable during the call, it is EFAULT although the PASID has moved.
 */
struct iommu_device_pasid {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 pt_id;
	__u32 out_pasid;
};

#define IOMMU_DEVICE_PASID_ATTACH _IO(IOMMUFD_TYPE, \
				      IOMMUFD_CMD_DEVICE_PASID_ATTACH)
#define IOMMU_DEVICE_PASID_REPLACE _IO(IOMMUFD_TYPE, \
				       IOMMUFD_CMD_DEVICE_PASID_REPLACE)

/**
 * struct iommu_device_pasid_detach - ioctl(IOMMU_DEVICE_PASID_DETACH)
 * @size: sizeof(struct iommu_device_pasid_detach)
 * @flags: Must be 0
 * @dev_id: A bound device
 * @pasid: An attached PASID of it
 *
 * Take the address space of a PASID away. On return DMA with it is blocked, with the
 * same exception as for IOMMU_IOAS_UNMAP, and its outstanding page requests are
 * answered IOMMUFD_PAGE_RESP_INVALID.
 *
 * Errors: ENOENT (@dev_id; the PASID is not attached), EOPNOTSUPP (@flags, or no
 * PASIDs), EINVAL (@pasid out of range).
 */
struct iommu_device_pasid_detach {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
};

#define IOMMU_DEVICE_PASID_DETACH _IO(IOMMUFD_TYPE, \
				      IOMMUFD_CMD_DEVICE_PASID_DETACH)

/**
 * enum iommu_device_pri_op - What to do with a device's page request interface
 * @IOMMU_DEVICE_PRI_QUERY: Nothing: only the out members are wanted
 * @IOMMU_DEVICE_PRI_ENABLE: Turn page requests on, and keep them on until DISABLE
 *                           or until the device is unbound, whether or not the
 *                           device or a PASID is attached to a HWPT with a fault
 *                           queue. Requests that nobody is attached for are
 *                           answered invalid
 * @IOMMU_DEVICE_PRI_DISABLE: Undo ENABLE, the allocation too. Page requests stay on
 *                            as long as there is an attachment to a HWPT with a
 *                            fault queue
 * @IOMMU_DEVICE_PRI_RESET: Answer all that is outstanding
 *                          IOMMUFD_PAGE_RESP_INVALID, then start the interface
 *                          anew: the device forgets its requests, its credits and
 *                          a failure that has stopped it. It is on or off as
 *                          before, and what is attached stays. Requests that come
 *                          during the reset are answered invalid; of a device whose
 *                          accesses stall all DMA is aborted meanwhile. If it fails with
 *                          something else than EBUSY, EOPNOTSUPP or ENODEV, page
 *                          requests are off although they are wanted, until another
 *                          RESET, an ENABLE, or an attachment to a HWPT with a fault
 *                          queue turns them on
 */
enum iommu_device_pri_op {
	IOMMU_DEVICE_PRI_QUERY = 0,
	IOMMU_DEVICE_PRI_ENABLE = 1,
	IOMMU_DEVICE_PRI_DISABLE = 2,
	IOMMU_DEVICE_PRI_RESET = 3,
};

/**
 * enum iommu_device_pri_state - State of a device's page request interface
 * @IOMMU_DEVICE_PRI_ENABLED: Page requests are on. Without it, although there are
 *                            attachments: a RESET has failed
 * @IOMMU_DEVICE_PRI_BY_USER: IOMMU_DEVICE_PRI_ENABLE is in force
 * @IOMMU_DEVICE_PRI_RESP_PASID: Responses to requests with a PASID have to have it
 *                               (PCIe 6.0, 10.5.2.3: PRG Response PASID Required)
 * @IOMMU_DEVICE_PRI_FAILED: An IOMMUFD_PAGE_RESP_FAILURE has stopped the device,
 *                           until a RESET
 */
enum iommu_device_pri_state {
	IOMMU_DEVICE_PRI_ENABLED = 1 << 0,
	IOMMU_DEVICE_PRI_BY_USER = 1 << 1,
	IOMMU_DEVICE_PRI_RESP_PASID = 1 << 2,
	IOMMU_DEVICE_PRI_FAILED = 1 << 3,
};

/**
 * struct iommu_device_pri - ioctl(IOMMU_DEVICE_PRI)
 * @size: sizeof(struct iommu_device_pri)
 * @flags: Must be 0
 * @dev_id: A bound device
 * @op: One of enum iommu_device_pri_op
 * @allocation: ENABLE: page requests that the device may have outstanding from now
 *              on, up to @out_capacity; 0: that many. What goes beyond is not
 *              delivered, as when a fault queue is full; but a group that comes
 *              while nothing else is outstanding is, up to @out_capacity. Otherwise
 *              must be 0
 * @out_allocation: Page requests that it may have outstanding
 * @out_capacity: The most it can have outstanding (PCIe 6.0, 10.5.2.4), or as many as
 *                its IOMMU takes, if that is less; of a function and its virtual
 *                functions together
 * @out_state: Combination of enum iommu_device_pri_state
 * @out_attaches: Attachments to HWPTs with a fault queue, of the device itself and
 *                of its PASIDs; each keeps page requests on
 * @out_outstanding: Page requests that were taken and are not answered; more than
 *                   @out_allocation if a group is larger than that
 *
 * The page request interface of a device, for a VMM that shows its guest a page request
 * capability. A device whose accesses stall has one too. The out members tell the state
 * after the operation.
 *
 * Errors: ENOENT (@dev_id), EOPNOTSUPP (@flags, @op; the device has no page
 * requests, or its IOMMU driver does not hand them to user space, or the device is
 * mediated and shares them; RESET: the driver cannot), EINVAL (@allocation; DISABLE
 * without ENABLE), EBUSY (ENABLE is in force, or the device has not stopped since page
 * requests were turned off; RESET: other functions share the interface), ENODEV (the
 * device has gone), EIO (the hardware refused), EFAULT, ENOMEM; what the IOMMU driver
 * returns. Nothing has changed then, but: after a RESET that failed in the driver what
 * was outstanding is answered, and but for EBUSY page requests are off; and if the
 * structure becomes unwritable during the call, it is EFAULT although a DISABLE or
 * RESET was done.
 */
struct iommu_device_pri {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 op;
	__u32 allocation;
	__u32 out_allocation;
	__u32 out_capacity;
	__u32 out_state;
	__u32 out_attaches;
	__u32 out_outstanding;
};

#define IOMMU_DEVICE_PRI _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DEVICE_PRI)

/**
 * enum iommu_hwpt_event_flags - What an event record says of itself
 * @IOMMU_HWPT_EVENT_LOST: Events before this one found no room; the difference of
 *                         the sequence numbers says how many
 * @IOMMU_HWPT_EVENT_EMPTY: The record only tells of a loss; of the other members
 *                          only @sequence is valid: of the last event lost
 * @IOMMU_HWPT_EVENT_PASID_VALID: The access carried a PASID
 */
enum iommu_hwpt_event_flags {
	IOMMU_HWPT_EVENT_LOST = 1 << 0,
	IOMMU_HWPT_EVENT_EMPTY = 1 << 1,
	IOMMU_HWPT_EVENT_PASID_VALID = 1 << 2,
};

/**
 * struct iommu_hwpt_event - An access that failed, read from an event queue
 * @flags: Combination of enum iommu_hwpt_event_flags
 * @sequence: Number of the event, from 1, lost ones counted; wraps
 * @addr: Address that the device used; the low 12 bits may be 0
 * @dev_id: The device, as it was called then: once it is unbound the id may be another's
 * @pasid: PASID of the access as it was named when it was attached, valid with
 *         IOMMU_HWPT_EVENT_PASID_VALID
 * @perm: What was asked for: combination of enum iommu_hwpt_pgfault_perm
 * @reason: The hardware's own code. Intel VT-d: the fault reason of the
 *          specification's section 7.1.3. Arm SMMUv3: the type of the event (Arm IHI
 *          0070, 7.3)
 */
struct iommu_hwpt_event {
	__u32 flags;
	__u32 sequence;
	__aligned_u64 addr;
	__u32 dev_id;
	__u32 pasid;
	__u32 perm;
	__u32 reason;
};

/* Most events that a queue holds */
#define IOMMU_HWPT_EVENTQ_DEPTH_MAX	(1 << 16)

/**
 * struct iommu_hwpt_eventq_alloc - ioctl(IOMMU_HWPT_EVENTQ_ALLOC)
 * @size: sizeof(struct iommu_hwpt_eventq_alloc)
 * @flags: Must be 0
 * @hwpt_id: HWPT to listen to, of either kind
 * @depth: In: events that the queue is to hold, 1 to IOMMU_HWPT_EVENTQ_DEPTH_MAX.
 *         Out: as many as it does hold, the next power of two
 * @out_eventq_id: Id of the new queue
 * @out_eventq_fd: File descriptor to read struct iommu_hwpt_event from
 *
 * Hear of accesses through a HWPT that failed and that nobody can answer: no
 * translation where the device cannot ask, a reserved bit in a guest's table.
 * (Page requests come through a fault queue.) A read returns whole records, waits
 * for the first (EAGAIN with O_NONBLOCK), and is ESPIPE for a size that is not a
 * multiple of a record's. poll() says when there is one. Nothing waits for the
 * reader: an event that finds the queue full is counted and told of.
 *
 * The queue keeps the HWPT. DESTROY of the queue is EBUSY while its file is open.
 *
 * Errors: ENOENT (@hwpt_id), EOPNOTSUPP (@flags; the IOMMU driver does not tell of
 * such accesses), EINVAL (@depth), EBUSY (the HWPT has a queue), EMFILE, ENFILE,
 * EFAULT, ENOMEM.
 */
struct iommu_hwpt_eventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 depth;
	__u32 out_eventq_id;
	__u32 out_eventq_fd;
};

#define IOMMU_HWPT_EVENTQ_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_EVENTQ_ALLOC)

/**
 * enum iommu_probe_combine - How a property of several devices that share a HWPT
 *                            follows from those of each
 * @IOMMU_PROBE_COMBINE_NONE: It does not: the property is the device's own
 * @IOMMU_PROBE_COMBINE_MIN: An array of __u64: the smallest of each
 * @IOMMU_PROBE_COMBINE_MAX: An array of __u64: the largest of each
 * @IOMMU_PROBE_COMBINE_AND: An array of __u64: the bits that all have
 * @IOMMU_PROBE_COMBINE_SAME: They cannot share a HWPT unless it is the same, byte
 *                            for byte
 * @IOMMU_PROBE_COMBINE_UNION: An array of struct iommu_probe_region: all of them
 * @IOMMU_PROBE_COMBINE_INTERSECT: An array of struct iommu_iova_range, ascending and
 *                                 without overlap: what is in a range of each
 * @IOMMU_PROBE_COMBINE_COMMON: An array of pairs of __u64: those whose first is with
 *                              all, with the bits of the second that all have
 *
 * So a program can combine what it does not know the type of, and combine the
 * result again. Where a property is missing with one device, that is what its type
 * says it is.
 */
enum iommu_probe_combine {
	IOMMU_PROBE_COMBINE_NONE = 0,
	IOMMU_PROBE_COMBINE_MIN = 1,
	IOMMU_PROBE_COMBINE_MAX = 2,
	IOMMU_PROBE_COMBINE_AND = 3,
	IOMMU_PROBE_COMBINE_SAME = 4,
	IOMMU_PROBE_COMBINE_UNION = 5,
	IOMMU_PROBE_COMBINE_INTERSECT = 6,
	IOMMU_PROBE_COMBINE_COMMON = 7,
};

/**
 * enum iommu_probe_type - What a property tells
 * @IOMMU_PROBE_DRIVER: One __u64: a number that all devices of an IOMMU driver have
 *                      in common, until the next boot. Always there
 * @IOMMU_PROBE_UNIT: The name of the IOMMU in front of the device, as in
 *                    /sys/class/iommu, filled up with bytes of 0 (at least one).
 *                    SAME where it takes one unit to share a HWPT. Always there
 * @IOMMU_PROBE_RESV_REGIONS: Array of struct iommu_probe_region: IOVAs that are not
 *                            what they look like. Always there, maybe empty
 * @IOMMU_PROBE_IOVA_RANGES: Array of struct iommu_iova_range: what a HWPT can map for
 *                           the device. Of HWPTs with certain flags. Missing: such a
 *                           HWPT is not offered; or, of an IOMMU driver that decides
 *                           when a HWPT is attached first, not known yet
 * @IOMMU_PROBE_PAGE_SIZES: One __u64: page sizes in bytes that a table can be made
 *                          of; each bit is one. No common one: no common HWPT.
 *                          Of HWPTs with certain flags. Missing: as IOVA_RANGES
 * @IOMMU_PROBE_TABLE_WIDTHS: Two __u64, of tables of stage 1 and of stage 2: bit n:
 *                            one that takes addresses of n + 1 bits. The kernel makes
 *                            a common HWPT of stage 1 if there is a common width,
 *                            else of stage 2, or else none; it maps nothing beyond
 *                            the largest common width. Of HWPTs with certain flags.
 *                            Missing: as IOVA_RANGES, or not known
 * @IOMMU_PROBE_ALIGNMENT: One __u64: bytes, a power of two, that the start and the
 *                         length of mappings in an IOAS with the device are multiples
 *                         of. For a common HWPT it is the smallest common page size,
 *                         if that is more. Of HWPTs with certain flags. Missing: not
 *                         known
 * @IOMMU_PROBE_SNOOP: One __u64: 1 if the IOMMU turns all DMA of the device into DMA
 *                     that snoops the CPUs' caches, 0 if it cannot. Always there
 * @IOMMU_PROBE_CAPABILITIES: One __u64 of enum iommu_probe_capability. Always there
 * @IOMMU_PROBE_ADDRESS_WIDTHS: Four __u64, bits of addresses: in to and out of stage
 *                              1, in to and out of stage 2, as the IOMMU can at most;
 *                              0: it has no such stage. Missing: not known
 * @IOMMU_PROBE_PASIDS: One __u64: width in bits of the PASIDs the device may use, 0
 *                      to 20; 0: none. Always there
 * @IOMMU_PROBE_PASID_TABLE: One __u64: 0: the kernel keeps the table of PASIDs and a
 *                           nested HWPT is for the device or for one PASID; 1: a
 *                           nested HWPT brings the guest's table of all PASIDs.
 *                           Always there
 * @IOMMU_PROBE_FAULTS: struct iommu_probe_faults. Always there
 * @IOMMU_PROBE_INVALIDATION: Two __u64: bytes that an invalidation of the IOMMU's, and
 *                            of the device's, cached translations takes away at
 *                            least; U64_MAX: all; 0: there is no such cache, or it is
 *                            not known. Always there
 * @IOMMU_PROBE_NESTED_FORMATS: Pairs of __u64: an enum iommu_hwpt_data_type that a
 *                              nested HWPT for the device may have, and the widths of
 *                              a guest's stage 1, as in TABLE_WIDTHS. Missing: the
 *                              device cannot be nested, or it is not known how
 * @IOMMU_PROBE_HW_INFO: struct iommu_probe_hw_info: what IOMMU_GET_HW_INFO says.
 *                       Missing: the IOMMU driver has nothing to say
 *
 * A program skips what it does not know.
 */
enum iommu_probe_type {
	IOMMU_PROBE_DRIVER = 1,
	IOMMU_PROBE_UNIT = 2,
	IOMMU_PROBE_RESV_REGIONS = 3,
	IOMMU_PROBE_IOVA_RANGES = 4,
	IOMMU_PROBE_PAGE_SIZES = 5,
	IOMMU_PROBE_TABLE_WIDTHS = 6,
	IOMMU_PROBE_ALIGNMENT = 7,
	IOMMU_PROBE_SNOOP = 8,
	IOMMU_PROBE_CAPABILITIES = 9,
	IOMMU_PROBE_ADDRESS_WIDTHS = 10,
	IOMMU_PROBE_PASIDS = 11,
	IOMMU_PROBE_PASID_TABLE = 12,
	IOMMU_PROBE_FAULTS = 13,
	IOMMU_PROBE_INVALIDATION = 14,
	IOMMU_PROBE_NESTED_FORMATS = 15,
	IOMMU_PROBE_HW_INFO = 16,
};

/**
 * struct iommu_probe_property - The head of a property
 * @type: One of enum iommu_probe_type
 * @combine: One of enum iommu_probe_combine
 * @length: Bytes of the value that follows, a multiple of 8, maybe 0. The head of
 *          the next property comes after it
 * @hwpt_flags: What the property is about: paging HWPTs made with exactly these of
 *              IOMMU_HWPT_ALLOC_NEST_PARENT and IOMMU_HWPT_ALLOC_DIRTY_TRACKING. 0
 *              where it does not depend on them
 * @__reserved: 0
 */
struct iommu_probe_property {
	__u16 type;
	__u16 combine;
	__u32 length;
	__u32 hwpt_flags;
	__u32 __reserved;
};

/**
 * enum iommu_probe_region_kind - Why IOVAs are reserved
 * @IOMMU_PROBE_REGION_RESERVED: The device, or its bus, takes them for itself
 * @IOMMU_PROBE_REGION_DIRECT: Firmware has the device use this memory
 * @IOMMU_PROBE_REGION_DIRECT_RELAXABLE: Likewise, but only until a driver takes over:
 *                                       may be mapped, and is in IOVA_RANGES
 * @IOMMU_PROBE_REGION_MSI: Writes to them are interrupts, not translated
 * @IOMMU_PROBE_REGION_SW_MSI: The kernel maps doorbells of interrupts there
 */
enum iommu_probe_region_kind {
	IOMMU_PROBE_REGION_RESERVED = 1,
	IOMMU_PROBE_REGION_DIRECT = 2,
	IOMMU_PROBE_REGION_DIRECT_RELAXABLE = 3,
	IOMMU_PROBE_REGION_MSI = 4,
	IOMMU_PROBE_REGION_SW_MSI = 5,
};

/**
 * struct iommu_probe_region - Reserved IOVAs
 * @start: First address, in bytes
 * @last: Last address
 * @kind: One of enum iommu_probe_region_kind
 * @prot: Of a direct one: what the device needs, IOMMU_IOAS_MAP_WRITEABLE and
 *        IOMMU_IOAS_MAP_READABLE. Otherwise 0
 */
struct iommu_probe_region {
	__aligned_u64 start;
	__aligned_u64 last;
	__u32 kind;
	__u32 prot;
};

/**
 * enum iommu_probe_capability - What can be done with a device
 * @IOMMU_PROBE_CAP_DIRTY_TRACKING: HWPTs with IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 * @IOMMU_PROBE_CAP_COHERENT: DMA of the device sees the CPUs' caches, unless it asks
 *                            not to
 * @IOMMU_PROBE_CAP_FAULT_QUEUE: HWPTs with IOMMU_HWPT_FAULT_ID_VALID
 * @IOMMU_PROBE_CAP_HWPT_EVENTQ: IOMMU_HWPT_EVENTQ_ALLOC of its HWPTs
 * @IOMMU_PROBE_CAP_PASID_ATTACH: IOMMU_DEVICE_PASID_ATTACH, if it has PASIDs
 * @IOMMU_PROBE_CAP_PASID_REPLACE: IOMMU_DEVICE_PASID_REPLACE, likewise
 * @IOMMU_PROBE_CAP_PASID_EXEC: Requests with PASID may ask to execute
 * @IOMMU_PROBE_CAP_PASID_PRIV: Requests with PASID may ask for privileged access
 */
enum iommu_probe_capability {
	IOMMU_PROBE_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_PROBE_CAP_COHERENT = 1 << 1,
	IOMMU_PROBE_CAP_FAULT_QUEUE = 1 << 2,
	IOMMU_PROBE_CAP_HWPT_EVENTQ = 1 << 3,
	IOMMU_PROBE_CAP_PASID_ATTACH = 1 << 4,
	IOMMU_PROBE_CAP_PASID_REPLACE = 1 << 5,
	IOMMU_PROBE_CAP_PASID_EXEC = 1 << 6,
	IOMMU_PROBE_CAP_PASID_PRIV = 1 << 7,
};

/**
 * enum iommu_probe_faults_flags - How a device and its IOMMU deal with translations
 *                                 that are not there
 * @IOMMU_PROBE_FAULTS_ATS: The device can cache translations (PCIe ATS)
 * @IOMMU_PROBE_FAULTS_PRI: It can ask for pages (PCIe PRI)
 * @IOMMU_PROBE_FAULTS_STALL: The IOMMU can let its accesses wait
 * @IOMMU_PROBE_FAULTS_RESP_PASID: As IOMMU_DEVICE_PRI_RESP_PASID
 */
enum iommu_probe_faults_flags {
	IOMMU_PROBE_FAULTS_ATS = 1 << 0,
	IOMMU_PROBE_FAULTS_PRI = 1 << 1,
	IOMMU_PROBE_FAULTS_STALL = 1 << 2,
	IOMMU_PROBE_FAULTS_RESP_PASID = 1 << 3,
};

/**
 * struct iommu_probe_faults - Page faults of a device (IOMMU_PROBE_FAULTS)
 * @flags: Combination of enum iommu_probe_faults_flags
 * @ats_depth: With ATS: invalidations that the device can queue, 1 to 32
 * @pri_capacity: With PRI: page requests it can have outstanding
 * @stall_depth: With STALL: accesses of all devices of the unit that can wait at once,
 *               up to 4096
 */
struct iommu_probe_faults {
	__u32 flags;
	__u32 ats_depth;
	__u32 pri_capacity;
	__u32 stall_depth;
};

/**
 * struct iommu_probe_hw_info - What hardware says of itself (IOMMU_PROBE_HW_INFO)
 * @type: One of enum iommu_hw_info_type
 * @data_len: Bytes of @data
 * @data: The structure that @type names; bytes of 0 fill it up
 */
struct iommu_probe_hw_info {
	__u32 type;
	__u32 data_len;
	__u8 data[];
};

/**
 * struct iommu_device_probe - ioctl(IOMMU_DEVICE_PROBE)
 * @size: sizeof(struct iommu_device_probe)
 * @flags: Must be 0
 * @dev_id: A bound device
 * @data_len: In: bytes of room at @data_uptr, may be 0. Out: bytes of all properties
 * @data_uptr: User address that gets the properties, each a struct
 *             iommu_probe_property and its value; a multiple of 8
 * @out_num: Properties that were stored
 * @__reserved: Must be 0
 *
 * What a device and the IOMMU in front of it can do, whatever kind of IOMMU it is,
 * for a VMM that makes its guest a machine that fits. Nothing is attached, and
 * nothing changes; what is told stays true while the device is bound, but for
 * properties that were not known before, the window of IOMMU_DEVICE_MSI_WINDOW with
 * the ranges that it leaves, and the device's part of INVALIDATION if it stops answering;
 * with other IOMMU drivers than ours also CAPABILITIES, PASIDS and FAULTS, where those
 * turn PASIDs or ATS on with the first attach.
 *
 * Errors: ENOENT (@dev_id), EOPNOTSUPP (@flags, @__reserved), EINVAL (@data_uptr),
 * EFAULT, ENOMEM, and EMSGSIZE when there is not room for all: then as many whole
 * properties as have room have been stored, and @data_len and @out_num are valid.
 */
struct iommu_device_probe {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 out_num;
	__u32 __reserved;
};

#define IOMMU_DEVICE_PROBE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DEVICE_PROBE)

/* The most entries of one IOMMU_IOAS_MAP_ARRAY or IOMMU_IOAS_UNMAP_ARRAY */
#define IOMMU_IOAS_ARRAY_MAX	4096

/**
 * enum iommu_ioas_map_entry_flags - How to map an entry
 * @IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA: As IOMMU_IOAS_MAP_FIXED_IOVA
 * @IOMMU_IOAS_MAP_ENTRY_WRITEABLE: As IOMMU_IOAS_MAP_WRITEABLE
 * @IOMMU_IOAS_MAP_ENTRY_READABLE: As IOMMU_IOAS_MAP_READABLE
 * @IOMMU_IOAS_MAP_ENTRY_ANSWER: Answer a page request group once this entry, and all
 *                               before it, are mapped
 */
enum iommu_ioas_map_entry_flags {
	IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_ENTRY_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_ENTRY_READABLE = 1 << 2,
	IOMMU_IOAS_MAP_ENTRY_ANSWER = 1 << 3,
};

/**
 * struct iommu_ioas_map_entry - One mapping of IOMMU_IOAS_MAP_ARRAY
 * @flags: Combination of enum iommu_ioas_map_entry_flags; at least one of readable
 *         and writeable
 * @cookie: With IOMMU_IOAS_MAP_ENTRY_ANSWER: iommu_hwpt_pgfault::cookie of the group
 *          to answer; else 0
 * @user_va: Address of the memory in the calling process
 * @length: Bytes, not 0; a multiple of the IOVA alignment
 * @iova: In, with IOMMU_IOAS_MAP_ENTRY_FIXED_IOVA: where to map; without it anything
 *        but U64_MAX. Out without it: where it is mapped; written for entries that are
 *        done
 */
struct iommu_ioas_map_entry {
	__u32 flags;
	__u32 cookie;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

/**
 * struct iommu_ioas_map_array - ioctl(IOMMU_IOAS_MAP_ARRAY)
 * @size: sizeof(struct iommu_ioas_map_array)
 * @flags: Must be 0
 * @ioas_id: IOAS to map into
 * @fault_id: Fault queue whose page requests the entries answer; 0: none does
 * @entries: Address of an array of struct iommu_ioas_map_entry
 * @entry_len: Bytes of one entry, at least those of the structure's first release and
 *             at most 4096; what is beyond the structure the kernel knows has to be 0
 * @entry_num: How many, 1 to IOMMU_IOAS_ARRAY_MAX
 * @out_done: Entries that are done, also with an error that an entry has; 0 before
 * @out_answered: Groups that were answered, likewise
 *
 * Do what IOMMU_IOAS_MAP does for each entry, in their order, up to the first that
 * fails. The first @out_done entries are mapped; the next one and those behind it are
 * as if they had not been in the array; the error is that of the one that failed.
 * Devices that have to be told of new mappings are told once for all.
 *
 * An entry may answer a page request group with IOMMUFD_PAGE_RESP_SUCCESS: the answer
 * is given when the mappings of the entry and of those before it are in effect, and
 * not at all if one of them failed. So that a page that is mapped on demand costs two
 * calls: a read of the fault and this. The group has to be one that was read from
 * @fault_id and waits for an answer, else the entry fails (EINVAL) before anything of
 * it is mapped. If the group is answered by somebody else while memory is being mapped
 * (another thread, a detach), the entry is done without an answer: @out_answered says
 * so. Each group is answered once.
 *
 * A structure that cannot be written is found out before anything is mapped. If it
 * ceases to be writable during the call, all is removed again, with EFAULT, and nothing
 * answered; if an entry for which the kernel chose the IOVA does, it is the one that
 * failed, and what it and those behind it have mapped is removed. Only what happens
 * after the answers is no error: @out_answered stays 0 then.
 *
 * Errors: ENOENT (IOAS, fault queue), EOPNOTSUPP (@flags, unknown flag of an entry, a
 * cookie without the flag), EINVAL (@entry_num, @entry_len; an answer
 * with @fault_id 0 or to a group that waits for none), E2BIG (an entry has more than
 * the kernel knows), EFAULT, and those of IOMMU_IOAS_MAP.
 */
struct iommu_ioas_map_array {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 fault_id;
	__aligned_u64 entries;
	__u32 entry_len;
	__u32 entry_num;
	__u32 out_done;
	__u32 out_answered;
};

#define IOMMU_IOAS_MAP_ARRAY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP_ARRAY)

/**
 * struct iommu_ioas_unmap_entry - One range of IOMMU_IOAS_UNMAP_ARRAY
 * @iova: First IOVA
 * @length: Bytes, not 0
 */
struct iommu_ioas_unmap_entry {
	__aligned_u64 iova;
	__aligned_u64 length;
};

/**
 * struct iommu_ioas_unmap_array - ioctl(IOMMU_IOAS_UNMAP_ARRAY)
 * @size: sizeof(struct iommu_ioas_unmap_array)
 * @flags: Must be 0
 * @ioas_id: IOAS to unmap from
 * @entry_len: Bytes of one entry, as in struct iommu_ioas_map_array
 * @entries: Address of an array of struct iommu_ioas_unmap_entry
 * @entry_num: How many, 1 to IOMMU_IOAS_ARRAY_MAX
 * @out_done: Entries that are done, also with an error that an entry has; 0 before
 * @out_unmapped: Bytes that were mapped and are not any more, likewise
 *
 * Do what IOMMU_IOAS_UNMAP does for each entry, in their order, up to the first that
 * fails; but no entry means everything. The first @out_done entries are unmapped, and
 * nothing else is. IOTLBs are flushed once for the call, before any of
 * the memory is given back; a range that in-kernel users (mediated devices) have
 * pinned has a flush of its own.
 *
 * Errors: ENOENT (IOAS; nothing is mapped in an entry, or a mapping is only partly in
 * it), EOPNOTSUPP (@flags), EINVAL (@entry_num, @entry_len, length 0),
 * EOVERFLOW, E2BIG, EBUSY (another call maps or unmaps in the range), EDEADLK (as
 * IOMMU_IOAS_UNMAP: some of the range may be unmapped), EFAULT, ENOMEM. A structure
 * that cannot be written is found out before anything is unmapped; if it becomes so
 * during the call, it is EFAULT although entries are unmapped.
 */
struct iommu_ioas_unmap_array {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 entry_len;
	__aligned_u64 entries;
	__u32 entry_num;
	__u32 out_done;
	__aligned_u64 out_unmapped;
};

#define IOMMU_IOAS_UNMAP_ARRAY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP_ARRAY)

/* The most bytes of a window of IOMMU_DEVICE_MSI_WINDOW */
#define IOMMU_MSI_WINDOW_LENGTH_MAX	(1 << 24)

/**
 * enum iommu_msi_window_flags - Flags of struct iommu_device_msi_window
 * @IOMMU_MSI_WINDOW_SET: In: the window is to be there. Without it: where is it?
 * @IOMMU_MSI_WINDOW_FIXED: Out: it stays there as long as a device of the group is
 *                          bound. Without it the kernel is going to choose, when a
 *                          device is attached first, or a HWPT made for a list with
 *                          it: where @start says, if nobody has that by then
 * @IOMMU_MSI_WINDOW_STABLE: Out: what a device was told holds in every HWPT, paging and
 *                           nested: interrupts stay as they are when it moves. Without
 *                           it, as other IOMMU drivers have it, they have to be
 *                           disabled before, and enabled after
 */
enum iommu_msi_window_flags {
	IOMMU_MSI_WINDOW_SET = 1 << 0,
	IOMMU_MSI_WINDOW_FIXED = 1 << 1,
	IOMMU_MSI_WINDOW_STABLE = 1 << 2,
};

/**
 * struct iommu_device_msi_window - ioctl(IOMMU_DEVICE_MSI_WINDOW)
 * @size: sizeof(struct iommu_device_msi_window)
 * @flags: IOMMU_MSI_WINDOW_SET or 0
 * @dev_id: Bound device
 * @ioas_id: With IOMMU_MSI_WINDOW_SET an IOAS to look at too: nothing may be mapped or
 *           promised there. 0: none
 * @start: First IOVA; in with IOMMU_MSI_WINDOW_SET
 * @length: Bytes; in with IOMMU_MSI_WINDOW_SET, up to IOMMU_MSI_WINDOW_LENGTH_MAX.
 *          Both are multiples of the page size, and not 0
 * @out_flags: IOMMU_MSI_WINDOW_FIXED, IOMMU_MSI_WINDOW_STABLE
 * @out_doorbells: Pages of it that are in use, of whatever device of this open file
 *
 * Where the interrupt controller's doorbell is an address like any other, the kernel
 * maps it for a device that is to write MSIs there: into this window, which it keeps
 * free in every IOAS that a device of the group is attached to. IOMMU_DEVICE_PROBE tells
 * the same as a region of kind IOMMU_PROBE_REGION_SW_MSI. Each doorbell takes a page; a
 * device interrupts by way of one, or few.
 *
 * SET is for before the first attach, or HWPT for a list. It may be called again until
 * then. Windows of one open file are the same or have no IOVA in common. All devices of
 * a group have one; a group that does not care takes over that of another if it can.
 *
 * Where the kernel chooses it takes the window of another group, the first that is
 * long enough and suits; else the place that the IOMMU driver names; else the lowest
 * one from 1 MiB on, aligned to its length rounded up to a power of two. Each has to be
 * free in the IOAS. Before that, @start and @length are what it
 * would take in an IOAS with nothing in it.
 *
 * Errors: EOPNOTSUPP (unknown @flags; the device has no such window: hardware takes its
 * MSIs, at a region of kind IOMMU_PROBE_REGION_MSI, or it has none), ENOENT (device,
 * IOAS), EINVAL (@start or @length with SET, also less than the IOMMU driver names where
 * IOMMU_MSI_WINDOW_STABLE is not set; @ioas_id without SET), EOVERFLOW (it runs
 * past the end), ERANGE (beyond what the device's HWPTs translate, or beyond 4 GiB for
 * a function whose MSI addresses have 32 bits), EADDRINUSE (a reserved region of a
 * device of the group, a part of another window, or something in the IOAS is there),
 * EBUSY (a device of the group has been attached, if only to find that its memory could
 * not be pinned, or is in the list that a HWPT has been or is being made for: it is
 * elsewhere, and stays), ENOMEM. All is as it was then.
 */
struct iommu_device_msi_window {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 ioas_id;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 out_flags;
	__u32 out_doorbells;
};

#define IOMMU_DEVICE_MSI_WINDOW _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DEVICE_MSI_WINDOW)

#endif
