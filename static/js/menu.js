// Menus are <details data-menu>: they work without this file, which closes them on Escape and on a click elsewhere.
(() => {
  const close = (menu) => menu.removeAttribute("open");

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) close(menu);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      const held = menu.contains(document.activeElement);
      close(menu);
      if (held) menu.querySelector("summary").focus();
    }
  });
})();
