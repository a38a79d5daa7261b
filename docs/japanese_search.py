"""A search for Japanese, which has no spaces: text is indexed by letters and pairs of letters, a query is cut likewise.

Sphinx's own splits text into words but leaves a query whole, so that it finds no word that it had split in the text.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.search import SearchLanguage

JAPANESE = r"\u3005\u3041-\u30ff\u3400-\u9fff"  # 々, kana, kanji
_RUNS = re.compile(f"[{JAPANESE}]+|[^\\W{JAPANESE}]+")


class JapaneseSearch(SearchLanguage):
    """Letters and pairs of letters of Japanese; words of everything else."""

    lang = "ja"
    language_name = "Japanese"
    stopwords = frozenset()
    js_splitter_code = rf"""
function splitQuery(query) {{
  const runs = query.match(/[{JAPANESE}]+|(?:(?![{JAPANESE}])[\p{{L}}\p{{N}}_-])+/gu) ?? [];
  return runs.flatMap((run) => {{
    if (!/^[{JAPANESE}]/u.test(run) || run.length === 1) return [run];
    return Array.from({{ length: run.length - 1 }}, (_, i) => run.slice(i, i + 2));
  }});
}}
"""

    def split(self, input: str) -> list[str]:
        """All that a text is found by."""
        found: list[str] = []
        for run in _RUNS.findall(input):
            if re.match(f"[{JAPANESE}]", run):
                found += [*run, *(run[i : i + 2] for i in range(len(run) - 1))]
            else:
                found.append(run)
        return found


def setup(app: Any) -> dict[str, bool]:
    """Put it in the place of Sphinx's own."""
    app.add_search_language(JapaneseSearch)
    return {"parallel_read_safe": True}
