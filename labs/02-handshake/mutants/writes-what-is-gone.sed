# killed by: written
# Its directory was removed, and it makes it anew.
s/if \(v->gone\)/if (false)/
