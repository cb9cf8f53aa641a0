/* SPDX-License-Identifier: MIT */
#include "trace/kernel/collect.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "trace/ctf/writer.h"
#include "trace/kernel/driver.h"
#include "trace/kernel/order.h"
#include "trace/kernel/reader.h"

#define GIVE_NS	  100000000u /* as late as a stamp may be read */
#define HOOKS_MAX 32

struct kernel_collect {
	struct kernel_options opt;
	struct kernel_reader *reader;
	struct ctf_writer *writer;
	struct ctf_stream *stream;
	struct kstate *state;
	struct order order;
	uint64_t given_ns;  /* when some were given */
	uint64_t newest_ns; /* of what was read */
	uint64_t placed;    /* losses that the trace tells of */
	uint64_t untold;    /* and steps that were seen, and not told */
	struct why why;	    /* of what could not be written */
};

/* ---- from the ring buffer into the trace ----------------------------------
 */

static int on_event(const struct ctf_event *event, void *user)
{
	struct kernel_collect *c = user;

	if (ev_descs[event->kind].level > c->opt.level)
		return 0;
	return ctf_stream_event(c->stream, event, &c->why) ? -EIO : 0;
}

/* What was lost before this one. */
static int losses(struct kernel_collect *c, const struct raw_head *raw)
{
	uint64_t n;

	if (raw->lost <= c->placed)
		return 0;
	n = raw->lost - c->placed;
	c->placed = raw->lost;
	kstate_lost(c->state);
	return ctf_stream_lost(c->stream, n, &c->why);
}

static int untold(struct kernel_collect *c)
{
	uint64_t n = kstate_untold(c->state) - c->untold;

	c->untold += n;
	return n ? ctf_stream_lost(c->stream, n, &c->why) : 0;
}

static int on_ordered(const struct raw_head *raw, size_t len, void *user)
{
	struct kernel_collect *c = user;
	int err = losses(c, raw);

	if (!err)
		err = kstate_take(c->state, raw, len);
	if (!err)
		err = untold(c);
	if (err == -ENOMEM)
		why_set(&c->why, err, "no memory");
	return err ? -EIO : 0;
}

static int on_raw(const struct raw_head *raw, size_t len, void *user)
{
	struct kernel_collect *c = user;

	if (raw->t_ns > c->newest_ns)
		c->newest_ns = raw->t_ns;
	return order_add(&c->order, raw, len)
		       ? why_set(&c->why, -ENOMEM, "no memory")
		       : 0;
}

int kernel_collect_turn(struct kernel_collect *c, int ms, struct why *why)
{
	int err = kernel_reader_poll(c->reader, ms);
	uint64_t now = clock_now_ns(), until = now;

	if (err > 0) { /* what was not read yet may be as old as this */
		until = c->newest_ns;
		err = 0;
	}
	if (!err && now - c->given_ns > GIVE_NS) {
		c->given_ns = now;
		err = order_give(&c->order,
				 until > GIVE_NS ? until - GIVE_NS : 0,
				 on_ordered, c);
	}
	if (err && *c->why.text)
		*why = c->why;
	else if (err)
		why_set(why, err, "the ring buffer cannot be read: %s",
			strerror(-err));
	return err ? -EIO : 0;
}

/* ---- begin and end --------------------------------------------------------
 */

static int writer_open(struct kernel_collect *c, struct why *why)
{
	char dir[PATH_MAX], date[32] = "";
	const char *name = c->opt.driver->name;
	struct ctf_about about = { dir, name, 0, clock_now_ns() };
	time_t now = time(NULL);
	struct tm tm;
	int err;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	if (snprintf(dir, sizeof(dir), "%s/kernel/pid/%s-0-%s", c->opt.dir,
		     name, date) >= (int)sizeof(dir))
		return why_set(why, -ENAMETOOLONG, "%s: the name is too long",
			       c->opt.dir);
	err = ctf_writer_open(&c->writer, &about, why);
	if (err)
		return err;
	c->stream = ctf_writer_stream(c->writer, 0);
	return c->stream ? 0 : why_set(why, -ENOMEM, "no memory");
}

static void collect_free(struct kernel_collect *c)
{
	kernel_reader_close(c->reader);
	kstate_free(c->state);
	order_free(&c->order);
	free(c);
}

int kernel_collect_start(struct kernel_collect **collect,
			 const struct kernel_options *opt,
			 bool seen[EV_KIND_COUNT], struct why *why)
{
	struct kernel_collect *c = calloc(1, sizeof(*c));
	bool there[HOOKS_MAX] = { false };
	int err;

	if (!c)
		return why_set(why, -ENOMEM, "no memory");
	c->opt = *opt;
	c->state = kstate_new(opt->driver, on_event, c);
	err = c->state ? writer_open(c, why)
		       : why_set(why, -ENOMEM, "no memory");
	if (!err)
		err = kernel_reader_open(&c->reader, opt->driver, opt->level,
					 opt->ring_bytes, there, on_raw, c,
					 why);
	if (err) {
		struct why ignored;

		ctf_writer_close(c->writer, clock_now_ns(), &ignored);
		collect_free(c);
		return err;
	}
	for (int kind = 0; kind < EV_KIND_COUNT; kind++)
		seen[kind] = hooks_see(opt->driver->hook, opt->driver->hooks,
				       (enum ev_kind)kind, there);
	*collect = c;
	return 0;
}

int kernel_collect_stop(struct kernel_collect *c, uint64_t *lost,
			struct why *why)
{
	struct why late;
	int err, rc;

	*lost = 0;
	if (!c)
		return 0;
	kernel_reader_detach(c->reader);
	/* After an error the rest is lost, and that was told. */
	err = *c->why.text ? -EIO : 1;
	while (err > 0)
		err = kernel_reader_poll(c->reader, 0);
	if (!err)
		err = order_give(&c->order, UINT64_MAX, on_ordered, c);
	*lost = kernel_reader_lost(c->reader);
	if (!err && *lost > c->placed)
		err = ctf_stream_lost(c->stream, *lost - c->placed, &c->why);
	*lost += c->untold;
	rc = ctf_writer_close(c->writer, clock_now_ns(), &late);
	if (err)
		*why = c->why;
	else if (rc)
		*why = late;
	collect_free(c);
	return err ? err : rc;
}
