/* SPDX-License-Identifier: MIT */
/*
 * A store in memory: a list of paths with values, behind the table of
 * operations that the backend uses.  Transactions that conflict, and a read
 * that fails, come when the harness says.
 */
#ifndef TESTS_FUZZ_LIST_STORE_H
#define TESTS_FUZZ_LIST_STORE_H

#include <errno.h>

#include "fuzz.h"
#include "xen/xen.h"

#define LIST_MOST 128u

struct list_store {
	unsigned count;
	struct {
		char path[128], value[96];
	} node[LIST_MOST];
};

static struct list_store list, list_before; /* a transaction began there */
static unsigned list_conflicts;		    /* transactions that still fail */
static unsigned list_read_fails;	    /* the read that fails; 0: none */

/* What the harness has to say to a value that the backend writes. */
static void list_written(const char *path, const char *value);

static const char *list_value(const char *path)
{
	unsigned i;

	for (i = 0; i < list.count; i++)
		if (!strcmp(list.node[i].path, path))
			return list.node[i].value;
	return NULL;
}

/* False if there is no room, or one of the two is too long. */
static bool list_set(const char *path, const char *value)
{
	unsigned i;

	if (strlen(path) >= sizeof(list.node[0].path) ||
	    strlen(value) >= sizeof(list.node[0].value))
		return false;
	for (i = 0; i < list.count; i++)
		if (!strcmp(list.node[i].path, path))
			break;
	if (i == LIST_MOST)
		return false;
	if (i == list.count)
		list.count++;
	strcpy(list.node[i].path, path);
	strcpy(list.node[i].value, value);
	return true;
}

/* A path and all below it; false if there was nothing. */
static bool list_remove(const char *path)
{
	size_t len = strlen(path);
	unsigned i = 0, n = list.count;

	while (i < list.count) {
		const char *p = list.node[i].path;

		if (!strncmp(p, path, len) && (!p[len] || p[len] == '/'))
			list.node[i] = list.node[--list.count];
		else
			i++;
	}
	return list.count < n;
}

static char *list_op_read(struct xen_host *h, xen_xbt t, const char *path,
			  size_t *len)
{
	const char *value = list_value(path);

	(void)h;
	(void)t;
	if (list_read_fails && !--list_read_fails) {
		errno = EIO;
		return NULL;
	}
	if (!value) {
		errno = ENOENT;
		return NULL;
	}
	if (len)
		*len = strlen(value);
	return strdup(value);
}

static int list_op_write(struct xen_host *h, xen_xbt t, const char *path,
			 const char *value)
{
	(void)h;
	(void)t;
	list_written(path, value);
	return list_set(path, value) ? 0 : -ENOSPC;
}

static int list_op_rm(struct xen_host *h, xen_xbt t, const char *path)
{
	(void)h;
	(void)t;
	list_written(path, "");
	return list_remove(path) ? 0 : -ENOENT;
}

static int list_op_start(struct xen_host *h, xen_xbt *t)
{
	(void)h;
	*t = 1;
	list_before = list;
	return 0;
}

static int list_op_end(struct xen_host *h, xen_xbt t, bool abort)
{
	(void)h;
	(void)t;
	if (!abort && !list_conflicts)
		return 0;
	list = list_before;
	if (abort)
		return 0;
	list_conflicts--;
	return -EAGAIN;
}

static const struct xen_ops list_ops = {
	.name = "list",
	.store = { .read = list_op_read,
		   .write = list_op_write,
		   .rm = list_op_rm,
		   .transaction_start = list_op_start,
		   .transaction_end = list_op_end },
};
static struct xen_host list_host = { .ops = &list_ops };

#endif
