// The list of jobs: what is marked outlives every update of the list, and j, k, x and Enter work in it.
"use strict";

(() => {
  const page = document.querySelector("[data-listing]");
  if (!page) return;
  const marked = new Set();
  const told = page.querySelector("[data-chosen]");
  const unmark = page.querySelector("[data-unmark]");

  const boxes = () => [...page.querySelectorAll('input[name="job"]')];
  const all = () => page.querySelector("#mark-all");

  // Jobs that are marked and not on this page of the list are sent as well.
  function keepOthers() {
    const form = document.getElementById("bulk");
    if (!form) return;
    for (const old of form.querySelectorAll("input[data-other]")) old.remove();
    const shown = new Set(boxes().map((box) => box.value));
    for (const uid of marked) {
      if (shown.has(uid)) continue;
      const other = document.createElement("input");
      Object.assign(other, { type: "checkbox", name: "job", value: uid, checked: true, hidden: true });
      other.setAttribute("form", "bulk");
      other.dataset.other = "";
      form.append(other);
    }
  }

  function tell() {
    keepOthers();
    const whole = page.querySelector("[data-page]");
    if (whole) {
      whole.hidden = false;
      whole.checked = boxes().length > 0 && boxes().every((box) => box.checked);
    }
    if (!told) return;
    const text = marked.size === 1 ? told.dataset.one : told.dataset.many;
    told.textContent = marked.size && !all()?.checked ? text.replace("{count}", marked.size) : "";
    unmark.hidden = !marked.size && !all()?.checked;
  }

  page.addEventListener("change", (event) => {
    if ("page" in event.target.dataset) {
      for (const box of boxes()) {
        box.checked = event.target.checked;
        if (box.checked) marked.add(box.value);
        else marked.delete(box.value);
      }
    }
    if (event.target.name === "job" && !("other" in event.target.dataset)) {
      if (event.target.checked) marked.add(event.target.value);
      else marked.delete(event.target.value);
    }
    tell();
  });

  unmark?.addEventListener("click", () => {
    marked.clear();
    for (const box of boxes()) box.checked = false;
    if (all()) all().checked = false;
    tell();
  });

  let wasAll = false;
  document.addEventListener("htmx:beforeSwap", () => {
    wasAll = Boolean(all()?.checked);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "list" && event.detail.elt?.id !== "list") return;
    for (const box of boxes()) box.checked = marked.has(box.value);
    // Another search means other jobs: all of them are not meant any more.
    const live = !event.detail.requestConfig?.triggeringEvent?.target?.closest?.("#search, .tabs");
    if (all()) all().checked = wasAll && live;
    show();
    tell();
  });

  // Rows by keys. The row is remembered by its job, so that it stays where it is when the list is drawn anew.
  let here = "";
  const rows = () => [...page.querySelectorAll("tr:has([data-open])")];
  const linkOf = (row) => row.querySelector("[data-open]");

  function show() {
    for (const row of rows()) row.classList.toggle("here", linkOf(row).id === here);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
    const list = rows();
    const place = list.findIndex((row) => linkOf(row).id === here);
    if (event.key === "j" || event.key === "k") {
      const next = list[event.key === "j" ? Math.min(place + 1, list.length - 1) : Math.max(place - 1, 0)];
      if (!next) return;
      here = linkOf(next).id;
      linkOf(next).focus();
      next.scrollIntoView({ block: "nearest" });
      show();
    } else if (event.key === "x" && place >= 0) {
      list[place].querySelector('input[name="job"]')?.click();
    }
  });

  for (const box of boxes()) if (box.checked) marked.add(box.value);
  tell();
})();
