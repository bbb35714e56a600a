// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bitmap in user memory with one bit for each page of a range of IOVAs, for
 * drivers that report which pages a device has written to.
 *
 * No page of the user's is ever pinned. Bits gather in a stage, a small piece of
 * kernel memory that stands for one stretch (window) of the bitmap, and are
 * merged into user memory when a bit outside that window is set, and at the end.
 * So reports may come in any order and of any size, and a page that extends
 * beyond what was asked for is simply cut: nothing needs to be remembered for
 * later. A densely written range costs one pass over each of its words.
 *
 * That user memory can be written is found out before the driver is called,
 * because what it reads it also clears: a bad pointer must not cost a record.
 *
 * A bitmap belongs to the thread that allocated it, and there is no lock. This
 * file may be built in while the rest of iommufd is a module: it uses nothing of
 * it.
 */
#include <linux/bits.h>
#include <linux/iova_bitmap.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* A power of two, so that finding the window is a shift */
#define STAGE_WORDS	128
#define STAGE_BYTES	(STAGE_WORDS * sizeof(u64))
#define STAGE_BITS	(STAGE_WORDS * 64UL)

/* User memory looked at in one go, which bounds the time mmap_lock is held */
#define FAULT_IN_BYTES	SZ_2M

/**
 * struct iova_bitmap - one user bitmap while it is being written
 * @iova: what bit 0 starts at
 * @last: last IOVA of the range, inclusive
 * @shift: log2 of the bytes one bit stands for
 * @data: the bitmap in user memory, of any alignment
 * @bytes: its size: nothing at or after @data + @bytes is touched
 * @window: which STAGE_BITS bits of the bitmap @stage stands for
 * @first_word: lowest word of @stage in use; above @last_word if none is
 * @last_word: highest word of @stage in use
 * @error: why user memory could not be written, or 0; set once, then what is
 *	reported is dropped
 * @stage: bits not yet in user memory; zero outside the words in use
 */
struct iova_bitmap {
	unsigned long iova;
	unsigned long last;
	unsigned int shift;
	u8 __user *data;
	unsigned long bytes;

	unsigned long window;
	unsigned int first_word;
	unsigned int last_word;
	int error;
	u64 stage[STAGE_WORDS];
};

/* Set bits @first to @last, inclusive, of the stage. */
static void stage_set(struct iova_bitmap *bitmap, unsigned int first,
		      unsigned int last)
{
	unsigned int from = first / 64, to = last / 64;
	u64 head = GENMASK_ULL(63, first % 64);
	u64 tail = GENMASK_ULL(last % 64, 0);

	if (from == to) {
		bitmap->stage[from] |= head & tail;
	} else {
		bitmap->stage[from] |= head;
		memset(&bitmap->stage[from + 1], 0xff,
		       (to - from - 1) * sizeof(u64));
		bitmap->stage[to] |= tail;
	}
	bitmap->first_word = min(bitmap->first_word, from);
	bitmap->last_word = max(bitmap->last_word, to);
}

/*
 * OR @bytes of @src into user memory. Words without a bit are not touched, a
 * full one is not read. It goes by bytes in memory order, so that @src has to be
 * what user memory is: an array of native u64, whatever the width used here.
 */
static bool merge_into_user(u8 __user *dst, const u64 *src, size_t bytes)
{
	const u8 *from = (const u8 *)src;
	unsigned long word;
	u8 byte;

	if (!user_access_begin(dst, bytes))
		return false;

	if (IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	    IS_ALIGNED((unsigned long)dst, sizeof(word))) {
		for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
			unsigned long __user *to = (unsigned long __user *)dst;
			unsigned long bits = *(const unsigned long *)from;

			if (bits) {
				word = 0;
				if (~bits)
					unsafe_get_user(word, to, fault);
				unsafe_put_user(word | bits, to, fault);
			}
			from += sizeof(word);
			dst += sizeof(word);
		}
	}
	for (; bytes; bytes--) {
		if (*from) {
			unsafe_get_user(byte, dst, fault);
			byte |= *from;
			unsafe_put_user(byte, dst, fault);
		}
		from++;
		dst++;
	}

	user_access_end();
	return true;

fault:
	user_access_end();
	return false;
}

/* Bring the stage into user memory and leave it empty. */
static void stage_flush(struct iova_bitmap *bitmap)
{
	unsigned long base = bitmap->window * STAGE_BYTES;
	size_t from, to;

	if (bitmap->first_word > bitmap->last_word)
		return;

	from = bitmap->first_word * sizeof(u64);
	to = (bitmap->last_word + 1) * sizeof(u64);
	if (!bitmap->error &&
	    !merge_into_user(bitmap->data + base + from,
			     &bitmap->stage[bitmap->first_word],
			     min(to, bitmap->bytes - base) - from))
		bitmap->error = -EFAULT;

	memset(&bitmap->stage[bitmap->first_word], 0, to - from);
	bitmap->first_word = STAGE_WORDS;
	bitmap->last_word = 0;
}

