# killed by: end
# After 6 the backend is ready for the next frontend.
s/\{last state_switch.to actor=backend\}/closed/
