// The output follows its end while the reader is there; who has scrolled up is left in peace.
"use strict";

const log = document.getElementById("log");
let follows = true;

function toEnd() {
  if (follows) log.scrollTop = log.scrollHeight;
}

log.addEventListener("scroll", () => {
  follows = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
});
log.addEventListener("htmx:afterSettle", toEnd);
toEnd();
