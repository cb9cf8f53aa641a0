/* SPDX-License-Identifier: MIT */
/* How many files this process may have open. */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include <stdint.h>

/* As many as it may be allowed from here on; 0 if that cannot be. */
uint64_t files_allow(void);

#endif
