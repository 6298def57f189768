"""What a run may have to wait for: a free place, a quota, the end of a hold, an earlier run of its job."""
