"""What is checked at start of environments, and of the account as which the code of jobs runs."""
