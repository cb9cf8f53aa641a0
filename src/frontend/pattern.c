/* SPDX-License-Identifier: MIT */
#include "frontend/pattern.h"

#include <errno.h>
#include <string.h>

#define WORDS (PATTERN_SECTOR_BYTES / sizeof(uint64_t))

/* The first words of a sector; the others are random. */
struct pattern_head {
	uint64_t sector;
	uint64_t seed;
	uint32_t generation;
	uint32_t check; /* so that zeroes and foreign data are no head */
};

#define HEAD_WORDS (sizeof(struct pattern_head) / sizeof(uint64_t))

/* splitmix64 (Steele, Lea and Flood 2014). */
uint64_t pattern_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t pattern_key(uint64_t sector, uint32_t generation, uint64_t seed)
{
	uint64_t key = seed;

	key = pattern_random(&key) ^ sector;
	key = pattern_random(&key) ^ generation;
	return pattern_random(&key);
}

static void sector_fill(uint64_t *words, uint64_t sector, uint32_t generation,
			uint64_t seed)
{
	uint64_t state = pattern_key(sector, generation, seed);
	struct pattern_head head = {
		.sector = sector,
		.seed = seed,
		.generation = generation,
		.check = (uint32_t)(state >> 32) | 1u,
	};
	unsigned i;

	memcpy(words, &head, sizeof(head));
	for (i = HEAD_WORDS; i < WORDS; i++)
		words[i] = pattern_random(&state);
}

void pattern_fill(void *buf, uint32_t len_bytes, uint64_t sector,
		  uint32_t generation, uint64_t seed)
{
	uint64_t words[WORDS];
	uint8_t *out = buf;
	uint32_t off;

	for (off = 0; off < len_bytes; off += PATTERN_SECTOR_BYTES) {
		sector_fill(words, sector++, generation, seed);
		memcpy(out + off, words, sizeof(words));
	}
}

/* Say what the sector holds instead of `expected`. */
static int sector_explain(const uint64_t *got, uint64_t sector,
			  uint32_t generation, uint64_t seed, struct why *why)
{
	struct pattern_head head;
	uint64_t wanted[WORDS];
	unsigned i;

	memcpy(&head, got, sizeof(head));
	sector_fill(wanted, head.sector, head.generation, head.seed);
	if (memcmp(got, wanted, sizeof(head)) != 0 || !head.generation)
		return why_set(why, -EILSEQ,
			       "sector %llu holds nothing that --verify "
			       "writes",
			       (unsigned long long)sector);
	if (head.seed != seed)
		return why_set(why, -EILSEQ,
			       "sector %llu holds data of another run (seed "
			       "%llu, not %llu)",
			       (unsigned long long)sector,
			       (unsigned long long)head.seed,
			       (unsigned long long)seed);
	if (head.sector != sector)
		return why_set(why, -EILSEQ,
			       "sector %llu holds the data of sector %llu: "
			       "something was misplaced",
			       (unsigned long long)sector,
			       (unsigned long long)head.sector);
	if (generation != PATTERN_ANY && head.generation != generation)
		return why_set(why, -EILSEQ,
			       "sector %llu holds its writing %u, but writing "
			       "%u was done: %s",
			       (unsigned long long)sector, head.generation,
			       generation,
			       head.generation < generation
				       ? "a write was lost or came late"
				       : "a write came that was not asked for");
	for (i = 0; i < WORDS - 1 && got[i] == wanted[i]; i++)
		;
	return why_set(why, -EILSEQ,
		       "sector %llu is torn: it differs from byte %zu on",
		       (unsigned long long)sector, i * sizeof(uint64_t));
}

int pattern_check(const void *buf, uint32_t len_bytes, uint64_t sector,
		  uint32_t generation, uint64_t seed, struct why *why)
{
	const uint8_t *in = buf;
	uint64_t got[WORDS], wanted[WORDS];
	uint32_t off;

	for (off = 0; off < len_bytes; off += PATTERN_SECTOR_BYTES, sector++) {
		uint32_t expected = generation;

		memcpy(got, in + off, sizeof(got));
		if (expected == PATTERN_ANY) {
			struct pattern_head head;

			memcpy(&head, got, sizeof(head));
			expected = head.generation;
		}
		sector_fill(wanted, sector, expected, seed);
		if (!expected || memcmp(got, wanted, sizeof(got)) != 0)
			return sector_explain(got, sector, generation, seed,
					      why);
	}
	return 0;
}
