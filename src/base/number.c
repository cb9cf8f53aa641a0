/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int number_take(const char *text, uint64_t *out, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &stop, 10);
	if (errno)
		return -ERANGE;
	*end = stop;
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;
	uint64_t value;
	int err = number_take(text, &value, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

int number_parse_size(const char *text, uint64_t min, uint64_t max,
		      uint64_t *out)
{
	const char *end;
	uint64_t value;
	unsigned shift = 0;
	int err = number_take(text, &value, &end);

	if (err)
		return err;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	case 'T':
		shift = 40;
		break;
	case '\0':
		end--;
		break;
	default:
		return -EINVAL;
	}
	if (end[1])
		return -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	value <<= shift;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}
