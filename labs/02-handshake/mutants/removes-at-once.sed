# killed by: removal
# online=0 ends what is in flight, and nobody asked the frontend.
s/if \(v->overdue \|\| !v->connected\)/if (true)/
