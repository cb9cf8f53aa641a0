/* SPDX-License-Identifier: MIT */
/*
 * The traced processes: which of those that run the session daemon does not
 * know yet.
 */
#ifndef RECORD_APPS_H
#define RECORD_APPS_H

struct lttng_handle;

/*
 * Number of running processes with LTTng-UST in them, as far as this user may
 * look, that the daemon does not list; stopped ones are left out, they cannot
 * answer.  0 if that cannot be found out.
 */
int record_apps_missing(struct lttng_handle *handle);

#endif
