// Texts in the page's language. page.py hands over a table, English text -> translation, of those that a script marks.

const TEXTS = JSON.parse(document.getElementById("texts").textContent);

/** A text in the page's language; values fill its placeholders, such as {count}. */
export function _(text, values = {}) {
  return (TEXTS[text] ?? text).replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
}
