/* SPDX-License-Identifier: MIT */
/* What loading one BPF object or another has in common. */
#ifndef TIMING_LOAD_H
#define TIMING_LOAD_H

#include <stddef.h>

#include "base/why.h"

struct bpf_object;
struct bpf_link;

/* Gives *object, opened and not yet loaded, on 0; else -errno. */
int timing_object_open(struct bpf_object **object, const void *bytes,
		       size_t size);

/* -errno as a sentence with what libbpf said; returns -EPERM, or err. */
int timing_explain(int err, const char *what, struct why *why);

#endif
