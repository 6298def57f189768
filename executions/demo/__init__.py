"""`manage.py demo`: example jobs with a month of history, for whoever wants to look around, and the way to be rid of them."""
