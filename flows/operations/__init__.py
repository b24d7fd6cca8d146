"""What runs by itself: flows that are deployed, and the parts that run them."""
