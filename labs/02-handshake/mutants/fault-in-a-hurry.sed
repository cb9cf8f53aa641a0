# killed by: fault
# A broken rule: from 5 to 6, while the frontend still stands there.
/^static enum handshake_action fault_next/,/^}/s/return HANDSHAKE_WAIT/return HANDSHAKE_CLOSE/
