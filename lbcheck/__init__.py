"""lbcheck: verifies how DNS round robin and load balancers spread traffic, with stated error rates."""

__version__ = "0.1.0"
