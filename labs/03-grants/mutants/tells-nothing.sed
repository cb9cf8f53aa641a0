# killed by: told
# The work is done, and nobody hears of it.
s/^		ev_grant_unmap\(.*//
