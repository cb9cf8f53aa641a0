/* SPDX-License-Identifier: MIT */
/*
 * What a backend domain asks of Xen: the store, grants and event channels,
 * as one table of operations with two implementations:
 *
 *   xen        libxenstore, libxengnttab, libxenevtchn   (src/xen/libxen/)
 *   desk:DIR   the emulated host in DIR                  (src/xen/desk/)
 *
 * The shapes follow the real libraries, so that the libxen host is thin and
 * the desk has to behave like it.  Everything returns 0 (or what is said)
 * on success and -errno on failure.  A host's store calls may be made from
 * one thread only; event-channel and grant handles each belong to one
 * thread at a time, and handles of one host may be used side by side.
 *
 * When the host goes away (the desk was killed) calls fail with -EPIPE or
 * -ECONNRESET and xen_host_gone_fd() becomes readable.
 */
#ifndef XEN_XEN_H
#define XEN_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define XEN_PAGE_SIZE  4096u
#define XEN_PAGE_SHIFT 12

/* Status of one grant operation; values of xen/grant_table.h. */
enum xen_gntst {
	XEN_GNTST_OKAY = 0,
	XEN_GNTST_GENERAL_ERROR = -1,
	XEN_GNTST_BAD_DOMAIN = -2,
	XEN_GNTST_BAD_GNTREF = -3,
	XEN_GNTST_NO_DEVICE_SPACE = -7,
	XEN_GNTST_PERMISSION_DENIED = -8,
	XEN_GNTST_BAD_PAGE = -9,
	XEN_GNTST_BAD_COPY_ARG = -10,
	XEN_GNTST_NO_SPACE = -13,
};

/*
 * One mapping: `count` pages of domain `domid`, at consecutive addresses.
 * It is undone whole by unmap with the same struct.
 */
struct xen_map {
	uint16_t domid;
	bool writable;
	uint32_t count;	       /* 1..XEN_MAP_MAX */
	const uint32_t *grefs; /* `count` of them, borrowed for the call */
	int16_t *status;       /* out, `count` of enum xen_gntst, or NULL */
	void *addr;	       /* out: NULL if any page could not be mapped */
};

#define XEN_MAP_MAX 1024u /* an indirect request may have so many */

/* One grant copy, inside one page on both sides (GR-50). */
struct xen_copy {
	void *local;
	uint16_t domid;
	uint32_t gref;
	uint16_t off_bytes; /* in the granted page */
	uint16_t len_bytes;
	bool to_guest;	/* else from the guest into `local` */
	int16_t status; /* out: enum xen_gntst */
};

typedef uint32_t xen_xbt; /* a store transaction; 0 is none */

struct xen_host;
struct xen_evtchn; /* a set of ports with one fd to wait on */
struct xen_gnttab; /* owner of mappings: closing it unmaps them */

struct xen_store_ops {
	/* Value of a node, NUL added; caller frees.  NULL with errno set. */
	char *(*read)(struct xen_host *h, xen_xbt t, const char *path,
		      size_t *len);
	int (*write)(struct xen_host *h, xen_xbt t, const char *path,
		     const char *value);
	int (*mkdir)(struct xen_host *h, xen_xbt t, const char *path);
	/* -ENOENT if there is nothing to remove. */
	int (*rm)(struct xen_host *h, xen_xbt t, const char *path);
	/* Names of the children, one malloced block; free it once. */
	char **(*directory)(struct xen_host *h, xen_xbt t, const char *path,
			    unsigned *count);
	/*
	 * The owner (all rights) and one domain with rights "r", "w", "b" or
	 * "n"; everybody else has none.
	 */
	int (*permit)(struct xen_host *h, xen_xbt t, const char *path,
		      uint16_t owner, uint16_t other, char right);
	int (*watch)(struct xen_host *h, const char *path, const char *token);
	int (*unwatch)(struct xen_host *h, const char *path, const char *token);
	/* Readable when a watch may have fired. */
	int (*fd)(struct xen_host *h);
	/*
	 * The next fired watch: *event[0] is the path, *event[1] the token,
	 * one malloced block.  -EAGAIN if there is none.
	 */
	int (*next)(struct xen_host *h, char ***event);
	int (*transaction_start)(struct xen_host *h, xen_xbt *t);
	/* -EAGAIN: it conflicted with another writer; start again. */
	int (*transaction_end)(struct xen_host *h, xen_xbt t, bool abort);
};

struct xen_evtchn_ops {
	int (*open)(struct xen_host *h, struct xen_evtchn **out);
	void (*close)(struct xen_evtchn *e); /* unbinds all its ports */
	/* Readable while a port is pending and not masked. */
	int (*fd)(struct xen_evtchn *e);
	/* A new port that `remote` may bind to.  Returns it, or -errno. */
	int (*alloc_unbound)(struct xen_evtchn *e, uint16_t remote);
	/* A local port bound to the remote one, pending at once as in Xen. */
	int (*bind_interdomain)(struct xen_evtchn *e, uint16_t remote,
				uint32_t remote_port);
	int (*unbind)(struct xen_evtchn *e, uint32_t port);
	int (*notify)(struct xen_evtchn *e, uint32_t port);
	/* Take a pending port and mask it.  The port, -EAGAIN or -errno. */
	int (*pending)(struct xen_evtchn *e);
	/* A port that is not of `e` is passed over. */
	int (*unmask)(struct xen_evtchn *e, uint32_t port);
};

struct xen_gnttab_ops {
	int (*open)(struct xen_host *h, struct xen_gnttab **out);
	void (*close)(struct xen_gnttab *g);
	/*
	 * Map a batch.  Returns the number of maps that failed (their addr is
	 * NULL and nothing of them stays mapped), or -errno if the host
	 * could not try at all.
	 */
	int (*map)(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
	/* Undo a batch; every addr becomes NULL. */
	int (*unmap)(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
	/*
	 * Number of copies whose status is not okay, or -errno.  -EINVAL where
	 * one leaves its page: Linux refuses that before it asks Xen.
	 */
	int (*copy)(struct xen_gnttab *g, struct xen_copy *copies, unsigned n);
};

struct xen_ops {
	const char *name;
	void (*close)(struct xen_host *h);
	/* Readable (EOF) when the host is gone; -1 where it never is. */
	int (*gone_fd)(struct xen_host *h);
	/*
	 * Make sure that no other backend of this domain drives the vbd
	 * `devid` of domain `domid`: Linux's xen-blkback takes every one
	 * there is.  0 if none does, 1 if it was taken from one (which leaves
	 * state 2 in the store), or -errno with a sentence.
	 */
	int (*claim)(struct xen_host *h, uint16_t domid, uint32_t devid,
		     struct why *why);
	struct xen_store_ops store;
	struct xen_evtchn_ops evtchn;
	struct xen_gnttab_ops gnttab;
};

/* The start of each implementation's own struct. */
struct xen_host {
	const struct xen_ops *ops;
	uint16_t domid; /* our own */
};

/*
 * Open the host that `spec` names: "xen" or "desk:DIR", as domain `domid`
 * on a desk (on Xen the caller's own domain is what it is, and `domid` is
 * filled in from the store).  On failure `why` has the sentence.
 */
int xen_host_open(const char *spec, uint16_t domid, struct xen_host **out,
		  struct why *why);

/* Closes everything still open in it; NULL is fine. */
void xen_host_close(struct xen_host *h);

static inline int xen_host_gone_fd(struct xen_host *h)
{
	return h->ops->gone_fd(h);
}

#endif
