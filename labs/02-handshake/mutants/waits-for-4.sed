# killed by: connect
# Both say Connected, so I wait until the frontend says it: it waits for me.
s/v->peer == XENBUS_INITIALISED \|\| v->peer == XENBUS_CONNECTED/v->peer == XENBUS_CONNECTED/
