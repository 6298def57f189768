// The area in which a script is written: line numbers, indenting, a file to fill it. Without JavaScript it is a plain textarea.
"use strict";

(() => {
  const INDENT = "    ";

  // Through the browser's own editing command, so that Ctrl+Z takes it back; that one is slow with long texts.
  function replace(area, start, end, text) {
    area.focus();
    area.setSelectionRange(start, end);
    const short = text.length + end - start < 20000;
    if (short && document.execCommand("insertText", false, text)) return;
    area.setRangeText(text, start, end, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function indent(area) {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const first = value.lastIndexOf("\n", start - 1) + 1;
    if (!value.slice(start, end).includes("\n")) {
      replace(area, start, end, INDENT.slice((start - first) % INDENT.length));
      return;
    }
    changeLines(area, (line) => (line ? INDENT + line : line));
  }

  function unindent(area) {
    changeLines(area, (line) => line.replace(/^(\t| {1,4})/, ""));
  }

  // All lines that the selection touches; it then spans them.
  function changeLines(area, change) {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const first = value.lastIndexOf("\n", start - 1) + 1;
    const touched = end > start && value[end - 1] === "\n" ? end - 1 : end;
    const next = value.indexOf("\n", touched);
    const last = next < 0 ? value.length : next;
    const before = value.slice(first, last);
    const after = before.split("\n").map(change).join("\n");
    if (after === before) return;
    replace(area, first, last, after);
    if (start === end) {
      const moved = Math.max(first, start + after.length - before.length);
      area.setSelectionRange(moved, moved);
    } else {
      area.setSelectionRange(first, first + after.length);
    }
  }

  function start(editor) {
    const area = editor.querySelector("textarea");
    const lines = editor.querySelector(".editor-lines");
    const ends = document.getElementById("id_line_ends");
    const most = Number(editor.dataset.most);
    const numbers = new Intl.NumberFormat(document.documentElement.lang);
    const filled = (text, size) => text.replace("{size}", numbers.format(size)).replace("{most}", numbers.format(most));
    let count = 0;
    let leaving = false;

    function number() {
      const now = area.value.split("\n").length;
      if (now === count) return;
      count = now;
      lines.textContent = Array.from({ length: now }, (_, index) => index + 1).join("\n");
    }

    function measure() {
      const breaks = ends && ends.value === "crlf" ? area.value.split("\n").length - 1 : 0;
      const size = new TextEncoder().encode(area.value).length + breaks;
      const shown = editor.querySelector("[data-size]");
      shown.textContent = filled(editor.dataset.bytes, size);
      shown.classList.toggle("error", size > most);
    }

    function say(problem) {
      const place = editor.querySelector("[data-problem]");
      place.hidden = !problem;
      place.textContent = problem ? filled(problem, 0) : "";
    }

    async function fill(file) {
      if (file.size > most) return say(editor.dataset.large);
      let text;
      try {
        text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
      } catch {
        return say(editor.dataset.binary);
      }
      if (text.includes("\0")) return say(editor.dataset.binary);
      say("");
      // The textarea has one kind of line ends; the form says which are meant.
      if (ends) ends.value = text.includes("\r\n") ? "crlf" : "lf";
      replace(area, 0, area.value.length, text.replace(/\r\n?/g, "\n"));
      area.setSelectionRange(0, 0);
      area.scrollTop = 0;
      changed();
    }

    function changed() {
      number();
      measure();
    }

    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        leaving = true;
        return;
      }
      const tab = event.key === "Tab" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
      if (tab && !leaving && !area.readOnly) {
        event.preventDefault();
        (event.shiftKey ? unindent : indent)(area);
      }
      if (event.key !== "Shift") leaving = false;
    });
    area.addEventListener("blur", () => { leaving = false; });
    area.addEventListener("input", changed);
    area.addEventListener("scroll", () => { lines.scrollTop = area.scrollTop; });
    if (ends) ends.addEventListener("change", measure);

    const chooser = editor.querySelector("[data-chooser]");
    const input = chooser.querySelector("input");
    input.addEventListener("change", () => {
      if (input.files[0]) fill(input.files[0]);
      input.value = "";
    });
    const isFile = (event) => Array.from(event.dataTransfer.types).includes("Files");
    for (const type of ["dragenter", "dragover"]) {
      area.addEventListener(type, (event) => {
        if (!isFile(event)) return;
        event.preventDefault();
        editor.classList.add("dropping");
      });
    }
    area.addEventListener("dragleave", () => editor.classList.remove("dropping"));
    area.addEventListener("drop", (event) => {
      editor.classList.remove("dropping");
      if (!isFile(event)) return;
      event.preventDefault();
      if (event.dataTransfer.files[0]) fill(event.dataTransfer.files[0]);
    });

    for (const hidden of [lines, chooser, editor.querySelector("[data-keys]")]) hidden.hidden = false;
    editor.classList.add("numbered");
    changed();
  }

  for (const editor of document.querySelectorAll("[data-editor]")) start(editor);
})();
