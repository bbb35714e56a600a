// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the functions behind an IOMMU were granted.
 *
 * A model believes the tables that it walks; so a driver that lets a guest reach
 * something else, by a wrong table or by a translation that should have gone, is not
 * noticed by whoever asks the model alone. The test knows what it granted, and says it.
 * Then each access of a function, and each access to a table that a guest has made, is
 * compared with that, and one that goes elsewhere does not happen and is a violation.
 *
 * The pages are pinned until they are revoked, or the machine goes, so that what was
 * granted is never somebody else's.
 */
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "grant.h"
#include "port.h"

/* Of an entry: its page may be written to */
#define GRANT_WRITE	1

/**
 * struct model_grants - all that was granted
 * @pages: struct page by its frame number, tagged with GRANT_WRITE
 */
struct model_grants {
	struct xarray pages;
};

static struct model_grants *grants_of(struct model_port *port)
{
	/* The caller keeps others from changing it. */
	return rcu_dereference_protected(port->grants, true);
}

static struct model_grants *grants_new(void)
{
	struct model_grants *grants = kzalloc(sizeof(*grants), GFP_KERNEL_ACCOUNT);

	if (grants)
		xa_init_flags(&grants->pages, XA_FLAGS_ACCOUNT);
	return grants;
}

static void grants_free(struct model_grants *grants)
{
	xa_destroy(&grants->pages);
	kfree(grants);
}

/**
 * model_grant() - functions may reach these pages
 * @port: the IOMMU's; from the first grant on they may reach nothing else. The caller
 *	keeps others from granting and revoking
 * @pages: pinned; on success they are kept so
 * @num: of them
 * @write: they may write to them, too
 *
 * May sleep.
 *
 * Return: 0; -EBUSY: one was granted before; -ENOMEM. Then nothing has changed.
 */
int model_grant(struct model_port *port, struct page **pages, unsigned long num,
		bool write)
{
	struct model_grants *grants = grants_of(port), *fresh = NULL;
	unsigned long i;
	int rc = 0;

	if (!grants) {
		fresh = grants_new();
		grants = fresh;
	}
	if (!grants)
		return -ENOMEM;
	for (i = 0; i < num && !rc; i++)
		rc = xa_insert(&grants->pages, page_to_pfn(pages[i]),
			       xa_tag_pointer(pages[i], write ? GRANT_WRITE : 0),
			       GFP_KERNEL_ACCOUNT);
	if (!rc) {
		if (fresh)
			rcu_assign_pointer(port->grants, fresh);
		return 0;
	}
	/* The last one is not there. */
	for (i--; i > 0; i--)
		xa_erase(&grants->pages, page_to_pfn(pages[i - 1]));
	if (fresh)
		grants_free(fresh);
	return rc;
}

/**
 * model_revoke() - functions may not reach these pages any more
 * @port: the IOMMU's; the caller keeps others from granting and revoking
 * @pages: granted; their order may change
 * @num: of them
 *
 * No access to them is under way on return. May sleep.
 *
 * Return: 0; -ENOENT: one was not granted, and nothing has changed.
 */
int model_revoke(struct model_port *port, struct page **pages, unsigned long num)
{
	struct model_grants *grants = grants_of(port);
	unsigned long i, once = 0;

	if (!grants)
		return -ENOENT;
	for (i = 0; i < num; i++)
		if (!xa_load(&grants->pages, page_to_pfn(pages[i])))
			return -ENOENT;
	/* A page that is there twice was granted, and so pinned, once. */
	for (i = 0; i < num; i++) {
		if (!xa_erase(&grants->pages, page_to_pfn(pages[i])))
			continue;
		swap(pages[once], pages[i]);
		once++;
	}
	/* A model translates and copies with interrupts off. */
	synchronize_rcu();
	unpin_user_pages(pages, once);
	return 0;
}

/**
 * model_grants_end() - nothing is compared any more
 * @port: the IOMMU's; the caller keeps others from granting and revoking
 *
 * May sleep.
 */
void model_grants_end(struct model_port *port)
{
	struct model_grants *grants = grants_of(port);
	unsigned long pfn;
	void *entry;

	if (!grants)
		return;
	rcu_assign_pointer(port->grants, NULL);
	synchronize_rcu();
	xa_for_each(&grants->pages, pfn, entry)
		unpin_user_page(xa_untag_pointer(entry));
	grants_free(grants);
}

/**
 * model_granted() - may an access be made?
 * @port: the IOMMU's
 * @pa: where to
 * @write: it is a write
 * @what: what it is, for who reads of it
 *
 * Any context.
 *
 * Return: true if it may; false: it is a violation, which was told.
 */
bool model_granted(const struct model_port *port, u64 pa, bool write,
		   const char *what)
{
	struct model_grants *grants;
	bool granted = true;
	void *entry;

	rcu_read_lock();
	grants = rcu_dereference(port->grants);
	if (grants) {
		entry = xa_load(&grants->pages, PHYS_PFN(pa));
		granted = entry && (!write || xa_pointer_tag(entry) == GRANT_WRITE);
	}
	rcu_read_unlock();
	if (!granted)
		model_violation("%s: %s at %#llx, which was not granted", what,
				write ? "a write" : "a read", pa);
	return granted;
}
