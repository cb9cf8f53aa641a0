/* SPDX-License-Identifier: MIT */
/* ringsided: the block backend. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/options.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stats.h"
#include "trace/emit.h"
#include "xen/xen.h"

/* Of all queues together: 256 MiB. */
#define BUDGET_PAGES_DEFAULT 65536u

/*
 * One backend a host: two would answer the same rings.  Returns the locked
 * fd, which the process keeps for its life, or -errno.
 */
static int lock_take(const struct options *o, struct why *why)
{
	char path[512];
	int fd, err;

	if (o->lock)
		snprintf(path, sizeof(path), "%s", o->lock);
	else if (!strncmp(o->host, "desk:", 5))
		snprintf(path, sizeof(path), "%s/ringsided.lock", o->host + 5);
	else
		snprintf(path, sizeof(path), "/run/ringsided.lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, -errno, "cannot open the lock file %s: %s",
			       path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK
			      ? why_set(why, -EBUSY,
					"another ringsided serves "
					"%s already (it holds %s); stop it "
					"first",
					o->host, path)
			      : why_set(why, -errno, "cannot lock %s: %s", path,
					strerror(errno));
		close(fd);
		return err;
	}
	return fd;
}

/*
 * Before any thread exists, so that they inherit the mask: the loop takes
 * these signals from a file descriptor.
 */
static void signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* An image beyond RLIMIT_FSIZE is an error of one request. */
	signal(SIGXFSZ, SIG_IGN);
}

/*
 * Each page that is kept is a mapping of its own, of which a process may have
 * so many: half of them stay for what is in flight, and for all else.
 */
static void budget_fit(struct grant_budget *budget)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned most;

	if (!f)
		return;
	if (fscanf(f, "%u", &most) == 1 && budget->max_pages > most / 2)
		budget->max_pages = most / 2;
	fclose(f);
}

static const char *stats_dir_default(const char *host, char *room, size_t size)
{
	if (strncmp(host, "desk:", 5))
		return STATS_DIR;
	snprintf(room, size, "%s/stats", host + 5);
	return room;
}

int main(int argc, char **argv)
{
	struct grant_budget budget = { .max_pages = BUDGET_PAGES_DEFAULT };
	struct options o;
	struct ev_origin ev = { .actor = EV_ACTOR_BACKEND,
				.queue = EV_QUEUE_NONE };
	struct xen_host *host = NULL;
	struct why why = { "" };
	char stats[512];
	int lock, err;

	options_read(&o, &budget, argc, argv);
	log_open("ringsided", o.level);
	signals_block();
	files_allow(); /* guests choose how many queues they have */
	budget_fit(&budget);

	err = xen_host_open(o.host, 0, &host, &why);
	if (err) {
		log_error("%s", why.text);
		return 2;
	}
	lock = lock_take(&o, &why);
	if (lock < 0) {
		log_error("%s", why.text);
		xen_host_close(host);
		return 2;
	}
	if (!o.vbd.stats_dir)
		o.vbd.stats_dir =
			stats_dir_default(o.host, stats, sizeof(stats));
	ev.domid = host->domid;
	ev_program_start(&ev, "ringsided", o.host, (uint32_t)getpid());
	err = backend_run(host, &o.vbd, &why);
	if (err)
		log_error("%s", why.text);
	ev_program_stop(&ev, "ringsided");
	xen_host_close(host);
	close(lock);
	return err ? 1 : 0;
}
