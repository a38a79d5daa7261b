// A deck: leave out what is not of this lecture, let a poll answer, give figures the room that the text leaves.
(() => {
  const asked = new URLSearchParams(window.location.search);
  const cut = Number(asked.get("cut") ?? 90);
  for (const section of document.querySelectorAll(".slides > section")) {
    if (Number(section.dataset.cut) > cut) section.remove(); // before reveal.js counts them
  }

  /** Show the reason of one option, or of the right one and all that were chosen. */
  function choose(option) {
    option.classList.add("chosen");
    option.querySelector(".why").hidden = false;
  }

  function settle(poll, settled) {
    for (const option of poll.querySelectorAll(".options li")) {
      option.classList.toggle("settled", settled);
      if (!settled) option.classList.remove("chosen");
      const shown = settled && ("right" in option.dataset || option.classList.contains("chosen"));
      option.querySelector(".why").hidden = !shown;
    }
  }

  for (const button of document.querySelectorAll(".options button")) {
    button.addEventListener("click", () => {
      const poll = button.closest("section");
      for (const other of poll.querySelectorAll(".options li:not(.settled)")) {
        other.classList.remove("chosen");
        other.querySelector(".why").hidden = true;
      }
      choose(button.parentElement);
      button.blur(); // else the arrow keys of a clicker would stay with the button
    });
  }

  const deck = new window.Reveal(document.querySelector(".reveal"), {
    plugins: [window.RevealNotes],
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: true,
    transition: "none",
    slideNumber: "c/t",
    defaultTiming: 60, // seconds of a slide that says none: all say theirs, and the speaker's window shows the pace
    pdfSeparateFragments: false,
    showNotes: asked.has("handout") ? "separate-page" : false,
  });
  window.Reveal = deck; // the speaker's window and the tests ask for it by this name
  for (const [event, settled] of Object.entries({ fragmentshown: true, fragmenthidden: false })) {
    deck.on(event, ({ fragment }) => {
      if (fragment.classList.contains("answer")) settle(fragment.closest("section"), settled);
    });
  }

  /** A figure is as high as the slide has room below its text. */
  function makeRoom(section) {
    const figure = section.querySelector("figure");
    if (!figure) return;
    const above = figure.offsetTop - section.offsetTop;
    figure.style.setProperty("--room", `${Math.max(160, 720 - above - 44)}px`);
  }

  const makeAllRoom = () => document.querySelectorAll(".slides section").forEach(makeRoom);
  deck.on("slidechanged", ({ currentSlide }) => makeRoom(currentSlide));
  deck.on("ready", ({ currentSlide }) => makeRoom(currentSlide));
  deck.on("pdf-ready", () => {
    for (const poll of document.querySelectorAll(".poll")) settle(poll, false);
    makeAllRoom();
  });
  // with its fonts, or sizes would be measured on others; a font that is missing must not keep the lecture from starting
  Promise.allSettled([...document.fonts].map((font) => font.load())).then(() => deck.initialize());
})();
