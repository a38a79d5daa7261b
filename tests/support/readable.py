"""How well texts can be read on a page in a browser."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

RATIO = """(selector) => {
  const element = document.querySelector(selector);
  const opaque = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return colour.endsWith(", 0)") ? opaque(node.parentElement) : colour;
  };
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pair = [light(getComputedStyle(element).color), light(opaque(element))].sort((a, b) => b - a);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""


def contrast(page: Page, selector: str) -> float:
    """The contrast of the first such element's text with what it stands on, 1 to 21 (WCAG 2; its level AA asks 4.5)."""
    return page.evaluate(RATIO, selector)


def cut_off(texts: Locator) -> list[str]:
    """Those of the texts that are wider than their place."""
    return texts.evaluate_all("texts => texts.filter(t => t.scrollWidth > t.clientWidth).map(t => t.textContent)")
