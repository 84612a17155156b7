// Fetches [data-refresh] again every two seconds and swaps it when it has changed; selects [data-select] on focus.
"use strict";

const EVERY = 2000;

async function refresh(element) {
  const answer = await fetch(element.dataset.refresh, { headers: { Accept: "text/html" } });
  const text = answer.ok ? await answer.text() : null;
  if (text !== null && text !== element.dataset.last) {
    element.innerHTML = text;
    element.dataset.last = text;
  }
}

async function keepFresh(element) {
  try {
    if (!document.hidden) await refresh(element);
  } catch (problem) {
    console.warn("The sandbox does not answer; trying again.", problem);
  }
  setTimeout(keepFresh, EVERY, element);
}

for (const element of document.querySelectorAll("[data-refresh]")) setTimeout(keepFresh, EVERY, element);
for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());
