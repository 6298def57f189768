// Puts what was typed before a session ended back into its form.
"use strict";

(() => {
  const kept = JSON.parse(document.getElementById("kept-form").textContent);
  const sent = new Map();
  for (const [name, value] of kept.fields) sent.set(name, [...(sent.get(name) ?? []), value]);

  function controls(form, name) {
    return [...form.elements].filter((one) => one.name === name && !["submit", "button", "file"].includes(one.type));
  }

  function fitting(form) {
    return [...sent.keys()].filter((name) => controls(form, name).length > 0).length;
  }

  function fill(control, values, place) {
    if (control.type === "checkbox" || control.type === "radio") {
      control.checked = values.includes(control.value);
    } else if (control instanceof HTMLSelectElement && control.multiple) {
      for (const option of control.options) option.selected = values.includes(option.value);
    } else if (place < values.length) {
      control.value = values[place];
    }
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const action = new URL(kept.action, window.location.href).href;
  const forms = [...document.forms].filter((form) => form.method === "post" && form.action === action && !form.closest("noscript"));
  const form = forms.sort((one, other) => fitting(other) - fitting(one))[0];
  if (!form || fitting(form) === 0) return;
  const names = new Set([...form.elements].map((one) => one.name).filter((name) => name && name !== "csrfmiddlewaretoken" && name !== "next"));
  for (const name of names) {
    const values = sent.get(name) ?? [];
    controls(form, name).forEach((control, place) => {
      const choice = control.type === "checkbox" || control.type === "radio";
      if (values.length > 0 || choice) fill(control, values, place);
    });
  }
})();
