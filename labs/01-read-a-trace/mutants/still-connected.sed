# killed by: end
# Both sides say goodbye before the frontend ends.
s/\{last state_switch.to actor=backend\}/connected/
