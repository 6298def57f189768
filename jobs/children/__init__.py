"""Runs code in child processes that cannot outlive their run.

    worker thread ── Client ══ control ══ server       one warm process per worker, clean environment
          ║                                └─ warden   one per run, subreaper of all that the job starts
          ╚═════════ lifeline ══════════════════╝└─ job   own session: the class or program, and its offspring

For each job class in use a worker keeps a server of its own (`pool`, `zygote`), which has imported the class's module: its
runs need not. It is made anew when a file that it has imported has changed.

The lifeline is a socket between the worker and the warden. Orders go down, reports come up, and its end of
file means that the worker is gone: the warden then ends the job. Whatever a job forks, detaches or leaves
behind becomes a child of its warden, and the warden does not finish before it has no children left.

Nothing here imports Django: the same modules run in the server, away from the worker's settings and secrets.
The server's own modules also keep their imports few, because every page they touch makes its forks slower;
this file imports nothing for that reason. The worker's door is `pool.run`, its vocabulary `values`.
"""
