/* SPDX-License-Identifier: MIT */
#include "top/screen.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ncurses.h>

#include "top/columns.h"

/* Less than this shows nothing that makes sense. */
#define LEAST_COLS  36
#define LEAST_LINES 6

#define HEAD_LINES 3 /* two of words, and the titles */

enum { STYLE_PLAIN, STYLE_ALARM, STYLE_BUSY };

static SCREEN *screen;

/* ---- the terminal -------------------------------------------------------- */

int top_screen_open(struct why *why)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return why_set(why, -ENOTTY,
			       "this is no terminal: --batch prints lines");
	/* Numbers stay as they are. */
	setlocale(LC_CTYPE, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return why_set(why, -ENOTTY,
			       "a terminal of the kind \"%s\" is not known: "
			       "set TERM, or use --batch",
			       term ? term : "");
	set_term(screen);
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(STYLE_ALARM, COLOR_RED, -1);
		init_pair(STYLE_BUSY, COLOR_YELLOW, -1);
	}
	return 0;
}

void top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

/* ---- drawing ------------------------------------------------------------- */

/* A line of text, cut at the terminal's edge. */
static void put_line(int y, const char *text, attr_t attr)
{
	move(y, 0);
	clrtoeol();
	attrset((int)attr);
	addnstr(text, COLS);
	attrset(A_NORMAL);
}

static attr_t row_attr(const struct top_row *r)
{
	if (r->stuck)
		return A_BOLD | (attr_t)COLOR_PAIR(STYLE_ALARM);
	if (r->entries && r->in_flight == r->entries)
		return (attr_t)COLOR_PAIR(STYLE_BUSY);
	return r->queue == TOP_DISK_ROW ? A_BOLD : A_NORMAL;
}

static unsigned disks_in(const struct top_rates *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues)
		n++;
	return n;
}

