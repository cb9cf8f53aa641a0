# killed by: notify
# To notify always is correct, if slow.
s/return prod - event < prod - old;/return prod - event < prod - old || prod != old;/
