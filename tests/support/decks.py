"""What a deck looks like in a browser: how far each slide reaches, and its smallest letters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

WIDTH, HEIGHT = 1280, 720
FOOT = 36  # where the number of the slide stands
_MEASURE = """() => {
  const section = window.Reveal.getCurrentSlide();
  const scale = window.Reveal.getScale();
  let [bottom, right, font, letters] = [0, 0, Infinity, null];
  const visit = (element, inside) => {
    if (element.matches("aside.notes, mjx-assistive-mml, script, style, [hidden], svg *, .said, .explorer svg")) return;
    const style = getComputedStyle(element);
    if (style.display === "none" || style.visibility === "hidden") return;
    const box = element.getBoundingClientRect();
    if (box.width > 1 && box.height > 1) {
      bottom = Math.max(bottom, (box.bottom + inside.top) / scale);
      const wide = Math.max(box.width, element.scrollWidth * scale);
      right = Math.max(right, (box.left + inside.left + wide) / scale);
      const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
      if (says && !inside.frame) font = Math.min(font, parseFloat(style.fontSize));
    }
    if (element.matches("figure img")) {
      const shown = Math.min(element.clientWidth / element.naturalWidth, element.clientHeight / element.naturalHeight);
      letters = Math.round(10 * shown * (element.dataset.letters ?? 0)) / 10;
    }
    if (element.tagName === "IFRAME") {
      const root = element.contentDocument.querySelector("main");
      visit(root, { top: box.top, left: box.left, frame: true });
    }
    for (const child of element.children) visit(child, inside);
  };
  for (const child of section.children) visit(child, { top: 0, left: 0, frame: false });
  const title = section.querySelector("h1, h2").textContent;
  return { title, bottom: Math.round(bottom), right: Math.round(right), font, letters };
}"""


@dataclass(frozen=True)
class Measured:
    """One slide with all its fragments shown.

    bottom, right: how far it reaches. font: of its smallest text. letters: of its figure's smallest, 0 where nobody has
    measured them, None where it has no figure.
    """

    title: str
    bottom: int
    right: int
    font: float
    letters: float | None

    @property
    def overflows(self) -> bool:
        return self.bottom > HEIGHT - FOOT or self.right > WIDTH


def open_deck(page: Page, path: Path, query: str = "") -> None:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(path.as_uri() + query)
    page.wait_for_function("window.Reveal?.isReady?.()")
    page.evaluate("() => document.fonts.ready.then(() => window.MathJax?.startup?.promise)")


def measure(page: Page) -> list[Measured]:
    """Every slide of an open deck."""
    found = []
    for index in range(page.evaluate("window.Reveal.getTotalSlides()")):
        show(page, index)
        found.append(Measured(**page.evaluate(_MEASURE)))
    return found


def show(page: Page, index: int) -> None:
    """Go to a slide with everything on it, its explorer ready."""
    page.evaluate("(index) => window.Reveal.slide(index, 0, 9999)", index)
    page.evaluate("() => Promise.all([...document.querySelectorAll('section.present img')].map((img) => img.decode()))")
    if page.locator("section.present iframe").count():
        frame = page.frame_locator("section.present iframe")
        frame.locator("main > *:not(p)").first.wait_for()
        page.wait_for_timeout(100)  # its height follows its content
