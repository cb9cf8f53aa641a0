/* SPDX-License-Identifier: MIT */
/* The columns of a row as text, for the screen and for --batch alike. */
#ifndef TOP_COLUMNS_H
#define TOP_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "top/rates.h"

#define TOP_CELL_MAX 40
#define TOP_LINE_MAX 256

struct top_column {
	const char *title;
	const char *what; /* a line of help */
	int width;
	int rank; /* the lower, the longer it stays where there is no room */
	void (*text)(const struct top_row *r, char cell[TOP_CELL_MAX]);
};

extern const struct top_column top_columns[];
extern const unsigned top_ncolumns;

/* A line's text in at most `width` columns; `row` is NULL for the titles. */
void top_line(const struct top_row *row, int width, char line[TOP_LINE_MAX]);

/*
 * What is wrong with the first stuck ring of a disk, whose row and those of
 * its queues follow each other; empty if nothing is.
 */
void top_stuck_text(const struct top_row *disk, char *text, size_t size);

/* At most 5 letters: 0, 9.3, 123, 12.3k, 4.5M. */
void top_number_text(double n, char cell[TOP_CELL_MAX]);

/* The same without tenths of what is counted: 7, 999, 1.0k. */
void top_count_text(uint64_t n, char cell[TOP_CELL_MAX]);

/* At most 6: 0.5us, 99.9us, 123ms, and - for 0. */
void top_time_text(double ns, char cell[TOP_CELL_MAX]);

#endif
