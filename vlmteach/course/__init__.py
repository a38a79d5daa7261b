"""Lesson set-up, the doctor, and the exercises' checks."""

from vlmteach.course.doctor import doctor
from vlmteach.course.lessons import LESSONS, Lesson, get_lesson
from vlmteach.course.start import start

__all__ = ["LESSONS", "Lesson", "doctor", "get_lesson", "start"]
