/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzing harnesses share: reading an input from its front, and the
 * check whose failure is a finding.  libFuzzer has the main function.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it stays whatever the build, and says what it means. */
#define fuzz_check(holds, what)                                                \
	do {                                                                   \
		if (!(holds)) {                                                \
			fprintf(stderr, "%s:%d: broken: %s (%s)\n", __FILE__,  \
				__LINE__, what, #holds);                       \
			abort();                                               \
		}                                                              \
	} while (0)

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next bytes; what an input lacks at its end is zero. */
static inline void fuzz_bytes(struct fuzz_input *in, void *to, size_t len)
{
	size_t n = in->left < len ? in->left : len;

	memset(to, 0, len);
	if (n)
		memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	uint8_t byte;

	fuzz_bytes(in, &byte, 1);
	return byte;
}

/* Two bytes, the low one first. */
static inline uint16_t fuzz_short(struct fuzz_input *in)
{
	uint8_t low = fuzz_byte(in);

	return (uint16_t)(low | fuzz_byte(in) << 8);
}

#endif
