/* SPDX-License-Identifier: MIT */
/*
 * The agent in dom0: runs commands that come over virtio ports (wire.h), one
 * at a time on each.  When whoever asked goes away, the command is ended; what
 * it started in a session of its own, such as a daemon, lives on.
 */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

/*
 * Serve one port, the device at `path`, for ever, with commands in /root.
 * Returns -errno if it cannot be opened.
 */
int agent_serve(const char *path);

/*
 * Serve a stream until the other side hangs up, with commands in the current
 * directory: 0, or -errno if the stream broke.  Borrows `fd`, which becomes
 * non-blocking.  SIGPIPE is ignored from then on.
 */
int agent_serve_fd(int fd);

#endif
