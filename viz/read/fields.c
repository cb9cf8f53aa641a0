/* SPDX-License-Identifier: MIT */
#include "viz/read/fields.h"

#include <errno.h>

#include "trace/desc.h"
#include "viz/read/log.h"

struct log_place log_places[LF_COUNT];

static const struct {
	enum ev_kind kind;
	const char *field;
} wanted[LF_COUNT] = {
#define X(event, name) [LF_##event##_##name] = { EV_KIND_##event, #name },
	LOG_FIELDS(X)
#undef X
};

int log_fields_find(void)
{
	unsigned f;
	int at;

	for (f = 0; f < LF_COUNT; f++) {
		const struct ev_desc *desc = &ev_descs[wanted[f].kind];
		struct log_place *p = &log_places[f];

		at = ev_field_find(desc, wanted[f].field);
		if (at < 0)
			return -ENOENT;
		p->kind = (uint8_t)wanted[f].kind;
		p->field = (uint8_t)at;
		p->word = (uint8_t)log_field_word(wanted[f].kind, (unsigned)at);
		p->wide = desc->field[at].type == EV_TYPE_U64;
		p->is_signed = desc->field[at].type == EV_TYPE_I16 ||
			       desc->field[at].type == EV_TYPE_I32 ||
			       desc->field[at].type == EV_TYPE_ENUM;
	}
	return 0;
}
