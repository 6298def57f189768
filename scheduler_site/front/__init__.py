"""The web front: connections are events, and a thread works only while Django does.

worker              a web process under gunicorn: accepts connections, shares them with its siblings, shuts down gracefully
balance             the number of connections of each web process
protocol            uvicorn's HTTP with deadlines and limits
bridge              reads a request, calls Django in a thread, and writes the answer at the client's pace
django_calls        the WSGI call in the thread
fair_queue          which client gets the next thread
waiting_requests    requests that wait for the end of a run or an operation
"""
