/* SPDX-License-Identifier: MIT */
/*
 * The terminal, by ncurses: shows what it is given, and says which key was
 * pressed.  It reads no statistics.  One at a time, for ncurses is one.
 */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include "base/why.h"
#include "top/inside.h"
#include "top/sort.h"

enum top_page {
	TOP_PAGE_DISKS,
	TOP_PAGE_STAGES, /* a table of struct top_stages */
	TOP_PAGE_KERNEL, /* of struct top_calls */
	TOP_PAGE_HELP,
};

/* What the user wants to see. */
struct top_look {
	const char *dir;
	double interval_s;
	enum top_sort sort;
	bool reverse;
	bool no_queues; /* disks only */
	enum top_page page;
	unsigned skip; /* lines scrolled away */
};

/* What a key brought about. */
enum top_key {
	TOP_KEY_NONE, /* no key was pressed */
	TOP_KEY_LOOK, /* the look has changed: draw, sort */
	TOP_KEY_NOW,  /* take a sample now */
	TOP_KEY_QUIT, /* or the terminal is gone */
};

/* 0 or -errno with a sentence, and the terminal is as it was. */
int top_screen_open(struct why *why);

/* Put the terminal back. */
void top_screen_close(void);

/* Corrects `look->skip`.  `absent`: why there is none of what the page shows.
 */
void top_screen_draw(struct top_look *look, const struct top_sample *now,
		     const struct top_rates *r, const struct top_inside *in,
		     const char *absent);

/* Take one key, without waiting for it. */
enum top_key top_screen_key(struct top_look *look);

#endif
