"""The form that all pages and APIs use to create or change a job."""
