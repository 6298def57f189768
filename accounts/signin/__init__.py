"""How people and machines prove who they are: logins, tokens, known devices, passwords, and delays after failed tries."""
