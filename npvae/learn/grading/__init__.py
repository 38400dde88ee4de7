"""Grading: the submissions of a class, each program in a separate process that can do the grader no harm."""
