/* SPDX-License-Identifier: MIT */
/*
 * What attach, detach, insert and eject have in common: their options, their
 * complaints, and the connection to the desk.
 */
#ifndef TOOL_DISK_COMMAND_H
#define TOOL_DISK_COMMAND_H

#include <argp.h>

#include "tool/disk_nodes.h"

struct disk_command {
	const char *args;		   /* for the usage line */
	const char *doc;		   /* for --help */
	const struct argp_option *options; /* of those in disk_command.c */
	int (*what)(struct disk_nodes *d); /* returns the exit code */
	bool target;			   /* --target must be given */
	bool domain;			   /* made where it is not there */
};

extern const struct argp_option disk_attach_options[];
extern const struct argp_option disk_detach_options[];
extern const struct argp_option disk_insert_options[];
extern const struct argp_option disk_eject_options[];

/* Parse, connect, do it; returns the exit code. */
int disk_command_run(const struct disk_command *c, int argc, char **argv);

/* "ringside NAME: ..." on stderr; returns 1. */
int disk_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
