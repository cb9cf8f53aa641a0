# killed by: writes
# A read and a write are both a request_push; op tells them apart.
s/count request_push op=write/count request_push/
