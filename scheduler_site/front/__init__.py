"""The web front: connections are events, and a thread works only while Django does.

worker      a web process under gunicorn: takes connections, shares them with its siblings, ends in peace
protocol    uvicorn's HTTP with deadlines and bounds
bridge      a request in full becomes a WSGI call in a thread; its answer is written at the client's pace
turns       who may have a thread next
waits       requests that wait for the end of a run or an operation
"""
