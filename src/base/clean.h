/* SPDX-License-Identifier: MIT */
/*
 * Text that a guest may have written, before anybody sees it: it must neither
 * begin a line of a log, nor speak to a terminal, nor break a file's syntax.
 */
#ifndef BASE_CLEAN_H
#define BASE_CLEAN_H

#include <stddef.h>

/*
 * Bytes of the well-formed, printable character of UTF-8 at `s`, of which there
 * are `len`; 0 if there is none.
 */
size_t clean_char(const unsigned char *s, size_t len);

/*
 * Copy valid UTF-8 without control characters; anything else becomes "?".  At
 * most `cap` - 1 bytes and a NUL; cut with "..." at a character's border.
 * Returns the bytes written.
 */
size_t clean_text(char *to, size_t cap, const char *from, size_t len);

#endif
