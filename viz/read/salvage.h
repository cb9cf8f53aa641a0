/* SPDX-License-Identifier: MIT */
/*
 * A trace that was cut short or damaged (a full disk, a killed recorder),
 * taken apart: for each stream file a directory of its own among the
 * temporary files, with metadata that end with the last whole declaration,
 * such that the decoder opens it and reads as far as there is sense in it.
 */
#ifndef VIZ_READ_SALVAGE_H
#define VIZ_READ_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"
#include "viz/read/find.h"

struct salvaged {
	char *dir;
	bool shortened; /* its last packet: decoding may well fail at its end */
};

struct salvage_count {
	unsigned streams;
	unsigned cut;	  /* end in the middle of a packet */
	unsigned dropped; /* of these, nothing can be read */
	unsigned broken;  /* told by the reader: decoding failed on the way */
	unsigned meta_cut, no_meta;
};

struct salvage {
	struct salvaged *stream;
	size_t n;
	struct salvage_count count;
};

/* 0, or -errno with a sentence; salvage_close() in any case. */
int salvage_open(const struct trace_dirs *dirs, struct salvage *s,
		 struct why *why);
void salvage_close(struct salvage *s);

/* What is wrong with the trace, as a part of a sentence. */
void salvage_explain(const struct salvage *s, struct why *why);

#endif
