# killed by: skipped
# A frontend that went from 1 to 4 is never served.
s/v->peer == XENBUS_INITIALISED \|\| v->peer == XENBUS_CONNECTED/v->peer == XENBUS_INITIALISED/
