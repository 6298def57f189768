// A bar at the top while something is under way, and buttons that are pressed once.
"use strict";

(() => {
  const bar = document.getElementById("busy");
  const words = bar.dataset;
  // Long enough that quick answers show nothing; and a button comes back where no other page follows, after a download for one.
  const SOON = 150;
  const PATIENCE = 20_000;
  const underWay = new Set();
  let timer = 0;

  function begin(what) {
    underWay.add(what);
    if (timer || !bar.hidden) return;
    timer = window.setTimeout(() => {
      bar.hidden = false;
    }, SOON);
  }

  function end(what) {
    underWay.delete(what);
    if (underWay.size) return;
    window.clearTimeout(timer);
    timer = 0;
    bar.hidden = true;
  }

  // What a reader has asked for; a live part that asks for itself again is no event of theirs.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.triggeringEvent?.isTrusted) begin(event.detail.xhr);
  });
  document.addEventListener("htmx:afterRequest", (event) => end(event.detail.xhr));

  const pressed = new Map();
  // A second press may come before the buttons are disabled.
  const sent = new WeakSet();

  function word(form, button) {
    if (button?.dataset.busy) return button.dataset.busy;
    // Without an action a form goes where its page is.
    const action = button?.getAttribute("formaction") || form.getAttribute("action") || "";
    if (new URL(action, window.location.href).pathname.endsWith("/run")) return words.starting;
    return button?.classList.contains("primary") && form.classList.contains("form") ? words.saving : "";
  }

  function press(form, submitter) {
    const text = submitter?.textContent.trim() && !submitter.classList.contains("mini") ? word(form, submitter) : "";
    for (const button of form.elements) {
      if (button.type !== "submit" || button.disabled) continue;
      pressed.set(button, null);
      button.disabled = true;
    }
    if (!text) return;
    pressed.set(submitter, [...submitter.childNodes]);
    submitter.replaceChildren(text);
  }

  function release() {
    for (const [button, nodes] of pressed) {
      button.disabled = false;
      if (nodes) button.replaceChildren(...nodes);
    }
    pressed.clear();
    for (const form of document.forms) sent.delete(form);
    end("form");
  }

  // Last of all, and after the form was sent: a button that is disabled is not sent with it.
  window.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.target === "_blank" || form.method === "dialog") return;
    begin("form");
    if (form.method !== "post") return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    sent.add(form);
    window.setTimeout(() => press(form, event.submitter), 0);
    window.setTimeout(release, PATIENCE);
  });
  window.addEventListener("pageshow", release);
})();
