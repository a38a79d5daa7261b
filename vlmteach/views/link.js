// A page's state as a link: "#key=value&key=value", short enough to be written by hand.

/** The values of a hash by key. What cannot be read is left out, so that a damaged link still opens the page. */
export function readLink(hash) {
  const found = {};
  for (const part of String(hash).replace(/^#/, "").split("&")) {
    const [key, ...value] = part.split("=");
    if (!key || !value.length) continue;
    try {
      found[decodeURIComponent(key)] = decodeURIComponent(value.join("="));
    } catch {
      // a "%" that begins no letter
    }
  }
  return found;
}

/** The hash of some values; empty ones are left out, and what may stand in a hash as it is stays readable. */
export function writeLink(values) {
  const readable = (text) => encodeURIComponent(text).replace(/%(2F|2C|3A)/g, (code) => decodeURIComponent(code));
  const parts = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `#${parts.map(([key, value]) => `${readable(key)}=${readable(value)}`).join("&")}`;
}

let last = null;

/**
 * Put the state into the address without a step in the history, a moment after its last change: browsers refuse many
 * in a row. A frame without an address of its own keeps none.
 */
export function keepLink(hash) {
  clearTimeout(last);
  last = setTimeout(() => {
    try {
      window.history.replaceState(null, "", hash);
    } catch {
      // about:srcdoc
    }
  }, 150);
}

/** Call open(hash) when the address changes, or when the page around this frame posts {vlmteach: "#…"}. */
export function followLinks(open) {
  window.addEventListener("hashchange", () => open(window.location.hash));
  window.addEventListener("message", ({ data }) => {
    if (typeof data?.vlmteach === "string") open(data.vlmteach);
  });
}
