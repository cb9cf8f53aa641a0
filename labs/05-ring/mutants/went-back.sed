# killed by: back
# An unsigned difference is never negative, so nothing goes back.
s/ready && r->req_cons - prod <= r->entries/false/
