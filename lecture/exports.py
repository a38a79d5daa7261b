"""The polls of a lesson for a learning platform, for paper, and as a page that answers without a network.

Every format carries the reason behind each option. Canvas takes QTI 1.2, written by text2qti; Moodle takes its own XML,
and like most others GIFT, both written here: they are a few lines, and no kept package writes them.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

from lecture.deck import MATHS, markdown, markdown_line, reason
from lecture.polls import Poll
from lecture.slides import title_of
from vlmteach.course import Lesson
from vlmteach.language import _, current_language

LETTERS = "ABCDEF"
_GIFT = re.compile(r"([~=#{}:\\])")


def gift(lesson: Lesson, polls: list[Poll]) -> str:
    """The polls in GIFT, a text format that Moodle and others import."""
    questions = [f"$CATEGORY: {title_of(lesson)}\n"]
    for poll in polls:
        options = "".join(
            f"  {'=' if option.right else '~'}[markdown]{_escaped(option.say)} #{_escaped(option.why)}\n"
            for option in poll.options
        )
        questions.append(f"::{_escaped(poll.id)}:: [markdown]{_escaped(poll.ask)} {{\n{options}}}\n")
    return "\n".join(questions)


def _escaped(text: str) -> str:
    return _GIFT.sub(r"\\\1", text)


def moodle(lesson: Lesson, polls: list[Poll]) -> str:
    """The polls in Moodle's own XML."""
    quiz = ElementTree.Element("quiz")
    category = ElementTree.SubElement(quiz, "question", type="category")
    _text(category, "category", f"$course$/{title_of(lesson)}")
    for poll in polls:
        question = ElementTree.SubElement(quiz, "question", type="multichoice")
        _text(question, "name", poll.id)
        _text(question, "questiontext", markdown_line(poll.ask), format="html")
        ElementTree.SubElement(question, "single").text = "true"
        ElementTree.SubElement(question, "shuffleanswers").text = "false"
        ElementTree.SubElement(question, "answernumbering").text = "ABCD"
        for option in poll.options:
            answer = ElementTree.SubElement(question, "answer", fraction="100" if option.right else "0", format="html")
            ElementTree.SubElement(answer, "text").text = markdown_line(option.say)
            _text(answer, "feedback", markdown_line(option.why), format="html")
    ElementTree.indent(quiz)
    return ElementTree.tostring(quiz, encoding="unicode", xml_declaration=True)


def _text(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(ElementTree.SubElement(parent, tag, attributes), "text").text = text


def save_qti(lesson: Lesson, polls: list[Poll], path: Path) -> None:
    """Write the polls as a zip that Canvas imports."""
    from text2qti.config import Config  # only `make lecture` installs it
    from text2qti.qti import QTI
    from text2qti.quiz import Quiz

    lines = [f"Quiz title: {title_of(lesson)}", "Shuffle answers: false", "Show correct answers: false", ""]
    for number, poll in enumerate(polls, start=1):
        lines += [f"Title: {poll.id}", "Points: 1", f"{number}.  {poll.ask}"]
        for letter, option in zip(LETTERS.lower(), poll.options, strict=False):
            lines += [f"{'*' if option.right else ''}{letter})  {option.say}", f"...  {option.why}"]
        lines.append("")
    config = Config()  # its command would write a file into the home; this does not
    config["latex_render_url"] = "/equation_images/"
    QTI(Quiz("\n".join(lines), config=config, source_name=path.stem)).save(str(path))


_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="shared/quiz.css">
{maths}</head>
<body>
<main data-quiz="{number}">
<h1>{title}</h1>
<p class="name">{name}</p>
<ol class="questions">
{questions}
</ol>
</main>
{script}</body>
</html>
"""


def page(lesson: Lesson, polls: list[Poll], key: bool = False) -> str:
    """A page that answers each choice with its reason; printed, it is a sheet to fill in. key: with all answers."""
    questions = "\n".join(f"<li>{_question(poll, key)}</li>" for poll in polls)
    title = _("{title}: key", title=title_of(lesson)) if key else title_of(lesson)
    return _PAGE.format(
        language=current_language(),
        name=_("Name"),
        title=html.escape(title),
        number=f"{lesson.number:02d}",
        questions=questions,
        maths=MATHS if 'class="math"' in questions else "",
        script="" if key else '<script src="shared/quiz.js"></script>\n',
    )


def _question(poll: Poll, key: bool) -> str:
    options = []
    for letter, option in zip(LETTERS, poll.options, strict=False):
        right = " data-right" if option.right else ""
        choice = f'<input type="radio" name="{poll.id}" value="{letter}"{" disabled" if key else ""}>'
        label = f"<label>{choice} <b>{letter}</b> {markdown_line(option.say)}</label>"
        options.append(f"<li{right}>{label}<p class='why'{'' if key else ' hidden'}>{reason(option)}</p></li>")
    return f'<div class="ask">{markdown(poll.ask)}</div><ol class="options">{"".join(options)}</ol>'
