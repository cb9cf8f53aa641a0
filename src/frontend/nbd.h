/* SPDX-License-Identifier: MIT */
/*
 * A disk of the desk as an NBD server: runs nbdkit with our plugin
 * (frontend/nbdkit_plugin.c) as a child, and looks after its socket.
 */
#ifndef FRONTEND_NBD_H
#define FRONTEND_NBD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "frontend/transport.h"

struct front_nbd_options {
	const char *dir;    /* of the desk */
	const char *socket; /* to be created */
	const char *vdev;
	uint16_t domid;
	unsigned timeout_s;
	struct front_transport transport; /* one queue */
	/* A signalfd of SIGINT and SIGTERM, both blocked in all threads. */
	int signal_fd;
	/* Called once, when clients can connect; `uri` as NBD spells it. */
	void (*ready)(const char *uri);
};

/*
 * Serve until a signal comes or the disk ends.  0 after a signal; -EINVAL
 * (or -EADDRINUSE, -ENAMETOOLONG) with a sentence: the socket cannot be
 * made; -ENOENT: nbdkit or the plugin is not there; -EIO: the disk or nbdkit
 * ended by itself, or the closing failed.  No process and no socket is left.
 */
int front_nbd_serve(const struct front_nbd_options *opt, struct why *why);

#endif
