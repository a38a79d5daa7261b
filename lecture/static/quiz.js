// A quiz on a page from disk: each choice shows its reason, and stays chosen when the page is opened again.
(() => {
  const quiz = document.querySelector("main").dataset.quiz;
  const place = (name) => `vlmteach quiz ${quiz} ${name}`;

  function answer(input) {
    const options = input.closest(".options");
    for (const why of options.querySelectorAll(".why")) why.hidden = true;
    input.closest("li").querySelector(".why").hidden = false;
  }

  for (const input of document.querySelectorAll("input")) {
    if (localStorage.getItem(place(input.name)) === input.value) {
      input.checked = true;
      answer(input);
    }
    input.addEventListener("change", () => {
      localStorage.setItem(place(input.name), input.value);
      answer(input);
    });
  }
})();
