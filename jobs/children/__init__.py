"""Runs code in child processes that cannot outlive their run.

    worker thread ── Client ══ control ══ server           one fork server per worker, with a clean environment
          ║                                └─ supervisor   one per run, subreaper of all that the job starts
          ╚═════════ lifeline ═════════════════════╝└─ job   own session: the class or program, and its offspring

For each job class in use a worker keeps a separate fork server (`pool`, `class_server`) that has already imported the class's
module. It is replaced when a file that it has imported changes.

The lifeline is a socket between the worker and the supervisor. It carries commands to the supervisor and reports back. Its
end of file means that the worker has died: the supervisor then ends the job. Every process that a job forks, detaches or leaves
behind becomes a child of its supervisor, and the supervisor exits only when it has no children left.

Nothing here imports Django: the same modules run in the server, away from the worker's settings and secrets.
The server's own modules also keep their imports few, because every page they touch makes its forks slower;
this file imports nothing for that reason. The worker calls `pool.run`; what it passes and gets back is in `values`.
"""
