# killed by: told
# Uses are counted, and sharing is never seen.
s/shared = s->uses && s->seq != seq;/shared = false;/
