# killed by: place
# Data begins where its page begins.
s/page \+ u->segs\[i\]\.off_bytes/page/
