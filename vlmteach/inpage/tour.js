// The guided tour: each step drives the page to a state, lets the student predict, and only then shows what came out.

import { make } from "../views/dom.js";
import { _ } from "../views/language.js";
import { readState } from "./state.js";

export function tourPart(explorer) {
  const { tour } = explorer.data;
  const title = make("h2", { tabIndex: -1 });
  const place = make("p", { className: "hint" });
  const ask = make("p", { className: "predict" });
  const choices = make("div", { className: "row" });
  const say = make("p", { className: "say", role: "status" });
  const button = (text, act, className = "") => {
    const made = make("button", { type: "button", className }, text);
    made.addEventListener("click", act);
    return made;
  };
  const go = (step) => enter(step, true);
  const back = button(_("Back"), () => go(explorer.state.step - 1), "quiet");
  const next = button(_("Next"), () => go(explorer.state.step + 1));
  const leave = button(_("End the tour"), () => explorer.set({ step: null }), "quiet");
  const bar = make("div", { className: "row steps" }, back, next, place, leave);
  const element = make("section", { className: "tour", ariaLabel: _("Guided tour") }, title, ask, choices, say, bar);
  element.addEventListener("keydown", (event) => event.key === "Escape" && explorer.set({ step: null }));
  let guessed = null; // {step, choice}: what was predicted, for the step it was predicted for

  /** Drive the page to a step's state; a part that the step does not name is as it was at the start. */
  const enter = async (step, focus) => {
    guessed = null;
    if (step < 1 || step > tour.length) return void explorer.set({ step: null });
    await explorer.set({ ...readState(explorer.data, tour[step - 1].hash), only: explorer.state.only, step });
    if (focus) title.focus({ preventScroll: true });
  };
  const guess = (choice) => {
    guessed = { step: explorer.state.step, choice };
    explorer.set({});
  };

  return {
    name: "tour",
    element,
    start: () => enter(1, true),
    show({ state }) {
      element.hidden = state.step === null;
      const step = state.step && tour[state.step - 1];
      const choice = guessed?.step === state.step ? guessed.choice : null;
      const waits = Boolean(step?.predict) && choice === null;
      if (!step) return void explorer.point(null, false);
      title.textContent = step.title;
      place.textContent = _("{number} of {count}", { number: state.step, count: tour.length });
      ask.hidden = choices.hidden = !waits;
      if (waits) {
        ask.textContent = step.predict.ask;
        choices.replaceChildren(...step.predict.choices.map((one) => button(one, () => guess(one))));
      }
      const judged = choice === step.predict?.right ? _("You saw that coming. ") : _("You said “{choice}”. ", { choice });
      say.textContent = waits ? "" : (choice === null ? "" : judged) + step.say;
      back.disabled = state.step === 1;
      next.textContent = state.step === tour.length ? _("Finish") : _("Next");
      next.disabled = waits;
      explorer.point(step.look, waits);
    },
  };
}
