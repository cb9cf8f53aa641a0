/* SPDX-License-Identifier: MIT */
/*
 * Text under construction: what a view writes before it goes to a file.  The
 * first failure sticks (`error`, -ENOMEM) and later calls do nothing, so that
 * a view checks once, at the end.
 */
#ifndef VIZ_TEXT_H
#define VIZ_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* NUL-terminated once anything was added; else NULL */
	size_t len; /* bytes, without the NUL */
	size_t cap;
	int error; /* 0 or -ENOMEM */
};

void text_free(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *data, size_t len);
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The text so far, never NULL. */
const char *text_str(const struct text *t);

/* &, <, >, " and ' become entities: for SVG, HTML and Graphviz's labels. */
void text_add_xml(struct text *t, const char *s);

/*
 * A duration as a person reads it, three or four digits and a unit:
 * "850 ns", "12.3 µs", "4.56 ms", "1.23 s".  Negative ones get a sign.
 */
void text_add_ns(struct text *t, int64_t ns);

/* A count with a comma between thousands. */
void text_add_count(struct text *t, uint64_t n);

/* A size: "512 B", "4 KiB", "64 MiB"; exact or with one digit behind. */
void text_add_size(struct text *t, uint64_t bytes);

/* The same two as small strings in the caller's buffer, for printf. */
#define TEXT_NS_MAX 24
const char *text_ns(char buf[TEXT_NS_MAX], int64_t ns);
#define TEXT_COUNT_MAX 32
const char *text_count(char buf[TEXT_COUNT_MAX], uint64_t n);
#define TEXT_SIZE_MAX 24
const char *text_size(char buf[TEXT_SIZE_MAX], uint64_t bytes);

/*
 * Columns that `s` takes on a terminal, counting a character of UTF-8 as
 * one: printf's %-10s counts bytes.
 */
size_t text_columns(const char *s);

/* `s`, then spaces up to `columns`; right-aligned where it is negative. */
void text_add_padded(struct text *t, const char *s, int columns);

#endif
