"""The one form behind every surface that makes or changes a job."""
