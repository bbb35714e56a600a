/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory the functions behind an IOMMU may reach, as a test says it: whatever
 * the tables come to, the model looks here too. Knows no vendor and no driver.
 */
#ifndef __IOMMUFD_MODEL_GRANT_H
#define __IOMMUFD_MODEL_GRANT_H

#include <linux/types.h>

struct model_port;
struct page;

int model_grant(struct model_port *port, struct page **pages, unsigned long num,
		bool write);
int model_revoke(struct model_port *port, struct page **pages, unsigned long num);
void model_grants_end(struct model_port *port);

bool model_granted(const struct model_port *port, u64 pa, bool write,
		   const char *what);

#endif
