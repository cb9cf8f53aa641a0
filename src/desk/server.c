/* SPDX-License-Identifier: MIT */
#include "desk/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/files.h"
#include "base/log.h"
#include "desk/conn.h"
#include "desk/domain.h"
#include "desk/toolstack.h"

/* ---- sockets ----------------------------------------------------------- */

/*
 * A listening socket at `name` below the desk's directory.  The address goes
 * by way of /proc, so that the 107 bytes of a Unix address do not limit the
 * directory's own name.
 */
static int listen_at(struct desk *d, const char *name, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s",
		 d->dir_fd, name);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, SOMAXCONN)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int desk_server_listen_store(struct desk *d, uint16_t domid)
{
	char name[32];

	snprintf(name, sizeof(name), "dom%u", domid);
	if (mkdirat(d->dir_fd, name, 0700) && errno != EEXIST)
		return -errno;
	snprintf(name, sizeof(name), "dom%u/store.sock", domid);
	unlinkat(d->dir_fd, name, 0);
	return listen_at(d, name, SOCK_STREAM);
}

void desk_server_unlink_store(struct desk *d, uint16_t domid)
{
	char name[32];

	snprintf(name, sizeof(name), "dom%u/store.sock", domid);
	unlinkat(d->dir_fd, name, 0);
	snprintf(name, sizeof(name), "dom%u", domid);
	unlinkat(d->dir_fd, name, AT_REMOVEDIR);
}

/* A desk that was killed left its sockets. */
static void clear_stale(struct desk *d)
{
	int fd = dup(d->dir_fd);
	struct dirent *e;
	char rest;
	unsigned n;
	DIR *dir;

	unlinkat(d->dir_fd, DESK_WIRE_SOCKET, 0);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return;
	rewinddir(dir);
	while ((e = readdir(dir)))
		if (sscanf(e->d_name, "dom%5u%c", &n, &rest) == 1 &&
		    n <= DESK_DOMID_MAX)
			desk_server_unlink_store(d, (uint16_t)n);
	closedir(dir);
}

/* ---- signals ----------------------------------------------------------- */

/* The only thing a handler may touch; one desk a process. */
static volatile sig_atomic_t signal_fd = -1;

static void on_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	(void)sig;
	if (signal_fd >= 0 && write(signal_fd, &one, sizeof(one)) < 0)
		_exit(1); /* cannot be: the counter never fills */
	errno = saved;
}

static void signal_ready(struct desk_source *s, uint32_t events)
{
	struct desk *d = desk_container(s, struct desk, signals);

	(void)events;
	log_info("stopped by a signal");
	desk_loop_quit(&d->loop);
}

static int signals_open(struct desk *d)
{
	struct sigaction act = { .sa_handler = on_signal };

	d->signals.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->signals.fd < 0)
		return -errno;
	d->signals.ready = signal_ready;
	signal_fd = d->signals.fd;
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	return desk_loop_add(&d->loop, &d->signals, EPOLLIN);
}

/* ---- start and end ----------------------------------------------------- */

#define MEM_DEFAULT (64u << 20)

/*
 * Every channel takes two descriptors.  Half of all may go there, so that
 * guests cannot use up what connections need.
 */
static void raise_fd_limit(struct desk *d)
{
	uint64_t files = files_allow();

	d->channels_max = 256;
	if (files)
		d->channels_max =
			files / 4 < 1u << 20 ? (unsigned)(files / 4) : 1u << 20;
}

static int write_pid(struct desk *d)
{
	char text[16];
	int fd, n;

	fd = openat(d->dir_fd, "desk.pid",
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (write(fd, text, (size_t)n) != n)
		n = -errno;
	close(fd);
	return n < 0 ? n : 0;
}

static int take_directory(struct desk *d, const char *dir, struct why *why)
{
	d->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir_fd < 0)
		return why_set(why, -errno,
			       "%s cannot be opened as a directory: %s", dir,
			       strerror(errno));
	d->lock_fd =
		openat(d->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return why_set(why, -errno, "%s/lock cannot be made: %s", dir,
			       strerror(errno));
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB))
		return why_set(why, -EBUSY,
			       "a desk already runs in %s: use it, or end it "
			       "with `ringside desk stop %s`",
			       dir, dir);
	return 0;
}

int desk_server_open(const char *dir, uint64_t mem_default, struct desk **out,
		     struct why *why)
{
	struct desk *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return why_set(why, -ENOMEM, "no memory");
	d->dir_fd = d->lock_fd = d->listener.fd = d->signals.fd = -1;
	d->loop.epfd = d->loop.spare_fd = -1;
	d->toolstack.fire = desk_toolstack_timer;
	d->mem_default = mem_default ? mem_default : MEM_DEFAULT;
	LIST_INIT(&d->conns);
	LIST_INIT(&d->domains);
	LIST_INIT(&d->removals);
	err = take_directory(d, dir, why);
	if (err)
		goto fail;
	raise_fd_limit(d);
	umask(0077);
	clear_stale(d);
	err = desk_loop_open(&d->loop);
	if (!err)
		err = store_open(&d->store, &d->loop);
	if (!err)
		err = desk_domain_create(d, 0, 0);
	if (!err)
		err = store_write(d->store, "/local/domain/0/domid", "0");
	if (!err)
		err = store_write(d->store, "/local/domain/0/name", "Domain-0");
	if (!err)
		err = signals_open(d);
	if (!err)
		err = write_pid(d);
	if (!err) {
		d->listener.ready = desk_conn_accept;
		d->listener.fd = listen_at(d, DESK_WIRE_SOCKET, SOCK_SEQPACKET);
		err = d->listener.fd < 0
			      ? d->listener.fd
			      : desk_loop_add(&d->loop, &d->listener, EPOLLIN);
	}
	if (err) {
		why_set(why, err, "the desk in %s cannot start: %s", dir,
			strerror(-err));
		goto fail;
	}
	*out = d;
	return 0;
fail:
	desk_server_close(d);
	return err;
}

int desk_server_run(struct desk *d)
{
	return desk_loop_run(&d->loop);
}

static void close_source(struct desk *d, struct desk_source *s)
{
	if (s->fd < 0)
		return;
	desk_loop_remove(&d->loop, s);
	close(s->fd);
}

void desk_server_close(struct desk *d)
{
	if (!d)
		return;
	d->ending = true;
	while (!LIST_EMPTY(&d->conns))
		desk_conn_close(LIST_FIRST(&d->conns));
	desk_toolstack_drop(d);
	while (!LIST_EMPTY(&d->domains))
		desk_domain_free(LIST_FIRST(&d->domains));
	store_close(d->store);
	signal_fd = -1;
	close_source(d, &d->signals);
	if (d->listener.fd >= 0) {
		close_source(d, &d->listener);
		unlinkat(d->dir_fd, DESK_WIRE_SOCKET, 0);
		unlinkat(d->dir_fd, "desk.pid", 0);
	}
	desk_loop_close(&d->loop);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->dir_fd >= 0)
		close(d->dir_fd);
	free(d);
}
