/* SPDX-License-Identifier: MIT */
#include "xen/libxen/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xentoollog.h>

#include "base/number.h"
#include "xen/libxen/claim.h"

static void quiet_message(struct xentoollog_logger *l, xentoollog_level level,
			  int errnoval, const char *context, const char *format,
			  va_list al)
{
	(void)l, (void)level, (void)errnoval, (void)context;
	(void)format, (void)al;
}

static void quiet_progress(struct xentoollog_logger *l, const char *context,
			   const char *what, int percent, unsigned long done,
			   unsigned long total)
{
	(void)l, (void)context, (void)what, (void)percent, (void)done;
	(void)total;
}

static void quiet_destroy(struct xentoollog_logger *l)
{
	(void)l;
}

struct xentoollog_logger *libxen_quiet(void)
{
	static struct xentoollog_logger logger = {
		.vmessage = quiet_message,
		.progress = quiet_progress,
		.destroy = quiet_destroy,
	};

	return &logger;
}

static void host_close(struct xen_host *h)
{
	struct libxen_host *l = libxen_host_of(h);

	while (!LIST_EMPTY(&l->evtchns))
		libxen_evtchn_close(LIST_FIRST(&l->evtchns));
	while (!LIST_EMPTY(&l->gnttabs))
		libxen_gnttab_close(LIST_FIRST(&l->gnttabs));
	host_store_close(&l->base);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int gone_fd(struct xen_host *h)
{
	(void)h;
	return -1;
}

static const struct xen_ops libxen_ops = {
	.name = "xen",
	.close = host_close,
	.gone_fd = gone_fd,
	.claim = libxen_claim,
	.store = HOST_STORE_OPS,
	.evtchn = LIBXEN_EVTCHN_OPS,
	.gnttab = LIBXEN_GNTTAB_OPS,
};

/* What is in the way, in the order in which one would mend it. */
static int not_here(struct why *why, int err)
{
	static const char *const device[][2] = {
		{ "/dev/xen/gntdev", "xen-gntdev" },
		{ "/dev/xen/evtchn", "xen-evtchn" },
	};
	unsigned i;

	if (access("/sys/hypervisor/type", F_OK) && access("/proc/xen", F_OK))
		return why_set(
			why, err ? err : -ENODEV,
			"this machine does not run on Xen: use a desk "
			"(--host desk:DIR), or boot the Xen host in QEMU");
	for (i = 0; i < 2; i++) {
		if (access(device[i][0], F_OK))
			return why_set(why, -ENODEV,
				       "%s is missing: load its module with "
				       "`modprobe %s`",
				       device[i][0], device[i][1]);
		if (access(device[i][0], R_OK | W_OK))
			return why_set(why, -EACCES,
				       "%s may not be opened by this user: "
				       "run as root",
				       device[i][0]);
	}
	if (!err)
		return 0;
	return why_set(why, err,
		       "the store cannot be reached (%s): is xenstored "
		       "running, and is this user root?",
		       strerror(-err));
}

int libxen_host_open(struct xen_host **out, struct why *why)
{
	struct libxen_host *l;
	struct xen_host *h;
	uint64_t domid;
	char *text;
	int err;

	err = not_here(why, 0);
	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return why_set(why, -ENOMEM, "no memory");
	pthread_mutex_init(&l->lock, NULL);
	LIST_INIT(&l->evtchns);
	LIST_INIT(&l->gnttabs);
	h = &l->base.host;
	h->ops = &libxen_ops;
	err = host_store_open(&l->base, NULL);
	if (err) {
		host_close(h);
		return not_here(why, err);
	}
	/* A relative path is one of our own domain. */
	text = host_store_read(h, 0, "domid", NULL);
	err = text ? number_parse(text, 0, 32751, &domid) : -errno;
	if (err) {
		why_set(why, err,
			"the store does not say which domain this is "
			"(\"domid\": %s): was xen-init-dom0 run?",
			text ? text : strerror(-err));
		free(text);
		host_close(h);
		return err;
	}
	free(text);
	h->domid = (uint16_t)domid;
	*out = h;
	return 0;
}
