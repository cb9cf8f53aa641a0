/* SPDX-License-Identifier: MIT */
#include "desk/store/quota.h"

#include <errno.h>
#include <string.h>

#include "desk/store/path.h"

#define NODE_HEADER_BYTES 24u /* generation and four counts in xenstored */

uint64_t store_quota_node_bytes(const struct store_node *n)
{
	uint64_t bytes = NODE_HEADER_BYTES + n->value_len;
	unsigned i;

	bytes += n->perms->count * 8u;
	for (i = 0; i < n->children; i++)
		bytes += strlen(n->child[i]->name) + 1;
	return bytes;
}

int store_quota_check(const struct store_tree *old,
		      const struct store_tree *next, const char *path,
		      uint16_t domid)
{
	unsigned owned = store_tree_owned(next, domid);
	char part[STORE_PATH_MAX];
	const struct store_node *n;
	size_t len;

	if (domid == 0)
		return 0;
	if (owned > STORE_QUOTA_NODES && owned > store_tree_owned(old, domid))
		return -ENOSPC;
	strcpy(part, path);
	for (;;) {
		n = store_tree_find(next, part);
		if (n && n->generation != store_tree_generation(old, part) &&
		    store_quota_node_bytes(n) > STORE_QUOTA_ENTRY_BYTES)
			return -ENOSPC;
		len = store_path_parent_len(part);
		if (!part[1])
			return 0;
		part[len] = 0;
	}
}
