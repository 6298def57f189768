"""What people are told of runs and due times, and in which words."""
