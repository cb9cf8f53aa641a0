/* SPDX-License-Identifier: MIT */
#include "base/clean.h"

#include <stdint.h>
#include <string.h>

size_t clean_char(const unsigned char *s, size_t len)
{
	uint32_t c = s[0], min;
	size_t n, i;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (c >= 0xc2 && c < 0xe0) {
		n = 2, c &= 0x1f, min = 0x80;
	} else if (c >= 0xe0 && c < 0xf0) {
		n = 3, c &= 0x0f, min = 0x800;
	} else if (c >= 0xf0 && c < 0xf5) {
		n = 4, c &= 0x07, min = 0x10000;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/*
	 * Not: overlong, surrogates, beyond Unicode, C1 controls, what turns
	 * the direction of text or is invisible, and non-characters, which
	 * XML forbids.
	 */
	if (c < min || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ||
	    c < 0xa0 || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c & 0xfffe) == 0xfffe)
		return 0;
	return n;
}

size_t clean_text(char *to, size_t cap, const char *from, size_t len)
{
	size_t i = 0, o = 0, fits = 0, n;

	if (!cap)
		return 0;
	while (i < len) {
		n = clean_char((const unsigned char *)from + i, len - i);
		if (o + (n ? n : 1) + 1 > cap)
			break;
		/* the longest part that leaves room for the dots */
		if (o + 4 <= cap)
			fits = o;
		if (n)
			memcpy(to + o, from + i, n);
		else
			to[o] = '?';
		o += n ? n : 1;
		i += n ? n : 1;
	}
	if (i < len && cap >= 4) {
		if (o + 4 <= cap)
			fits = o;
		memcpy(to + fits, "...", 3);
		o = fits + 3;
	}
	to[o] = '\0';
	return o;
}
