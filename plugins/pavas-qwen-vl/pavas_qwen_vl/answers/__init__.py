"""From what a language model wrote to objects and masses. Pure functions, free of torch."""
