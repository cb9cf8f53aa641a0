# killed by: wrap
# Rings begin at 0.
s/^	r->req_cons = ring_load\(.*/	r->req_cons = 0;/
