/* SPDX-License-Identifier: MIT */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

/* What a guest wrote may be quoted in it. */
static void clean(char *text)
{
	size_t len = strlen(text), n;

	for (; len; text += n, len -= n) {
		n = clean_char((const unsigned char *)text, len);
		if (n)
			continue;
		*text = '?';
		n = 1;
	}
}

int why_set(struct why *why, int err, const char *fmt, ...)
{
	va_list ap;

	if (why) {
		va_start(ap, fmt);
		vsnprintf(why->text, sizeof(why->text), fmt, ap);
		va_end(ap);
		clean(why->text);
	}
	return err;
}
