"""Runs code in child processes that cannot outlive their run.

    worker thread ── Client ══ control ══ server       one warm process per worker, clean environment
          ║                                └─ warden   one per run, subreaper of all that the job starts
          ╚═════════ lifeline ══════════════════╝└─ job   own session: the class or program, and its offspring

For each job class in use a worker keeps a separate server (`pool`, `zygote`) that has already imported the class's module.
It is replaced when a file that it has imported changes.

The lifeline is a socket between the worker and the warden. It carries commands to the warden and reports back. Its end
of file means that the worker has died: the warden then ends the job. Every process that a job forks, detaches or leaves
behind becomes a child of its warden, and the warden exits only when it has no children left.

Nothing here imports Django: the same modules run in the server, away from the worker's settings and secrets.
The server's own modules also keep their imports few, because every page they touch makes its forks slower;
this file imports nothing for that reason. The worker's door is `pool.run`, its vocabulary `values`.
"""
