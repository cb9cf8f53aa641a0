# killed by: saved
# ring_notify is emitted for each decision, whichever way it went.
s/count ring_notify actor=backend needed=no/count ring_notify actor=backend/
