/* SPDX-License-Identifier: MIT */
/*
 * Each string of a trace once, under a small number; 0 is the empty string.
 * What goes in came from a guest or a damaged file; what comes out is valid
 * UTF-8 without control characters, at most STRINGS_TEXT_MAX bytes.
 */
#ifndef VIZ_READ_STRINGS_H
#define VIZ_READ_STRINGS_H

#include <stddef.h>
#include <stdint.h>

/* The store's own limit of a value is 4096 bytes with its path. */
#define STRINGS_TEXT_MAX 1024

struct strings {
	char *data; /* NUL-terminated strings, one after the other */
	size_t len, cap;
	uint32_t *at; /* where each begins in data */
	uint32_t n, room;
	uint32_t *slot; /* open addressing: number + 1, 0 is free */
	uint32_t slots;
};

int strings_init(struct strings *s);
void strings_free(struct strings *s);

/* The number of the string, taken in if new.  0 or -ENOMEM. */
int strings_add(struct strings *s, const char *text, size_t len,
		uint32_t *number);

/* Borrowed until the next strings_add. */
const char *strings_get(const struct strings *s, uint32_t number);

#endif
