/* SPDX-License-Identifier: MIT */
/*
 * From an event as the decoder has it to a record of the log.  Names are
 * looked up once a class; an event then costs a loop over its members.
 */
#ifndef VIZ_READ_CLASSES_H
#define VIZ_READ_CLASSES_H

#include <babeltrace2/babeltrace.h>

#include "viz/read/log.h"

struct classes {
	struct class_map **slot; /* open addressing by the class's address */
	size_t slots, n;
};

int classes_init(struct classes *c);
void classes_free(struct classes *c);

/*
 * Append the event of a message to the log, or count it as another's.  0,
 * -ENOMEM or -EOVERFLOW.  Classes stay referenced until classes_free().
 */
int classes_record(struct classes *c, struct trace_log *log,
		   const bt_message *message);

#endif
