/* SPDX-License-Identifier: MIT */
/*
 * ringside attach, ringside detach: what xl block-attach and block-detach do
 * on a Xen host, on a desk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/commands.h"
#include "tool/disk_command.h"

/* ---- attach ------------------------------------------------------------ */

/*
 * An attach that failed is undone in order: a backend that is still at work
 * on the disk would write into a directory that is gone, and so make it anew.
 */
static void withdraw(struct disk_nodes *d)
{
	if (!disk_nodes_no_backend(d) &&
	    disk_nodes_closed(d) != DISK_WAIT_DONE &&
	    disk_nodes_offline(d) == 0)
		disk_nodes_wait(d, disk_nodes_closed);
	disk_nodes_remove(d);
}

static int refused(struct disk_nodes *d)
{
	char *reason = disk_nodes_get(d, d->back, "hotplug-error");

	if (!reason)
		reason = disk_nodes_get(d, d->error, "error");
	disk_complain("the backend refuses the disk: %s",
		      reason ? reason : "it closed it and gave no reason");
	free(reason);
	return 1;
}

static int attach_wait(struct disk_nodes *d)
{
	int seen = disk_nodes_wait(d, disk_nodes_connected);

	switch (seen) {
	case DISK_WAIT_DONE:
		return 0;
	case DISK_WAIT_REFUSED:
		refused(d);
		break;
	case -ETIMEDOUT:
		if (disk_nodes_no_backend(d))
			disk_complain(
				"no backend listens in domain %u of the "
				"desk in %s: start `ringsided --host desk:%s`",
				d->opt->backend, d->opt->dir, d->opt->dir);
		else
			disk_complain("the backend in domain %u has not taken "
				      "the disk within 10 seconds",
				      d->opt->backend);
		break;
	case -EINTR:
		disk_complain("stopped by a signal: the disk is removed again");
		break;
	default:
		return disk_complain("the desk in %s is gone", d->opt->dir);
	}
	withdraw(d);
	return 1;
}

static int attach(struct disk_nodes *d)
{
	int err = disk_nodes_write(d);

	if (err == -EEXIST)
		return disk_complain("domain %u has a disk %s already: detach "
				     "it first",
				     d->opt->domid, d->opt->vdev);
	if (err == -ENOENT)
		return disk_complain("domain %u, which is to be the backend, "
				     "does not exist on this desk",
				     d->opt->backend);
	if (err)
		return disk_complain("the disk cannot be written to the store: "
				     "%s",
				     strerror(-err));
	if (!d->opt->no_wait) {
		err = attach_wait(d);
		if (err)
			return err;
	}
	printf("%u %s\n", d->opt->devid, d->back);
	return 0;
}

/* ---- detach ------------------------------------------------------------ */

static int detach(struct disk_nodes *d)
{
	char *there = disk_nodes_get(d, d->back, "");
	int seen = DISK_WAIT_DONE, err;

	free(there);
	if (!there)
		return disk_complain("domain %u has no disk %s (%s)",
				     d->opt->domid, d->opt->vdev, d->back);
	err = disk_nodes_closed(d) == DISK_WAIT_DONE ? 0
						     : disk_nodes_offline(d);
	if (err)
		return disk_complain("the store refuses: %s", strerror(-err));
	if (!d->opt->force || !disk_nodes_no_backend(d))
		seen = disk_nodes_wait(d, disk_nodes_closed);
	if (seen == -EINTR)
		return disk_complain(
			"stopped by a signal; the backend was told "
			"to close the disk");
	if (seen == -EPIPE)
		return disk_complain("the desk in %s is gone", d->opt->dir);
	if (seen != DISK_WAIT_DONE && !d->opt->force)
		return disk_complain(
			"%s in domain %u %s; --force removes disk %s all "
			"the same",
			disk_nodes_no_backend(d) ? "no backend listens"
						 : "the backend",
			d->opt->backend,
			disk_nodes_no_backend(d)
				? "that could close it"
				: "has not closed it within 10 seconds",
			d->opt->vdev);
	err = disk_nodes_remove(d);
	return err ? disk_complain("the disk's nodes cannot be removed: %s",
				   strerror(-err))
		   : 0;
}

int cmd_attach(int argc, char **argv)
{
	static const struct disk_command attach_command = {
		.args = "DIR --target TARGET",
		.doc = "Give a guest on the desk in DIR a disk, as the "
		       "toolstack of a Xen host would.  The domain is made if "
		       "it is not there.",
		.options = disk_attach_options,
		.what = attach,
		.target = true,
		.domain = true,
	};

	return disk_command_run(&attach_command, argc, argv);
}

int cmd_detach(int argc, char **argv)
{
	static const struct disk_command detach_command = {
		.args = "DIR",
		.doc = "Take a disk from a guest on the desk in DIR.",
		.options = disk_detach_options,
		.what = detach,
	};

	return disk_command_run(&detach_command, argc, argv);
}
