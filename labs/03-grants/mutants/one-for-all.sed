# killed by: bad
# The call says that one failed, so all did.
s/u->error = m->addr \? 0 : -EFAULT;/u->error = err > 0 ? -EFAULT : 0;/
