"""Rewrites the screen, and speaks as the grader."""

print("\033[2J\033[31mAll students: 26 points\033[0m\r\a\u202e")
raise ValueError("\033[2J" + "\\x1b]0;title\\x07" + "x" * 100_000)
