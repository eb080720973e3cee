"""What each kind of step becomes: a list of steps to a list of states, one module a kind."""
