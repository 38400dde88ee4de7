"""Grading: the submissions of a class, each program in a separate process that can do the grader no harm.

A file passes through three processes. `grade.py` reads the submissions and asks `worker.py`, a helper process for each
core. A helper calls `marking.mark`, which starts a new process for the student's program (`process.py`). In there,
`confinement.py` takes every right away that the program does not need, and `child.py` runs it. The values that it
returns travel back as bytes (`wire.py`), and `marking.mark` compares them with what they should be. Nothing that the
program prints or writes counts.

    submissions.py   the folders and archives of a class        gradebook.py   marks and feedback on disk
    integrity.py     notes for the teacher                      tables.py, summary.py   what the teacher sees
"""
