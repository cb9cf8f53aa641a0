/* SPDX-License-Identifier: MIT */
#include "viz/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}

void text_clear(struct text *t)
{
	t->len = 0;
	if (t->data)
		t->data[0] = '\0';
}

static int text_room(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 256;
	char *data;

	if (t->error)
		return t->error;
	if (t->len + more + 1 <= t->cap)
		return 0;
	while (cap < t->len + more + 1)
		cap *= 2;
	data = realloc(t->data, cap);
	if (!data)
		return t->error = -ENOMEM;
	t->data = data;
	t->cap = cap;
	return 0;
}

void text_add_bytes(struct text *t, const void *data, size_t len)
{
	if (text_room(t, len))
		return;
	if (len)
		memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || text_room(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->data + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

const char *text_str(const struct text *t)
{
	return t->data ? t->data : "";
}

void text_add_xml(struct text *t, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			text_add(t, "&amp;");
			break;
		case '<':
			text_add(t, "&lt;");
			break;
		case '>':
			text_add(t, "&gt;");
			break;
		case '"':
			text_add(t, "&quot;");
			break;
		case '\'':
			text_add(t, "&#39;");
			break;
		default:
			text_add_bytes(t, s, 1);
		}
	}
}

const char *text_ns(char buf[TEXT_NS_MAX], int64_t ns)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1e3, "µs" }, { 1e6, "ms" }, { 1e9, "s" } };
	double v = ns < 0 ? -(double)ns : (double)ns, u;
	const char *sign = ns < 0 ? "-" : "";
	size_t i = 0;

	if (v < 1e3) {
		snprintf(buf, TEXT_NS_MAX, "%s%.0f ns", sign, v);
		return buf;
	}
	/* 999.95 of a unit would print as 1000.0 of it. */
	while (i < 2 && v / units[i].unit >= 999.95)
		i++;
	u = v / units[i].unit;
	snprintf(buf, TEXT_NS_MAX, "%s%.*f %s", sign,
		 u < 9.995    ? 2
		 : u < 999.95 ? 1
			      : 0,
		 u, units[i].name);
	return buf;
}

const char *text_count(char buf[TEXT_COUNT_MAX], uint64_t n)
{
	char digits[24];
	size_t len, i, o = 0;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = digits[i];
	}
	buf[o] = '\0';
	return buf;
}

const char *text_size(char buf[TEXT_SIZE_MAX], uint64_t bytes)
{
	static const char *const name[] = { "B",   "KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB" };
	uint64_t unit = 1;
	size_t i = 0;

	while (i < 6 && bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	if (bytes % unit == 0)
		snprintf(buf, TEXT_SIZE_MAX, "%" PRIu64 " %s", bytes / unit,
			 name[i]);
	else
		snprintf(buf, TEXT_SIZE_MAX, "%.1f %s",
			 (double)bytes / (double)unit, name[i]);
	return buf;
}

void text_add_ns(struct text *t, int64_t ns)
{
	char buf[TEXT_NS_MAX];

	text_add(t, text_ns(buf, ns));
}

void text_add_count(struct text *t, uint64_t n)
{
	char buf[TEXT_COUNT_MAX];

	text_add(t, text_count(buf, n));
}

void text_add_size(struct text *t, uint64_t bytes)
{
	char buf[TEXT_SIZE_MAX];

	text_add(t, text_size(buf, bytes));
}

size_t text_columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void text_add_padded(struct text *t, const char *s, int columns)
{
	size_t want = (size_t)(columns < 0 ? -columns : columns);
	size_t have = text_columns(s);
	size_t pad = have < want ? want - have : 0;

	if (columns >= 0)
		text_add(t, s);
	while (pad--)
		text_add(t, " ");
	if (columns < 0)
		text_add(t, s);
}
