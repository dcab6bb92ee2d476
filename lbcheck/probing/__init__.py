"""Input and output on hosts: asking over DNS and HTTP, opening and holding connections, namespaces of our own."""
