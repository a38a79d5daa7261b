"""Exercises that answer back: not attempted, wrong and why, raised and where, or right."""

from vlmteach.course.exercises.exercise import Exercise, NotRight, Verdict, Wrong

__all__ = ["Exercise", "NotRight", "Verdict", "Wrong"]
