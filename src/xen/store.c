/* SPDX-License-Identifier: MIT */
/*
 * libxenstore's way of telling that xenstored is gone depends on who noticed
 * first, its reader thread or the caller: EBADF, EPIPE, ECONNRESET, or plain
 * EINVAL, which is also what a bad path gives.  Here it is one error, -EPIPE.
 */
#include "xen/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

static struct store_host *of(struct xen_host *h)
{
	return (struct store_host *)h;
}

/* errno of a call that failed, as -errno of ours. */
static int failed(struct xs_handle *xs)
{
	int err = errno;
	char *path;

	if (err == EINVAL) {
		/* A connection that is there answers this one always. */
		path = xs_get_domain_path(xs, 0);
		if (!path)
			return -EPIPE;
		free(path);
	}
	if (err == EBADF || err == ECONNRESET)
		err = EPIPE;
	return err ? -err : -EIO;
}

static int result(struct xen_host *h, bool ok)
{
	return ok ? 0 : failed(of(h)->xs);
}

int host_store_open(struct store_host *h, const char *socket)
{
	/* libxenstore takes the socket's path from the environment only. */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const char *old = getenv("XENSTORED_PATH");
	char *keep = NULL;

	if (!socket) {
		h->xs = xs_open(0);
		return h->xs ? 0 : -errno;
	}
	pthread_mutex_lock(&lock);
	if (old)
		keep = strdup(old);
	setenv("XENSTORED_PATH", socket, 1);
	h->xs = xs_open(0);
	if (keep)
		setenv("XENSTORED_PATH", keep, 1);
	else
		unsetenv("XENSTORED_PATH");
	free(keep);
	pthread_mutex_unlock(&lock);
	return h->xs ? 0 : -errno;
}

void host_store_close(struct store_host *h)
{
	xs_close(h->xs);
	h->xs = NULL;
}

char *host_store_read(struct xen_host *h, xen_xbt t, const char *path,
		      size_t *len)
{
	unsigned n = 0;
	char *value = xs_read(of(h)->xs, t, path, &n);

	if (!value)
		errno = -failed(of(h)->xs);
	else if (len)
		*len = n;
	return value;
}

int host_store_write(struct xen_host *h, xen_xbt t, const char *path,
		     const char *value)
{
	return result(h, xs_write(of(h)->xs, t, path, value,
				  (unsigned)strlen(value)));
}

int host_store_mkdir(struct xen_host *h, xen_xbt t, const char *path)
{
	return result(h, xs_mkdir(of(h)->xs, t, path));
}

int host_store_rm(struct xen_host *h, xen_xbt t, const char *path)
{
	struct xs_handle *xs = of(h)->xs;
	char *value;
	unsigned n;

	/* xenstored is content where only the parent is there; we are not. */
	value = xs_read(xs, t, path, &n);
	if (!value && errno == ENOENT)
		return -ENOENT;
	free(value);
	return result(h, xs_rm(xs, t, path));
}

char **host_store_directory(struct xen_host *h, xen_xbt t, const char *path,
			    unsigned *count)
{
	char **names = xs_directory(of(h)->xs, t, path, count);

	if (!names)
		errno = -failed(of(h)->xs);
	return names;
}

static unsigned perm_bits(char right)
{
	switch (right) {
	case 'r':
		return XS_PERM_READ;
	case 'w':
		return XS_PERM_WRITE;
	case 'b':
		return XS_PERM_READ | XS_PERM_WRITE;
	default:
		return XS_PERM_NONE;
	}
}

int host_store_permit(struct xen_host *h, xen_xbt t, const char *path,
		      uint16_t owner, uint16_t other, char right)
{
	struct xs_permissions perms[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = other, .perms = perm_bits(right) },
	};

	return result(h, xs_set_permissions(of(h)->xs, t, path, perms, 2));
}

int host_store_watch(struct xen_host *h, const char *path, const char *token)
{
	return result(h, xs_watch(of(h)->xs, path, token));
}

int host_store_unwatch(struct xen_host *h, const char *path, const char *token)
{
	return result(h, xs_unwatch(of(h)->xs, path, token));
}

int host_store_fd(struct xen_host *h)
{
	return xs_fileno(of(h)->xs);
}

int host_store_next(struct xen_host *h, char ***event)
{
	*event = xs_check_watch(of(h)->xs);
	if (*event)
		return 0;
	if (errno == EAGAIN)
		return -EAGAIN;
	return errno == ENOMEM ? -ENOMEM : -EPIPE;
}

int host_store_transaction_start(struct xen_host *h, xen_xbt *t)
{
	*t = xs_transaction_start(of(h)->xs);
	return result(h, *t != XBT_NULL);
}

int host_store_transaction_end(struct xen_host *h, xen_xbt t, bool abort)
{
	return result(h, xs_transaction_end(of(h)->xs, t, abort));
}
