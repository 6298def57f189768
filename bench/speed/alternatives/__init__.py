"""What the speed bench compares Belfry with: small programs that do the same thing with other means."""
