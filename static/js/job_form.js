// Fields that the choice of a schedule hides are not sent. Without JavaScript they are sent and not looked at.
"use strict";

(() => {
  const when = document.getElementById("schedule");
  if (!when) return;

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
})();
