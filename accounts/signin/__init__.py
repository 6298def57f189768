"""Authentication: logins, tokens, known devices, password hashes, and delays after failed logins."""
