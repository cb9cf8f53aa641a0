/* SPDX-License-Identifier: MIT */
/*
 * One device of the store as its backend sees it: two directories, ours and
 * the frontend's.  Every key that is read or written passes here and is an
 * event; nothing here decides anything.
 */
#ifndef XENBUS_DEVICE_H
#define XENBUS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/emit.h"
#include "xen/xen.h"
#include "xenbus/state.h"

#define XENBUS_PATH_MAX 256

struct xenbus_device {
	struct xen_host *host;	    /* borrowed */
	struct ev_origin ev;	    /* domid and devid of the device */
	enum xenbus_state own;	    /* as it stands in the store */
	enum xenbus_state peer;	    /* as last seen */
	bool online;		    /* the toolstack wants the device to live */
	bool gone;		    /* our directory was removed */
	char path[XENBUS_PATH_MAX]; /* .../backend/vbd/DOMID/DEVID */
	char frontend[XENBUS_PATH_MAX]; /* the frontend's directory */
};

/*
 * Take on the device whose backend directory is `path`.  Reads `frontend`
 * and `frontend-id` there.  -ENOENT: not (yet) a whole device; -EINVAL with
 * a sentence: the numbers in the path are not what the keys say.
 */
int xenbus_device_open(struct xenbus_device *d, struct xen_host *host,
		       const char *path, uint16_t domid, uint32_t devid,
		       struct why *why);

/*
 * Read both states and `online` afresh; emits state_seen if the peer's state
 * changed.  0, or -errno if the store itself failed.
 */
int xenbus_device_look(struct xenbus_device *d);

/*
 * The value of a key in our own or in the frontend's directory, malloced;
 * NULL with errno ENOENT if it is absent.
 */
char *xenbus_own_read(struct xenbus_device *d, xen_xbt t, const char *key);
char *xenbus_peer_read(struct xenbus_device *d, xen_xbt t, const char *key);

/*
 * A number that the frontend wrote (XB-08): absent gives `missing`.
 * -EINVAL or -ERANGE with a sentence that names key, value and range.
 */
int xenbus_peer_number(struct xenbus_device *d, xen_xbt t, const char *key,
		       uint64_t min, uint64_t max, uint64_t missing,
		       uint64_t *out, struct why *why);

int xenbus_own_write(struct xenbus_device *d, xen_xbt t, const char *key,
		     const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Write a number as a feature or limit offered to the frontend. */
int xenbus_own_offer(struct xenbus_device *d, xen_xbt t, const char *key,
		     uint64_t value);

typedef int (*xenbus_keys_fn)(struct xenbus_device *d, xen_xbt t,
			      const void *arg);

/*
 * In one transaction: write keys (`keys` may be NULL), and move our state
 * (XB-06) or, with keys and `to` the state that it is in, write that again
 * for the frontend's watch to fire.  -ESTALE, and nothing is written, if our
 * state is not what it was when it was looked at last: the toolstack has
 * written there, or the directory has gone, and is not to come back by this.
 * -EAGAIN if others disturbed all tries; else 0 or -errno from `keys` or the
 * store.
 */
int xenbus_switch_with(struct xenbus_device *d, xenbus_keys_fn keys,
		       const void *arg, enum xenbus_state to);

/* Removes a key of ours; 0 if there was none, too. */
int xenbus_own_clear(struct xenbus_device *d, xen_xbt t, const char *key);

/* Removes our own directory with all that is in it; 0 or -errno. */
int xenbus_own_remove(struct xenbus_device *d);

/*
 * Say in the store why the device does not work: where Linux's
 * xenbus_dev_error() says it, error/backend/vbd/DOMID/DEVID/error.
 */
void xenbus_error_write(struct xenbus_device *d, const char *text);
void xenbus_error_clear(struct xenbus_device *d);

#endif
