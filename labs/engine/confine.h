/* SPDX-License-Identifier: MIT */
/*
 * What a student wrote runs here: without a network, seeing no other process,
 * with a read-only file system that shows the system's libraries and what is
 * named, bounded in memory, files and processes.  bubblewrap makes that of
 * Linux's namespaces; a filter of system calls keeps it from other processes.
 *
 *	bwrap ... -- prlimit ... -- setpriv ... -- PROGRAM ...
 *
 * Where we are root, the program runs as a user of its own: limits on
 * processes do not bind root.
 */
#ifndef LABS_ENGINE_CONFINE_H
#define LABS_ENGINE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"
#include "labs/engine/arena.h"

struct confine {
	/* Paths, ending with NULL; each may be NULL.  They are at the same
	 * place inside. */
	const char *const *see;	  /* read-only */
	const char *const *write; /* and read */
	const char *hide;	  /* a folder that seems empty; or NULL */
	const char *program;	  /* a file; NULL: none but the system's ... */
	const char *as;		  /* ... and what it is called inside */
	const char *dir;	  /* to run in; or NULL */
	uint64_t memory_bytes;
	bool forks;  /* it may start processes, as a compiler does */
	bool traced; /* it may speak to LTTng's session daemon */
	bool told;   /* bwrap tells of it on descriptor 3 */
	bool trust;  /* without all this but the limits: one's own code */
};

/* Bytes of a file that it writes, and of its own /tmp. */
#define CONFINE_FILE_BYTES (64u << 20)
#define CONFINE_TMP_BYTES  (64u << 20)

/*
 * Whether programs can be confined on this machine: tried once with one that
 * does nothing.  0; -ENOENT: bubblewrap is not there; -EPERM: it may not work
 * here.  The sentence says what to do.
 */
int confine_possible(struct why *why);

/*
 * The words that run `argv` confined, in the arena, ending with NULL.  The
 * child needs descriptor 4 with the filter of confine_filter(), unless
 * c->forks, and 3 for bwrap's status if c->told.
 */
char **confine_argv(struct arena *a, const struct confine *c,
		    char *const *argv);

/* A descriptor with the filter, to be closed; -1: none is needed. */
int confine_filter(const struct confine *c);

/* The user that it runs as; ours if we are not root. */
uid_t confine_uid(const struct confine *c);

/* Make a file or folder that user's own. */
void confine_give(const struct confine *c, const char *path);

#endif
