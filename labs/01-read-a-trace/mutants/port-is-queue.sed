# killed by: port
# The queue's number stands in the same line.
s/last evtchn_alloc.port actor=frontend/last evtchn_alloc.queue actor=frontend/