static void draw_head(const struct top_look *look, const struct top_sample *now,
		      const struct top_rates *r)
{
	char text[TOP_DIR_MAX + 160], iops[TOP_CELL_MAX], mib[TOP_CELL_MAX];
	char clock[16] = "", daemon[48] = "no ringsided";
	double sum_iops = 0, sum_bytes = 0;
	unsigned disks = disks_in(r), i;
	time_t t = time(NULL);
	struct tm tm;

	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues) {
		sum_iops += r->rows[i].iops;
		sum_bytes += r->rows[i].bytes_s;
	}
	top_number_text(sum_iops, iops);
	top_number_text(sum_bytes / 1048576.0, mib);
	if (localtime_r(&t, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (now->daemon_pid)
		snprintf(daemon, sizeof(daemon), "ringsided %u%s",
			 now->daemon_pid, now->stopped ? " (stopped)" : "");
	snprintf(text, sizeof(text), "%s  %s  each %g s  %s", clock, daemon,
		 look->interval_s, look->dir);
	put_line(0, text, A_NORMAL);
	snprintf(text, sizeof(text), "%u disk%s  %s IOPS  %s MiB/s", disks,
		 disks == 1 ? "" : "s", iops, mib);
	put_line(1, text, A_NORMAL);
}

/* What there is to say where there is no disk. */
static void draw_nobody(const struct top_look *look,
			const struct top_sample *now)
{
	char text[TOP_DIR_MAX + 160];

	if (now->daemon_pid)
		snprintf(text, sizeof(text),
			 "No frontend is connected to a disk yet: waiting.");
	else
		snprintf(text, sizeof(text),
			 "No ringsided runs in %s: waiting for one.",
			 look->dir);
	put_line(HEAD_LINES + 1, text, A_BOLD);
}

/* Lines below the head, of which the first `skip` are not shown. */
struct page {
	int y, last; /* the next line of the screen, and its last one */
	unsigned skip, seen;
};

static void page_line(struct page *p, const char *text, attr_t attr)
{
	if (p->seen++ < p->skip || p->y > p->last)
		return;
	put_line(p->y++, text, attr);
}

static void page_rows(struct page *p, const struct top_look *look,
		      const struct top_rates *r)
{
	char line[TOP_LINE_MAX], stuck[200];
	unsigned i;

	for (i = 0; i < r->nrows; i++) {
		const struct top_row *row = &r->rows[i];

		if (row->queue != TOP_DISK_ROW &&
		    (look->no_queues || row->queues < 2))
			continue;
		top_line(row, COLS, line);
		page_line(p, line, row_attr(row));
		if (row->queue != TOP_DISK_ROW)
			continue;
		top_stuck_text(row, line, sizeof(line));
		snprintf(stuck, sizeof(stuck), "  STUCK: %.180s", line);
		if (line[0])
			page_line(p, stuck, row_attr(row));
	}
}

/* Those lines of `seen` in all that are shown. */
static struct page page_begin(struct top_look *look, unsigned seen)
{
	unsigned room = (unsigned)(LINES - HEAD_LINES - 1);

	if (seen <= room)
		look->skip = 0;
	else if (look->skip > seen - room)
		look->skip = seen - room;
	return (struct page){ .y = HEAD_LINES,
			      .last = LINES - 2,
			      .skip = look->skip };
}

static void page_foot(const struct top_look *look, const struct page *p)
{
	unsigned room = (unsigned)(LINES - HEAD_LINES - 1);
	char text[100];

	snprintf(text, sizeof(text),
		 "q quit  ? help  h %s  k %s  sorted by %s%s%s",
		 look->page == TOP_PAGE_STAGES ? "disks" : "histograms",
		 look->page == TOP_PAGE_KERNEL ? "disks" : "kernel",
		 top_sort_name(look->sort), look->reverse ? ", reversed" : "",
		 look->skip + room < p->seen ? "  (more below)" : "");
	put_line(LINES - 1, text, A_DIM);
}

static void draw_disks(struct top_look *look, const struct top_rates *r)
{
	struct page p = { .last = -1 }; /* to count them */

	page_rows(&p, look, r);
	p = page_begin(look, p.seen);
	page_rows(&p, look, r);
	page_foot(look, &p);
}

static void page_text(struct page *p, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) && rest) {
		page_line(p, line, A_NORMAL);
		rest[-1] = '\n'; /* for the next time */
	}
}

/* What is text already, a line each. */
static void draw_inside(struct top_look *look, const struct top_rates *r,
			const struct top_inside *in)
{
	struct page p = { .last = -1 }; /* to count them */
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	if (look->page == TOP_PAGE_STAGES)
		top_stages_table(to, r, in->stages);
	else
		top_calls_table(to, r, in->calls);
	if (!fclose(to)) {
		page_text(&p, text);
		p = page_begin(look, p.seen);
		page_text(&p, text);
		page_foot(look, &p);
	}
	free(text);
}

static void draw_help(void)
{
	static const char *const keys[] = {
		"d i m l r e  sort by disk, IOPS, MiB/s, latency, ring, errors",
		"R  the other way round    u  queues or disks only",
		"Space  look now    up, down, page keys  scroll",
		"h  histograms of the stages of requests, by BPF: slows them",
		"k  the kernel's part of them, by BPF, too",
		"?  this page, and away again    q  quit",
	};
	char text[160];
	unsigned i;
	int y = 0;

	put_line(y++, "ringside top", A_BOLD);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && y < LINES; i++)
		put_line(y++, keys[i], A_NORMAL);
	for (i = 0; i < top_ncolumns && ++y <= LINES; i++) {
		snprintf(text, sizeof(text), "%-6s %s", top_columns[i].title,
			 top_columns[i].what);
		put_line(y - 1, text, A_NORMAL);
	}
	for (i = 0; top_stage_help(i) && y < LINES; i++)
		put_line(y++, top_stage_help(i), A_NORMAL);
}

