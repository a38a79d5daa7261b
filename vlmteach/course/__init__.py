"""Lesson set-up, the doctor, and the exercises' checks."""
