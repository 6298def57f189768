// Fields that the choice of a schedule hides are not sent. Without JavaScript they are sent and not looked at.
"use strict";

(() => {
  const when = document.getElementById("schedule");
  if (!when) return;
  const form = when.closest("form");

  function sendOnlyWhatIsShown() {
    for (const part of when.querySelectorAll(".for-cron, .for-interval, .for-once")) {
      const hidden = part.getClientRects().length === 0;
      for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = hidden;
    }
  }

  // Before htmx asks for the preview, which sends these fields too.
  when.addEventListener("change", sendOnlyWhatIsShown, true);
  window.addEventListener("pageshow", sendOnlyWhatIsShown);
  sendOnlyWhatIsShown();

  // A suggestion is taken on the page; without JavaScript its button sends the form.
  when.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=suggested]");
    const field = form.elements.expression;
    if (!button || !field) return;
    event.preventDefault();
    field.value = button.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });

  // A new job's times are meant in the reader's zone, unless the zone is chosen.
  const zone = form.elements.timezone;
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && "readersZone" in form.dataset && mine && zone.value === zone.defaultValue && zone.value !== mine) {
    const known = [...document.querySelectorAll("#timezones option")].some((one) => one.value === mine);
    if (known) {
      zone.value = mine;
      window.addEventListener("load", () => zone.dispatchEvent(new Event("change", { bubbles: true })));
    }
  }

  // A link of the error summary leads into a folded part.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".errors a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
})();
