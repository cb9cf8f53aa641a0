# killed by: removal
# A frontend that never closes keeps the device.
s/v->overdue \|\| !v->connected/!v->connected/
