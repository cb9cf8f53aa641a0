# killed by: release
# One call, but only for the first of the batch.
s/unmap\(s->setup\.gnttab, maps, n\)/unmap(s->setup.gnttab, maps, 1)/
