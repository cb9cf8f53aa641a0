# killed by: notify
# Indices are compared as numbers: good until 2^32.
s/return prod - event < prod - old;/return old < event \&\& event <= prod;/
