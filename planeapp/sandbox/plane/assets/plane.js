// The item page: an editor in which @ opens a menu of people, and a thread that refreshes itself every second.
"use strict";

const editor = document.getElementById("comment-editor");
const menu = document.getElementById("mention-menu");
const form = document.getElementById("comment-form");
const comments = document.getElementById("comments");
const options = [...menu.querySelectorAll(".mention-option")];

editor.hidden = false;
document.getElementById("plain-comment").remove();

// --- the mention menu

function typedName() {
  const at = getSelection();
  if (!at.rangeCount || !editor.contains(at.anchorNode) || at.anchorNode.nodeType !== Node.TEXT_NODE) return null;
  const found = at.anchorNode.data.slice(0, at.anchorOffset).match(/(?:^|\s)@([\w-]*)$/);
  return found && { node: at.anchorNode, end: at.anchorOffset, name: found[1].toLowerCase() };
}

const offered = () => options.filter((option) => !option.hidden);

function select(option) {
  options.forEach((other) => other.setAttribute("aria-selected", String(other === option)));
}

function offer() {
  const typed = typedName();
  options.forEach((option) => { option.hidden = !typed || !option.dataset.name.toLowerCase().startsWith(typed.name); });
  menu.hidden = !offered().length;
  select(offered()[0]);
}

function insert(option) {
  const typed = typedName();
  if (!typed) return;
  const chip = document.createElement("span");
  Object.assign(chip, { className: "mention", contentEditable: "false", textContent: "@" + option.dataset.name });
  chip.dataset.user = option.dataset.id;
  const range = document.createRange();
  range.setStart(typed.node, typed.end - typed.name.length - 1);
  range.setEnd(typed.node, typed.end);
  range.deleteContents();
  const space = document.createTextNode("\u00a0");
  range.insertNode(space);
  range.insertNode(chip);
  getSelection().collapse(space, 1);
  menu.hidden = true;
}

editor.addEventListener("input", offer);
menu.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const option = event.target.closest(".mention-option");
  if (option) insert(option);
});
editor.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") return form.requestSubmit();
  if (menu.hidden) return;
  const shown = offered();
  const now = shown.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") select(shown[(now + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length]);
  else if (event.key === "Enter" || event.key === "Tab") insert(shown[Math.max(now, 0)]);
  else if (event.key === "Escape") menu.hidden = true;
  else return;
  event.preventDefault();
});
editor.addEventListener("paste", (event) => {
  event.preventDefault();
  document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
});

// --- sending: what was typed becomes Plane's comment HTML

function written(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const words = document.createElement("i");
    words.textContent = node.data.replace(/\u00a0/g, " ");
    return words.innerHTML;
  }
  if (node.dataset && node.dataset.user) {
    return `<mention-component id="${uuid()}" entity_identifier="${node.dataset.user}" entity_name="user_mention"></mention-component>`;
  }
  if (node.nodeName === "BR") return "\n";
  return (node.nodeName === "DIV" || node.nodeName === "P" ? "\n" : "") + [...node.childNodes].map(written).join("");
}

function uuid() {
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));
}

form.addEventListener("submit", (event) => {
  const lines = [...editor.childNodes].map(written).join("").split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.length) return event.preventDefault();
  form.elements.comment_html.value = lines.map((line) => `<p class="editor-paragraph-block">${line}</p>`).join("");
});

// --- replies and the thread

function replyTo(parent) {
  form.elements.parent.value = parent;
  form.querySelector(".reply-note").hidden = !parent;
  editor.focus();
}

comments.addEventListener("click", (event) => {
  const link = event.target.closest(".reply-link");
  if (!link) return;
  event.preventDefault();
  replyTo(link.dataset.parent);
});
form.querySelector(".no-reply").addEventListener("click", (event) => { event.preventDefault(); replyTo(""); });

let shownThread = null;
async function refresh() {
  if (comments.contains(document.activeElement)) return; // somebody is at a button or link in there
  try {
    const answer = await fetch(comments.dataset.refresh);
    const thread = answer.ok ? await answer.text() : shownThread;
    if (thread !== shownThread) comments.innerHTML = shownThread = thread;
  } catch (error) {
    console.info("The thread could not be refreshed; trying again.", error.message);
  }
}
setInterval(refresh, 1000);
