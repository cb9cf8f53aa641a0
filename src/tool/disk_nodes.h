/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a virtual disk in the store of a desk, as the toolstack of a
 * Xen host writes and removes them: names, values, order and permissions are
 * those of libxl 4.17 (libxl__device_generic_add, device_disk_add,
 * libxl__xs_path_cleanup).
 */
#ifndef TOOL_DISK_NODES_H
#define TOOL_DISK_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/xen.h"

#define DISK_NODES_PATH	    128
#define DISK_NODES_FEATURES 8

/* What the user asked for; strings are borrowed. */
struct disk_options {
	const char *dir;    /* the desk */
	const char *target; /* "" for a drive without a medium */
	const char *vdev;
	uint32_t devid;
	uint16_t domid;
	uint16_t backend; /* domain */
	uint64_t mem_bytes;
	const char *sector_size;  /* or NULL */
	const char *sector_units; /* or NULL */
	const char *inject;	  /* or NULL */
	const char *limit;	  /* or NULL */
	bool readonly;
	bool cdrom;
	bool removable;
	bool no_wait;
	bool force;
	/* Feature switches of this disk: "ringside/NAME" and a value. */
	struct {
		char key[48];
		const char *value;
	} feature[DISK_NODES_FEATURES];
	unsigned features;
};

/* Add the switch that "NAME=VALUE" is; -EINVAL if it is none, or one more. */
int disk_options_feature(struct disk_options *opt, const char *text);

/* A disk between its two directories, and what is needed to wait for it. */
struct disk_nodes {
	const struct disk_options *opt;
	struct xen_host *host;
	int signal_fd; /* a signalfd: the user wants an end */
	bool watching;
	char front[DISK_NODES_PATH];
	char back[DISK_NODES_PATH];
	char error[DISK_NODES_PATH]; /* where the backend's error may stand */
};

/* Connect to the desk as domain 0.  0 or -errno with the sentence. */
int disk_nodes_open(struct disk_nodes *d, const struct disk_options *opt,
		    int signal_fd, struct why *why);
void disk_nodes_close(struct disk_nodes *d);

/* Value of the node, or of a key below it (not ""); NULL, or to be freed. */
char *disk_nodes_get(struct disk_nodes *d, const char *dir, const char *key);

/*
 * Each is one transaction.  write: -EEXIST if the disk is there, -ENOENT if
 * the backend's domain is not.  change, to the target: -ENOENT if the disk is
 * not there, -ENOTTY if it is no cdrom.
 */
int disk_nodes_write(struct disk_nodes *d);
int disk_nodes_change(struct disk_nodes *d);
int disk_nodes_offline(struct disk_nodes *d); /* online=0, state=5 */
int disk_nodes_remove(struct disk_nodes *d);

enum disk_wait { DISK_WAIT_MORE, DISK_WAIT_DONE, DISK_WAIT_REFUSED };

/*
 * Has the backend taken the disk, refused it; changed the medium; closed it?
 */
enum disk_wait disk_nodes_connected(struct disk_nodes *d);
enum disk_wait disk_nodes_changed(struct disk_nodes *d);
enum disk_wait disk_nodes_closed(struct disk_nodes *d);

/*
 * Wait until `look` (one of the above) has an answer, and return that; or
 * -ETIMEDOUT (after ten seconds, or three if no backend listens), -EINTR (the
 * user's signal, which that takes), -EPIPE (the desk is gone).
 */
int disk_nodes_wait(struct disk_nodes *d,
		    enum disk_wait (*look)(struct disk_nodes *d));

/* No backend of that domain waits for new disks. */
bool disk_nodes_no_backend(const struct disk_nodes *d);

#endif
