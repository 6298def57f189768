// Lists of jobs, runs, incidents and messages: what is marked outlives every update of the list, and j, k, x and Enter work in it.
"use strict";

(() => {
  // Looked up anew each time: the way back through the history puts another page in the place of this one.
  const find = (selector) => document.querySelector(`[data-listing] ${selector}`);
  const findAll = (selector) => [...document.querySelectorAll(`[data-listing] ${selector}`)];
  const boxes = () => findAll('tbody input[name="job"]');
  const all = () => find("#mark-all");
  const marked = new Set();

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
    const whole = find("[data-page]");
    if (whole) {
      whole.hidden = false;
      whole.checked = boxes().length > 0 && boxes().every((box) => box.checked);
    }
    const told = find("[data-chosen]");
    if (!told) return;
    const text = marked.size === 1 ? told.dataset.one : told.dataset.many;
    told.textContent = marked.size && !all()?.checked ? text.replace("{count}", marked.size) : "";
    find("[data-unmark]").hidden = !marked.size && !all()?.checked;
  }

  function mark(box, checked) {
    box.checked = checked;
    if (checked) marked.add(box.value);
    else marked.delete(box.value);
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.closest("[data-listing]")) return;
    if ("page" in box.dataset) for (const one of boxes()) mark(one, box.checked);
    else if (box.name === "job") mark(box, box.checked);
    tell();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-unmark]")) return;
    marked.clear();
    for (const box of boxes()) box.checked = false;
    if (all()) all().checked = false;
    tell();
  });

  // Rows by keys. The row is remembered by its link, so that it stays where it is when the list is drawn anew.
  let here = "";
  const rows = () => findAll(":is(tr, li):has([data-open])");
  const linkOf = (row) => row.querySelector("[data-open]");

  function drawn() {
    for (const box of boxes()) box.checked = marked.has(box.value);
    for (const row of rows()) row.classList.toggle("here", linkOf(row).id === here);
    tell();
  }

  let wasAll = false;
  document.addEventListener("htmx:beforeSwap", () => {
    wasAll = Boolean(all()?.checked);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    // Another search means other jobs: all of them are not meant any more.
    const cause = event.detail.requestConfig?.elt;
    if (all()) all().checked = wasAll && cause?.id === "list";
    drawn();
  });
  document.addEventListener("htmx:historyRestore", drawn);

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
      for (const row of list) row.classList.toggle("here", row === next);
    } else if (event.key === "x" && place >= 0) {
      const box = list[place].querySelector('input[name="job"], [data-mark]');
      // What cannot be taken back is only led to.
      if (box?.dataset.mark === "focus") box.focus();
      else box?.click();
    }
  });

  for (const box of boxes()) if (box.checked) marked.add(box.value);
  tell();
})();
