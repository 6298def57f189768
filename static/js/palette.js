// Ctrl-K: pages, verbs and jobs by a few letters. The pages and verbs are those of the menus of this page, so nothing more is allowed here.
"use strict";

(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const none = dialog.querySelector("[data-none]");
  const PAUSE = 200;
  let jobs = [];
  let shown = [];
  let place = 0;
  let timer = 0;
  let asked = 0;

  function commands() {
    const found = [...document.querySelectorAll(".sections a, .menu > div a, .menu > div button, [data-command]")];
    return found.map((one) => ({ name: one.textContent.trim().replace(/\s+/g, " "), press: () => one.click() }));
  }

  function fits(name, words) {
    const lower = name.toLowerCase();
    return words.every((word) => lower.includes(word));
  }

  function mark() {
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === place)));
    const row = list.children[place];
    if (row) input.setAttribute("aria-activedescendant", row.id);
    else input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  function draw() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = commands().filter((one) => fits(one.name, words));
    shown = [...fitting, ...(words.length ? jobs : [])];
    place = 0;
    list.replaceChildren(
      ...shown.map((one, at) => {
        const row = document.createElement("li");
        row.id = `palette-${at}`;
        row.setAttribute("role", "option");
        row.textContent = one.name;
        if (one.url) row.classList.add("job");
        row.addEventListener("click", () => choose(at));
        return row;
      }),
    );
    none.textContent = shown.length ? "" : none.dataset.none;
    mark();
  }

  function choose(at) {
    const chosen = shown[at];
    if (!chosen) return;
    dialog.close();
    if (chosen.url) window.location.assign(chosen.url);
    else chosen.press();
  }

  async function ask() {
    asked += 1;
    const mine = asked;
    const text = input.value.trim();
    let found = [];
    try {
      const answer = text ? await fetch(`${dialog.dataset.url}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } }) : null;
      if (answer?.ok && !answer.redirected) found = (await answer.json()).jobs;
    } catch {
      // The server does not answer: pages and verbs are there without it.
    }
    if (mine !== asked) return; // more has been typed meanwhile
    jobs = found;
    draw();
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    input.value = "";
    jobs = [];
    dialog.showModal();
    draw();
    input.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });

  input.addEventListener("input", () => {
    draw();
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      choose(place);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      place = shown.length ? (place + step + shown.length) % shown.length : 0;
      mark();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
})();
