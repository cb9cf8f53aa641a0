/* SPDX-License-Identifier: MIT */
/*
 * What ringsided is told, by its command line and by its configuration file:
 * the same names and the same values.
 */
#ifndef BACKEND_OPTIONS_H
#define BACKEND_OPTIONS_H

#include "backend/vbd.h"
#include "base/log.h"
#include "base/why.h"

/* Strings are borrowed from the command line, or live as long as the process.
 */
struct options {
	const char *config; /* a file that was named, or NULL */
	const char *host;
	const char *lock; /* NULL: the host's */
	enum log_level level;
	struct vbd_config vbd;
};

void options_default(struct options *o, struct grant_budget *budget);

/*
 * Set the option with the long name `name`; of one without an argument the
 * value is yes or no.  Borrows `value`.  -ENOENT if there is none of that
 * name, -EINVAL for its value, with a sentence.
 */
int options_set(struct options *o, const char *name, const char *value,
		struct why *why);

/*
 * Read the command line, and before it the configuration file: the one it
 * names, else the usual one if it is there.  Ends the process with exit status
 * 2 and a sentence where something is wrong, with 0 after --help.
 */
void options_read(struct options *o, struct grant_budget *budget, int argc,
		  char **argv);

#endif
