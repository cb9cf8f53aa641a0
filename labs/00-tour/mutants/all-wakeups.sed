# killed by: woken
# Both sides are woken; the frontend was asked for.
s/count evtchn_wakeup actor=frontend/count evtchn_wakeup/
