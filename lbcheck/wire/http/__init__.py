"""HTTP/1.1 as a client sees it: the bytes of a request, answers out of bytes, and who gave them."""
