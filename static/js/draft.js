// Keeps what was typed into a form and not saved in this tab, and offers it when the form is opened again.
// Passwords, secrets and files are never kept. A draft is dropped when its form was saved, discarded, or is a week old.
"use strict";

(() => {
  const PREFIX = "belfry-draft:";
  const WEEK = 7 * 24 * 3600 * 1000;
  const UNKEPT = ["password", "file", "hidden", "submit", "button"];

  function store() {
    try {
      return window.sessionStorage; // of this tab: what is typed into headers may be a credential, and shall not outlive it
    } catch {
      return null; // forbidden by the browser
    }
  }
  const kept = store();
  if (!kept) return;

  const done = document.querySelector("[data-draft-done]");
  if (done) kept.removeItem(PREFIX + done.dataset.draftDone);
  for (const key of Object.keys(kept).filter((name) => name.startsWith(PREFIX))) {
    const found = read(key);
    if (!found || Date.now() - found.at > WEEK) kept.removeItem(key);
  }

  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const key = PREFIX + form.dataset.draft;
  const started = JSON.stringify(fields());
  let saving = false;

  function read(name) {
    try {
      return JSON.parse(kept.getItem(name));
    } catch {
      return null;
    }
  }

  function isKept(control) {
    return control.name && !UNKEPT.includes(control.type) && !control.closest("[data-secret]");
  }

  function fields() {
    return [...form.elements].filter(isKept).map((one) => {
      if (one.type === "checkbox" || one.type === "radio") return [one.name, one.checked, one.value];
      return [one.name, one.value];
    });
  }

  function isChanged() {
    return "unsaved" in form.dataset || JSON.stringify(fields()) !== started;
  }

  function restore(found) {
    const places = new Map();
    for (const [name, value, choice] of found) {
      const same = [...form.elements].filter((one) => one.name === name && isKept(one));
      if (choice !== undefined) {
        for (const one of same) if (one.value === choice) one.checked = value;
        continue;
      }
      const place = places.get(name) ?? 0;
      places.set(name, place + 1);
      if (same[place]) same[place].value = value;
    }
    form.dispatchEvent(new Event("change", { bubbles: true }));
    for (const one of form.querySelectorAll("textarea, select, fieldset")) one.dispatchEvent(new Event("change", { bubbles: true }));
  }

  let timer = 0;
  function keepSoon() {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      try {
        if (isChanged()) kept.setItem(key, JSON.stringify({ at: Date.now(), fields: fields() }));
        else kept.removeItem(key);
      } catch {
        // The browser's store is full: the form works on without a draft.
      }
    }, 300);
  }
  form.addEventListener("input", keepSoon);
  form.addEventListener("change", keepSoon);
  form.addEventListener("submit", () => { saving = true; });
  window.addEventListener("pageshow", () => { saving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!saving && isChanged()) event.preventDefault();
  });

  const offer = document.getElementById("draft-offer");
  const found = read(key);
  if (!offer || !found) return;
  if (JSON.stringify(found.fields) === started) {
    kept.removeItem(key);
    return;
  }
  offer.querySelector("time").textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(found.at);
  offer.hidden = false;
  offer.querySelector("[data-restore]").addEventListener("click", () => {
    restore(found.fields);
    offer.hidden = true;
    form.elements.name?.focus();
  });
  offer.querySelector("[data-discard]").addEventListener("click", () => {
    kept.removeItem(key);
    offer.hidden = true;
  });
})();
