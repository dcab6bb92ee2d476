"""What the order of answers, taken one at a time, tells about a balancer; `infer.infer` is where to start."""
