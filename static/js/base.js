// What every page gains from JavaScript; all of it works without.
"use strict";

const viewerTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function addViewerTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-told])")) {
    element.dataset.told = "";
    element.title = `${element.title}\n${viewerTime.format(new Date(element.dateTime))}`;
  }
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

// Where Belfry begins, with the slash: below another site it is not the root.
const home = document.documentElement.dataset.home;
let pressedG = false;

function go(url) {
  window.location.assign(url);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const places = { d: "", j: "jobs", e: "executions" };
  if (pressedG && event.key in places) {
    go(home + places[event.key]);
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "?") {
    document.getElementById("shortcuts").showModal();
  } else if (event.key === "n") {
    const link = document.querySelector("[data-new]");
    if (link) go(link.href);
  }
  pressedG = event.key === "g";
});

for (const button of document.querySelectorAll("[data-shortcuts]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById("shortcuts").showModal());
}

// A menu closes when something else is wanted.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What is shown once can be copied with one press, where the browser lets a page do that.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    source.select();
    await navigator.clipboard.writeText(source.value);
  });
}

function setOffline(offline) {
  const banner = document.getElementById("offline");
  if (banner) banner.hidden = !offline;
}
document.addEventListener("htmx:sendError", () => setOffline(true));
document.addEventListener("htmx:responseError", () => setOffline(true));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) setOffline(false);
});

// A server is not told in which zone its reader is; lists show their times there.
const readersZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (readersZone) {
  const path = document.documentElement.dataset.home ?? "/";
  document.cookie = `zone=${readersZone}; path=${path}; max-age=31536000; SameSite=Lax`;
}

// What a reader has opened stays open when a live part is drawn anew.
let opened = [];
document.addEventListener("htmx:beforeSwap", () => {
  opened = [...document.querySelectorAll("details[id][open]")].map((one) => one.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

document.addEventListener("htmx:load", (event) => addViewerTimes(event.detail.elt));
addViewerTimes(document);
