"""Lesson set-up, the doctor, and the exercises' checks."""

from vlmteach.course.lessons import LESSONS, Lesson, get_lesson
from vlmteach.course.machine import doctor
from vlmteach.course.session import start

__all__ = ["LESSONS", "Lesson", "doctor", "get_lesson", "start"]
