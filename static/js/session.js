// A live part that is answered by the login page belongs to a session that has ended. Nobody is sent away: a dialog says so.
"use strict";

(() => {
  const dialog = document.getElementById("session-ended");
  const banner = document.getElementById("session-over");
  if (!dialog) return;
  const links = document.querySelectorAll("[data-log-in]");
  const login = `${document.documentElement.dataset.home}login`;
  let typed = false;
  let told = false;

  document.addEventListener("input", (event) => {
    if (event.target.form?.method === "post") typed = true;
  });

  function tell() {
    if (told) return;
    told = true;
    const here = window.location.pathname + window.location.search;
    for (const link of links) {
      link.href = `${login}?next=${encodeURIComponent(here)}`;
      // What was typed stays on this page while another tab logs in.
      if (typed) link.target = "_blank";
    }
    dialog.querySelector("[data-typed]").hidden = !typed;
    dialog.showModal();
  }

  function forget() {
    told = false;
    banner.hidden = true;
    if (dialog.open) dialog.close();
  }

  dialog.addEventListener("close", () => {
    banner.hidden = !told;
  });
  for (const link of links) {
    link.addEventListener("click", () => {
      if (link.target) dialog.close();
    });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const url = event.detail.xhr.responseURL;
    if (url && new URL(url).pathname === login) {
      event.preventDefault();
      tell();
    } else if (told && event.detail.xhr.status < 400) {
      forget();
    }
  });

  // The login has given this browser another token; the forms of this page hold the one of before.
  document.addEventListener(
    "submit",
    (event) => {
      const token = /(?:^|; )belfry_csrf=([^;]+)/.exec(document.cookie)?.[1];
      const field = event.target.elements?.namedItem("csrfmiddlewaretoken");
      if (token && field && links[0].target) field.value = token;
    },
    true,
  );
})();
