# killed by: written
# Somebody set our state back: begin anew, over rings that are still held.
/^static enum handshake_action first_due/,/^}/s/return HANDSHAKE_CLOSE/return HANDSHAKE_WAIT/
