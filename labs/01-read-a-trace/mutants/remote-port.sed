# killed by: port
# The port that the backend binds is its own.
s/last evtchn_alloc.port actor=frontend/last evtchn_bind.port actor=backend/
