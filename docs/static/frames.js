// An explorer stands in a frame, which sees the system's theme but not the choice made on this page: hand it on.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function isDark() {
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && system.matches);
  }

  function dress(frame) {
    const page = frame.contentDocument;
    // a file in a frame may not be looked into, so it is told; a page that is not there yet is dressed when it has loaded
    frame.contentWindow?.postMessage({ theme: isDark() ? "dark" : "light" }, "*");
    if (!page?.documentElement) return;
    page.documentElement.style.colorScheme = isDark() ? "dark" : "light";
    for (const sheet of page.styleSheets) {
      for (const rule of sheet.cssRules) {
        if (!(rule instanceof frame.contentWindow.CSSMediaRule)) continue;
        rule.ofTheme ??= rule.conditionText.includes("prefers-color-scheme: dark");
        if (rule.ofTheme) rule.media.mediaText = isDark() ? "all" : "not all";
      }
    }
  }

  function dressAll() {
    document.querySelectorAll("article iframe").forEach(dress);
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const frame of document.querySelectorAll("article iframe")) {
      frame.addEventListener("load", () => dress(frame));
    }
    dressAll();
    new MutationObserver(dressAll).observe(document.body, { attributeFilter: ["data-theme"] });
    system.addEventListener("change", dressAll);
  });
})();
