"""Parts of changing a job: versions, dependencies, protection of its secrets, notices in inboxes, removal."""
