# killed by: keys
# The backend has keys of its own, and writes them by the same event.
s/count store_write actor=frontend/count store_write/
