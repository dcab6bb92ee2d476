"""Active input and output: HTTP, DNS, getaddrinfo. Standard library and dnspython only: it runs on every host."""
