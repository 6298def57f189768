"""How operations are carried out: by system workers, each in a child process of its own.

transitions.py  every transition of an operation, a conditional UPDATE each, and what it means for the environment
process.py      one child process: what it is asked, what it says, how it is ended
carry_out.py    one operation from its lock to its end
worker.py       the threads of a system worker that carry operations out
cleanup.py      what a crash left of an environment is removed
publish.py      tells the system workers that an operation waits
"""
