# killed by: pushes
# Responses are written one by one, and published together.
s/count ring_produce actor=backend/count request_respond/
