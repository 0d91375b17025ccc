/* Shows a button that prints this page: <button hidden data-print>. Without JavaScript the browser's own menu does it. */

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
