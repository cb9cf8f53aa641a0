# killed by: end
# A run that is over has closed its disk.
s/\{last state_switch.to actor=frontend\}/connected/