/* The line above the page. */
static void draw_title(const struct top_look *look)
{
	char line[TOP_LINE_MAX];

	if (look->page == TOP_PAGE_DISKS)
		top_line(NULL, COLS, line);
	else
		snprintf(line, sizeof(line),
			 look->page == TOP_PAGE_STAGES
				 ? "stages of requests: how many took so long "
				   "or longer"
				 : "what ringsided asked of the kernel, and "
				   "what of it each request took");
	put_line(2, line, A_REVERSE);
}

static void draw_page(struct top_look *look, const struct top_sample *now,
		      const struct top_rates *r, const struct top_inside *in,
		      const char *absent)
{
	struct page none = { 0 };
	bool there = look->page == TOP_PAGE_DISKS ||
		     (look->page == TOP_PAGE_STAGES ? (bool)in->stages
						    : (bool)in->calls);

	draw_head(look, now, r);
	draw_title(look);
	if (look->page == TOP_PAGE_DISKS)
		draw_disks(look, r);
	else if (there)
		draw_inside(look, r, in);
	else
		page_foot(look, &none);
	if (!there && now->daemon_pid)
		put_line(HEAD_LINES + 1, absent, A_BOLD);
	else if (!r->nrows)
		draw_nobody(look, now);
}

void top_screen_draw(struct top_look *look, const struct top_sample *now,
		     const struct top_rates *r, const struct top_inside *in,
		     const char *absent)
{
	char line[TOP_LINE_MAX];

	erase();
	if (COLS < LEAST_COLS || LINES < LEAST_LINES) {
		snprintf(line, sizeof(line), "too small: %dx%d", LEAST_COLS,
			 LEAST_LINES);
		put_line(0, line, A_NORMAL);
	} else if (look->page == TOP_PAGE_HELP) {
		draw_help();
	} else {
		draw_page(look, now, r, in, absent);
	}
	refresh();
}

/* ---- keys ---------------------------------------------------------------- */

static enum top_key key_scroll(struct top_look *look, int lines)
{
	if (lines < 0 && look->skip < (unsigned)-lines)
		look->skip = 0;
	else
		look->skip += (unsigned)lines;
	return TOP_KEY_LOOK;
}

/* To the page, or from it back to the disks. */
static enum top_key key_page(struct top_look *look, enum top_page page)
{
	look->page = look->page == page ? TOP_PAGE_DISKS : page;
	look->skip = 0;
	return TOP_KEY_LOOK;
}

enum top_key top_screen_key(struct top_look *look)
{
	int key = getch();
	char name[2] = { (char)key, '\0' };

	switch (key) {
	case ERR:
		return TOP_KEY_NONE;
	case 'q':
	case 'Q':
		return TOP_KEY_QUIT;
	case '?':
		return key_page(look, TOP_PAGE_HELP);
	case 'h':
		return key_page(look, TOP_PAGE_STAGES);
	case 'k':
		return key_page(look, TOP_PAGE_KERNEL);
	case 'R':
		look->reverse = !look->reverse;
		return TOP_KEY_LOOK;
	case 'u':
		look->no_queues = !look->no_queues;
		return TOP_KEY_LOOK;
	case ' ':
		return TOP_KEY_NOW;
	case KEY_RESIZE:
	case 'L' & 0x1f: /* Ctrl-L */
		clearok(curscr, TRUE);
		return TOP_KEY_LOOK;
	case KEY_UP:
		return key_scroll(look, -1);
	case KEY_DOWN:
		return key_scroll(look, 1);
	case KEY_PPAGE:
		return key_scroll(look, -(LINES - HEAD_LINES - 1));
	case KEY_NPAGE:
		return key_scroll(look, LINES - HEAD_LINES - 1);
	default:
		if (key < 128)
			top_sort_parse(name, &look->sort);
		return TOP_KEY_LOOK;
	}
}