/**
 * iova_bitmap_alloc() - prepare to write a user bitmap
 * @iova: what its first bit starts at; need not be a multiple of @page_size
 * @length: bytes of IOVA it stands for
 * @page_size: bytes one bit stands for, a power of two
 * @data: the bitmap, in the memory of the calling process: an array of u64 of
 *	which as many bytes are written as have bits (on a big-endian machine
 *	as many u64). Need not be aligned
 *
 * Memory use does not depend on @length and is charged to the caller's memory
 * cgroup.
 *
 * Return: a bitmap for iova_bitmap_free(); ERR_PTR(-EINVAL) for a @length of 0
 * or a @page_size that is not a power of two, ERR_PTR(-EOVERFLOW) if the range
 * passes the end of the address space, ERR_PTR(-EFAULT) if @data is not a user
 * address, ERR_PTR(-ENOMEM).
 */
struct iova_bitmap *iova_bitmap_alloc(unsigned long iova, size_t length,
				      unsigned long page_size,
				      u64 __user *data)
{
	unsigned long last, last_bit, bytes;
	struct iova_bitmap *bitmap;
	unsigned int shift;

	if (!length || !is_power_of_2(page_size))
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(iova, length - 1, &last))
		return ERR_PTR(-EOVERFLOW);

	shift = ilog2(page_size);
	last_bit = (length - 1) >> shift;
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		bytes = (last_bit / 64 + 1) * sizeof(u64);
	else
		bytes = last_bit / BITS_PER_BYTE + 1;
	if (!access_ok(data, bytes))
		return ERR_PTR(-EFAULT);

	bitmap = kzalloc(sizeof(*bitmap), GFP_KERNEL_ACCOUNT);
	if (!bitmap)
		return ERR_PTR(-ENOMEM);
	bitmap->iova = iova;
	bitmap->last = last;
	bitmap->shift = shift;
	bitmap->data = (u8 __user *)data;
	bitmap->bytes = bytes;
	bitmap->first_word = STAGE_WORDS;
	return bitmap;
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_alloc, IOMMUFD);

/**
 * iova_bitmap_free() - end the use of a user bitmap
 * @bitmap: from iova_bitmap_alloc()
 */
void iova_bitmap_free(struct iova_bitmap *bitmap)
{
	/* Reported outside of iova_bitmap_for_each(): bits would be lost */
	WARN_ON_ONCE(bitmap->first_word <= bitmap->last_word);
	kfree(bitmap);
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_free, IOMMUFD);

/*
 * Make user memory ready to be written without changing it. It may still be
 * taken away later, by a thread of the same process.
 */
static int fault_in(struct iova_bitmap *bitmap)
{
	unsigned long done, bytes;

	for (done = 0; done < bitmap->bytes; done += bytes) {
		bytes = min(bitmap->bytes - done, FAULT_IN_BYTES);
		if (fault_in_safe_writeable(bitmap->data + done, bytes))
			return fatal_signal_pending(current) ? -EINTR : -EFAULT;
		cond_resched();
	}
	return 0;
}

/**
 * iova_bitmap_for_each() - have the range reported
 * @bitmap: from iova_bitmap_alloc(), by the same thread
 * @opaque: for @fn
 * @fn: called with the range; sets bits by iova_bitmap_set()
 *
 * @fn is called once, with the whole range: a driver may then clear what it
 * reads page by page, of whatever size, without a page being read in two parts.
 * Bits set before @fn failed are in the bitmap.
 *
 * Return: 0; what @fn returned; -EFAULT if not all of the bitmap can be
 * written. It is tried before @fn is called, and then @fn is not; if it fails
 * after that, some reports are lost and everything has to be taken as written.
 * -EINTR if the process is being killed.
 */
int iova_bitmap_for_each(struct iova_bitmap *bitmap, void *opaque,
			 iova_bitmap_fn_t fn)
{
	int rc;

	rc = fault_in(bitmap);
	if (rc)
		return rc;

	bitmap->error = 0;
	rc = fn(bitmap, bitmap->iova, bitmap->last - bitmap->iova + 1, opaque);
	stage_flush(bitmap);
	return rc ?: bitmap->error;
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_for_each, IOMMUFD);

/**
 * iova_bitmap_set() - report that a device wrote to a range
 * @bitmap: as @fn of iova_bitmap_for_each() got it, and in its context
 * @iova: first IOVA
 * @length: bytes
 *
 * Sets the bit of each page the range touches. What lies outside of the bitmap
 * on either side is ignored. May fault and sleep; an error is kept and returned
 * by iova_bitmap_for_each().
 */
void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova,
		     size_t length)
{
	unsigned long bit, end, last_bit, last = iova + length - 1;

	if (!length)
		return;
	if (last < iova)
		last = ULONG_MAX;
	if (last < bitmap->iova || iova > bitmap->last)
		return;

	bit = (max(iova, bitmap->iova) - bitmap->iova) >> bitmap->shift;
	last_bit = (min(last, bitmap->last) - bitmap->iova) >> bitmap->shift;

	for (;; bit = end + 1) {
		if (bit / STAGE_BITS != bitmap->window) {
			stage_flush(bitmap);
			if (bitmap->error)
				return;
			bitmap->window = bit / STAGE_BITS;
			cond_resched();
		}
		end = min(last_bit, bit | (STAGE_BITS - 1));
		stage_set(bitmap, bit % STAGE_BITS, end % STAGE_BITS);
		if (end == last_bit)
			return;
	}
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_set, IOMMUFD);
