// The log follows its end while the reader is there; who has scrolled up, or looks at one line, is left in peace.
"use strict";

// A page that stays open for days must not keep all that was written meanwhile.
const MOST_LINES = 5000;
const WRAP = "belfry-log-wrap";
const wrap = document.getElementById("log-wrap");
const follow = document.getElementById("log-follow");

function pane() {
  return document.getElementById("log");
}

function toEnd() {
  const log = pane();
  if (log && follow && follow.checked) log.scrollTop = log.scrollHeight;
}

function shorten() {
  const lines = document.querySelectorAll("#log li");
  if (follow && !follow.checked) return;
  for (let at = 0; at < lines.length - MOST_LINES; at += 1) lines[at].remove();
}

// Scroll events do not bubble, but can be caught on their way down; the pane itself may be replaced.
document.addEventListener(
  "scroll",
  (event) => {
    const log = event.target;
    if (follow && log.id === "log") follow.checked = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  },
  true,
);

// Told of each new line; what it replaced is gone by then.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.target.closest("#log-lines")) return;
  const empty = document.querySelector("#log-lines > .empty");
  if (empty && document.querySelector("#log li[id]")) empty.remove();
  shorten();
  toEnd();
});

if (follow) {
  document.getElementById("log-follow-label").hidden = false;
  follow.checked = !window.location.hash.startsWith("#L");
  follow.addEventListener("change", toEnd);
}

// Lines are wrapped without JavaScript, too; it remembers what was chosen.
try {
  wrap.checked = localStorage.getItem(WRAP) !== "off";
  wrap.addEventListener("change", () => localStorage.setItem(WRAP, wrap.checked ? "on" : "off"));
} catch {
  // A browser that keeps nothing for pages.
}

if (!window.location.hash && pane()) {
  const log = pane();
  log.scrollTop = log.scrollHeight;
}
