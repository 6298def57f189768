"""What goes with a change of a job: its stored definition, its upstream jobs, where its secrets go, who is told, removal."""
