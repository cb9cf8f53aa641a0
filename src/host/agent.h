/* SPDX-License-Identifier: MIT */
/*
 * The agent in dom0: runs commands that come over virtio ports (wire.h), one
 * at a time on each.  When whoever asked goes away, the command is ended.
 */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

/*
 * Serve one port, the device at `path`, for ever.  Returns -errno if it
 * cannot be opened.
 */
int agent_serve(const char *path);

#endif
