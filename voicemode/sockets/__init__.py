"""Unix sockets by which processes of one user reach one another: a path in, a socket for that user alone out."""
