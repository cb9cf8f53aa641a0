# killed by: left
# State 4 of a dead backend is taken for a connection.
s/if \(v->own == XENBUS_CONNECTED && !v->connected\)/if (false)/
