/* SPDX-License-Identifier: MIT */
#include "viz/read/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "viz/text.h"

static uint64_t hash(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	while (len--)
		h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
	return h ^ h >> 32;
}

static uint32_t *find(const struct strings *s, const char *text, size_t len)
{
	uint64_t i = hash(text, len);
	uint32_t *slot;

	for (;; i++) {
		slot = &s->slot[i & (s->slots - 1)];
		if (!*slot || !strcmp(s->data + s->at[*slot - 1], text))
			return slot;
	}
}

static int grow_slots(struct strings *s)
{
	struct strings bigger = *s;
	uint32_t i;

	bigger.slots = s->slots ? s->slots * 2 : 256;
	bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (i = 0; i < s->n; i++) {
		const char *text = s->data + s->at[i];

		*find(&bigger, text, strlen(text)) = i + 1;
	}
	free(s->slot);
	*s = bigger;
	return 0;
}

static int append(struct strings *s, const char *text, size_t len)
{
	if (s->len + len + 1 > s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64 * 1024;
		char *data;

		/* `at` has 32 bits */
		if (s->len + len + 1 > UINT32_MAX)
			return -ENOMEM;
		data = realloc(s->data, cap);
		if (!data)
			return -ENOMEM;
		s->data = data;
		s->cap = cap;
	}
	if (s->n == s->room) {
		uint32_t room = s->room ? s->room * 2 : 256;
		uint32_t *at = realloc(s->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		s->at = at;
		s->room = room;
	}
	s->at[s->n++] = (uint32_t)s->len;
	memcpy(s->data + s->len, text, len + 1);
	s->len += len + 1;
	return 0;
}

int strings_init(struct strings *s)
{
	uint32_t number;

	memset(s, 0, sizeof(*s));
	return strings_add(s, "", 0, &number);
}

void strings_free(struct strings *s)
{
	free(s->data);
	free(s->at);
	free(s->slot);
	memset(s, 0, sizeof(*s));
}

int strings_add(struct strings *s, const char *text, size_t len,
		uint32_t *number)
{
	char clean[STRINGS_TEXT_MAX];
	uint32_t *slot;
	int rc;

	if (2 * (s->n + 1) > s->slots) {
		rc = grow_slots(s);
		if (rc)
			return rc;
	}
	len = clean_text(clean, sizeof(clean), text, len);
	slot = find(s, clean, len);
	if (!*slot) {
		rc = append(s, clean, len);
		if (rc)
			return rc;
		*slot = s->n;
	}
	*number = *slot - 1;
	return 0;
}

const char *strings_get(const struct strings *s, uint32_t number)
{
	return number < s->n ? s->data + s->at[number] : "";
}
