/* SPDX-License-Identifier: MIT */
#include "disk/inject_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "disk/disk.h"

#define TEXT_MAX   1024u
#define SECTOR_MAX (UINT64_MAX >> 9)
#define DELAY_MAX  60000000000ull /* ns */
#define OPS_ALL	   15u

#define WORDS "op, sector, rate, delay, errno, short, reorder and corrupt"

/* One word of a rule, and the value behind its "=", or NULL. */
struct word {
	const char *name;
	const char *value;
	const char *text; /* all of the rule, for the sentence */
};

static int word_bad(const struct word *w, const char *what, struct why *why)
{
	return why_set(why, -EINVAL,
		       "the rule \"%.200s\": %.20s=%.40s is nothing that can "
		       "be done; it is %s",
		       w->text, w->name, w->value ? w->value : "", what);
}

static int word_op(const struct word *w, struct inject_rule *r, struct why *why)
{
	static const char *const ops[] = {
		[DISK_READ] = "read",
		[DISK_WRITE] = "write",
		[DISK_FLUSH] = "flush",
		[DISK_DISCARD] = "discard",
	};
	unsigned i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (w->value && !strcmp(w->value, ops[i])) {
			r->ops = 1u << i;
			return 0;
		}
	return word_bad(w, "op=read, write, flush or discard", why);
}

static int word_sector(const struct word *w, struct inject_rule *r,
		       struct why *why)
{
	char first[32] = "";
	const char *plus = w->value ? strchr(w->value, '+') : NULL;
	uint64_t at = 0, n = 1;

	if (plus && (size_t)(plus - w->value) < sizeof(first))
		memcpy(first, w->value, (size_t)(plus - w->value));
	if (!w->value ||
	    number_parse(plus ? first : w->value, 0, SECTOR_MAX, &at) ||
	    (plus && number_parse(plus + 1, 1, SECTOR_MAX - at, &n)))
		return word_bad(w, "sector=2048 or sector=2048+8", why);
	r->off_bytes = at << 9;
	r->len_bytes = n << 9;
	return 0;
}

static int word_rate(const struct word *w, struct inject_rule *r,
		     struct why *why)
{
	char *end = NULL;
	double rate = w->value ? strtod(w->value, &end) : 0;

	if (!end || end == w->value || *end || !(rate > 0 && rate <= 1))
		return word_bad(w, "more than 0 and at most 1, as in rate=0.1",
				why);
	r->rate = rate >= 1 ? UINT32_MAX : (uint32_t)(rate * UINT32_MAX);
	return 0;
}

static int word_delay(const struct word *w, struct inject_rule *r,
		      struct why *why)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	char digits[24] = "";
	size_t n = w->value ? strspn(w->value, "0123456789") : 0, i;
	uint64_t value;

	if (n < sizeof(digits))
		memcpy(digits, w->value ? w->value : "", n);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (n && !strcmp(w->value + n, units[i].unit) &&
		    !number_parse(digits, 1, DELAY_MAX / units[i].ns, &value)) {
			r->delay_ns = value * units[i].ns;
			return 0;
		}
	return word_bad(w, "a time up to 60s, as in delay=500us or delay=5ms",
			why);
}

static int word_errno(const struct word *w, struct inject_rule *r,
		      struct why *why)
{
	static const struct {
		const char *name;
		int error;
	} known[] = {
		{ "EIO", EIO },
		{ "ENOSPC", ENOSPC },
		{ "EROFS", EROFS },
		{ "ENOMEM", ENOMEM },
		{ "ETIMEDOUT", ETIMEDOUT },
		{ "ENOMEDIUM", ENOMEDIUM },
		{ "EBUSY", EBUSY },
		{ "EOPNOTSUPP", EOPNOTSUPP },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (w->value && !strcmp(w->value, known[i].name)) {
			r->error = -known[i].error;
			return 0;
		}
	return word_bad(w,
			"errno=EIO, ENOSPC, EROFS, ENOMEM, ETIMEDOUT, "
			"ENOMEDIUM, EBUSY or EOPNOTSUPP",
			why);
}

static int word_take(const struct word *w, struct inject_rule *r,
		     struct why *why)
{
	static const struct {
		const char *name;
		int (*take)(const struct word *w, struct inject_rule *r,
			    struct why *why);
	} words[] = {
		{ "op", word_op },	 { "sector", word_sector },
		{ "rate", word_rate },	 { "delay", word_delay },
		{ "errno", word_errno },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(w->name, words[i].name))
			return words[i].take(w, r, why);
	if (!w->value && !strcmp(w->name, "short"))
		r->cut = true;
	else if (!w->value && !strcmp(w->name, "reorder"))
		r->reorder = true;
	else if (!w->value && !strcmp(w->name, "corrupt"))
		r->corrupt = true;
	else
		return why_set(why, -EINVAL,
			       "the rule \"%.200s\": \"%.40s\" is no word of "
			       "one; there are " WORDS,
			       w->text, w->name);
	return 0;
}

/* `text` is taken apart; `whole` is the same, whole. */
static int rule_parse(char *text, const char *whole, struct inject_rule *r,
		      struct why *why)
{
	struct word w = { .text = whole };
	char *rest = text, *name, *value;
	int err = 0;

	*r = (struct inject_rule){ .ops = OPS_ALL, .rate = UINT32_MAX };
	while (!err && (name = strtok_r(NULL, " ,", &rest))) {
		value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		w.name = name;
		w.value = value;
		err = word_take(&w, r, why);
	}
	if (err || r->delay_ns || r->error || r->cut || r->reorder ||
	    r->corrupt)
		return err;
	return why_set(why, -EINVAL,
		       "the rule \"%.200s\" does nothing; say delay=5ms, "
		       "errno=EIO, short, reorder or corrupt",
		       whole);
}

static int text_copy(const char *text, char copy[TEXT_MAX], struct why *why)
{
	if (strlen(text) >= TEXT_MAX)
		return why_set(why, -EINVAL,
			       "the text of rules is longer than %u bytes; say "
			       "less",
			       TEXT_MAX - 1);
	strcpy(copy, text);
	return 0;
}

int inject_parse(const char *text, struct inject_rules *rules, struct why *why)
{
	char copy[TEXT_MAX], one[TEXT_MAX], *rest = copy, *rule;
	int err = text_copy(text, copy, why);

	while (!err && (rule = strsep(&rest, ";"))) {
		rule += strspn(rule, " ");
		if (!*rule)
			continue;
		if (rules->count == INJECT_RULES_MAX)
			return why_set(why, -EINVAL,
				       "there are more than %u rules; leave "
				       "some out",
				       INJECT_RULES_MAX);
		strcpy(one, rule);
		err = rule_parse(rule, one, &rules->rule[rules->count], why);
		if (!err)
			rules->count++;
	}
	return err;
}

int inject_limit_parse(const char *text, struct inject_rules *rules,
		       struct why *why)
{
	char copy[TEXT_MAX], *rest = copy, *word;
	int err = text_copy(text, copy, why);

	while (!err && (word = strtok_r(NULL, " ,", &rest))) {
		if (!strncmp(word, "iops=", 5))
			err = number_parse_size(word + 5, 1, 1000000000,
						&rules->iops);
		else if (!strncmp(word, "bps=", 4))
			err = number_parse_size(word + 4, 512, 1ull << 50,
						&rules->bps);
		else
			err = -EINVAL;
		if (err)
			return why_set(
				why, -EINVAL,
				"the limit \"%.200s\": \"%.40s\" is "
				"none; write iops=1000, bps=10M, or both",
				text, word);
	}
	return err;
}
