// Dragging blocks to another day or project, whole-day fields, and copying. Everything also works without it.
"use strict";

(() => {
  const notice = document.getElementById("notice");
  let dragged = null;

  function columnAt(week, x) {
    const box = week.getBoundingClientRect();
    return Math.min(6, Math.max(0, Math.floor(((x - box.left) / box.width) * 7)));
  }

  function dateAt(week, x) {
    return week.querySelectorAll("[data-date]")[columnAt(week, x)].dataset.date;
  }

  function daysBetween(from, to) {
    return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  }

  function tell(text) {
    notice.textContent = text;
    notice.hidden = false;
  }

  async function move(block, days, project) {
    const body = new URLSearchParams({ days });
    if (project) body.set("project_id", project);
    const answer = await fetch(`/blocks/${block.dataset.id}/move/`, { method: "POST", body });
    if (answer.ok) location.reload();
    else tell("The block could not be moved. Reload the page and try again.");
  }

  document.addEventListener("dragstart", (event) => {
    const block = event.target.closest?.(".block[data-id]");
    if (!block) return;
    dragged = { block, from: dateAt(block.closest("[data-drop]"), event.clientX) };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", block.dataset.id);
    block.classList.add("dragged");
    document.body.classList.add("dragging");
  });

  document.addEventListener("dragend", () => {
    dragged?.block.classList.remove("dragged");
    document.body.classList.remove("dragging");
    dragged = null;
  });

  for (const week of document.querySelectorAll("[data-drop]")) {
    const days = week.querySelectorAll("[data-date]");
    const mark = (x) => days.forEach((day, number) => day.classList.toggle("target", x !== null && number === columnAt(week, x)));
    week.addEventListener("dragover", (event) => {
      if (!dragged) return;
      event.preventDefault();
      mark(event.clientX);
    });
    week.addEventListener("dragleave", (event) => {
      if (!week.contains(event.relatedTarget)) mark(null);
    });
    week.addEventListener("drop", (event) => {
      if (!dragged) return;
      event.preventDefault();
      mark(null);
      const { block, from } = dragged;
      const shift = daysBetween(from, dateAt(week, event.clientX));
      const project = week.closest(".lane").dataset.project;
      if (shift || (project && project !== block.dataset.project)) {
        move(block, shift, project).catch(() => tell("Planner did not answer. Try again in a moment."));
      }
    });
  }

  const whole = document.querySelector("[data-whole-days]");
  whole?.addEventListener("change", () => {
    for (const input of document.querySelectorAll("[data-moment]")) {
      const day = input.value.slice(0, 10);
      const time = input.dataset.clock || input.dataset.moment;
      if (whole.checked) input.dataset.clock = input.value.slice(11) || time;
      input.value = "";
      input.type = whole.checked ? "date" : "datetime-local";
      if (day) input.value = whole.checked ? day : `${day}T${time}`;
    }
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      await navigator.clipboard?.writeText(field.value);
      button.textContent = "Copied";
    });
  }
})();
