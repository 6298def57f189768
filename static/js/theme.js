// Runs before the first paint, so that a reader's choice does not flash.
"use strict";

(() => {
  const stored = localStorage.getItem("theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;

  const choose = (theme) => {
    if (theme) {
      document.documentElement.dataset.theme = theme;
      localStorage.setItem("theme", theme);
    } else {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("theme");
    }
  };

  // The choice on the profile page, which also leads back to what the system says.
  const show = (radios) => {
    for (const radio of radios) radio.checked = radio.value === (document.documentElement.dataset.theme || "");
  };

  document.addEventListener("DOMContentLoaded", () => {
    const choices = document.getElementById("themes");
    const radios = choices ? choices.querySelectorAll("input") : [];
    if (choices) choices.hidden = false;
    show(radios);
    for (const radio of radios) radio.addEventListener("change", () => choose(radio.value));
    const button = document.getElementById("theme");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme
        ? root.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
      choose(dark ? "light" : "dark");
      show(radios);
    });
  });
})();
