# killed by: entries
# The ring's grants are its pages, not its slots.
s/first ring_map.entries actor=backend/first ring_map.order actor=backend/
