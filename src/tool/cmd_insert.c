/* SPDX-License-Identifier: MIT */
/*
 * ringside insert, ringside eject: what xl cd-insert and cd-eject do on a Xen
 * host, on a desk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/commands.h"
#include "tool/disk_command.h"

static int insert_wait(struct disk_nodes *d)
{
	char *reason;

	switch (disk_nodes_wait(d, disk_nodes_changed)) {
	case DISK_WAIT_DONE:
		return 0;
	case DISK_WAIT_REFUSED:
		reason = disk_nodes_get(d, d->back, "hotplug-error");
		disk_complain("the drive is empty now: %s",
			      reason ? reason : "the disk is being removed");
		free(reason);
		return 1;
	case -ETIMEDOUT:
		if (disk_nodes_no_backend(d))
			return disk_complain(
				"the change stands in the store, but no "
				"backend listens in domain %u of the desk in "
				"%s: start `ringsided --host desk:%s`",
				d->opt->backend, d->opt->dir, d->opt->dir);
		return disk_complain("the backend in domain %u has not "
				     "changed the medium; it does so as soon "
				     "as no request needs the old one",
				     d->opt->backend);
	case -EINTR:
		return disk_complain("stopped by a signal; the backend was "
				     "told to change the medium");
	default:
		return disk_complain("the desk in %s is gone", d->opt->dir);
	}
}

/* The target is "" for an eject. */
static int insert(struct disk_nodes *d)
{
	int err = disk_nodes_change(d);

	if (err == -ENOENT)
		return disk_complain("domain %u has no disk %s (%s)",
				     d->opt->domid, d->opt->vdev, d->back);
	if (err == -ENOTTY)
		return disk_complain("%s of domain %u is no cdrom, and what is "
				     "in it cannot be changed: detach it, and "
				     "attach another",
				     d->opt->vdev, d->opt->domid);
	if (err)
		return disk_complain("the store refuses: %s", strerror(-err));
	return d->opt->no_wait ? 0 : insert_wait(d);
}

int cmd_insert(int argc, char **argv)
{
	static const struct disk_command insert_command = {
		.args = "DIR --target TARGET",
		.doc = "Put another medium into the drive of a guest on the "
		       "desk in DIR, which was attached with --cdrom.",
		.options = disk_insert_options,
		.what = insert,
		.target = true,
	};

	return disk_command_run(&insert_command, argc, argv);
}

int cmd_eject(int argc, char **argv)
{
	static const struct disk_command eject_command = {
		.args = "DIR",
		.doc = "Empty the drive of a guest on the desk in DIR, which "
		       "was attached with --cdrom.",
		.options = disk_eject_options,
		.what = insert,
	};

	return disk_command_run(&eject_command, argc, argv);
}
