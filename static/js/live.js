// The part of a page that refreshes itself ([data-live]) can be paused, and rests while nobody looks or somebody selects text.
(() => {
  const toggle = document.querySelector("[data-live-toggle]");
  if (!toggle) return;
  let paused = false;

  const region = () => document.querySelector("[data-live]");
  const selecting = () => {
    const selection = document.getSelection();
    return !selection.isCollapsed && region().contains(selection.anchorNode);
  };
  const say = () => {
    toggle.querySelector("[data-live-label]").textContent = paused ? "Resume live updates" : "Pause live updates";
  };

  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    paused = !paused;
    say();
  });

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-live]")) return;
    if (paused || document.hidden || selecting()) event.preventDefault();
  });

  // Signed out meanwhile, or the server is down: keep what is on the page.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.target.matches("[data-live]")) return;
    if (!event.detail.serverResponse.includes("data-live")) event.detail.shouldSwap = false;
  });
})();
