# killed by: notify
# The event index is reached only by the last response of a push.
s/return prod - event < prod - old;/return prod == event \&\& prod != old;/
