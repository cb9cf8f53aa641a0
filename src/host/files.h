/* SPDX-License-Identifier: MIT */
/* Files of files/ that are part of the program. */
#ifndef HOST_FILES_H
#define HOST_FILES_H

extern const char host_file_build[]; /* a script; ends with a NUL */

#endif
