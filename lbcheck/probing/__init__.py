"""Active input and output: the connection engine, HTTP, DNS. Standard library and dnspython only: it runs on every host."""
