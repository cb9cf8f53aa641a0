/* SPDX-License-Identifier: MIT */
/*
 * The store operations of xen.h over libxenstore.  Both hosts use them: the
 * desk's store speaks the same protocol on a socket of its own.
 */
#ifndef XEN_STORE_H
#define XEN_STORE_H

#include "xen/xen.h"

struct xs_handle;

/* What each host's struct begins with. */
struct store_host {
	struct xen_host host;
	struct xs_handle *xs;
};

/*
 * Connect.  `socket` is the path of a xenstored's socket, or NULL for this
 * machine's own.  0 or -errno.
 */
int host_store_open(struct store_host *h, const char *socket);
void host_store_close(struct store_host *h); /* fine where it was not opened */

char *host_store_read(struct xen_host *h, xen_xbt t, const char *path,
		      size_t *len);
int host_store_write(struct xen_host *h, xen_xbt t, const char *path,
		     const char *value);
int host_store_mkdir(struct xen_host *h, xen_xbt t, const char *path);
int host_store_rm(struct xen_host *h, xen_xbt t, const char *path);
char **host_store_directory(struct xen_host *h, xen_xbt t, const char *path,
			    unsigned *count);
int host_store_permit(struct xen_host *h, xen_xbt t, const char *path,
		      uint16_t owner, uint16_t other, char right);
int host_store_watch(struct xen_host *h, const char *path, const char *token);
int host_store_unwatch(struct xen_host *h, const char *path, const char *token);
int host_store_fd(struct xen_host *h);
int host_store_next(struct xen_host *h, char ***event);
int host_store_transaction_start(struct xen_host *h, xen_xbt *t);
int host_store_transaction_end(struct xen_host *h, xen_xbt t, bool abort);

#define HOST_STORE_OPS                                                         \
	{                                                                      \
		.read = host_store_read, .write = host_store_write,            \
		.mkdir = host_store_mkdir, .rm = host_store_rm,                \
		.directory = host_store_directory,                             \
		.permit = host_store_permit, .watch = host_store_watch,        \
		.unwatch = host_store_unwatch, .fd = host_store_fd,            \
		.next = host_store_next,                                       \
		.transaction_start = host_store_transaction_start,             \
		.transaction_end = host_store_transaction_end,                 \
	}

#endif
