/* Fills the browser's time zone ("Europe/Amsterdam") into every hidden field marked data-zone. The server checks it.
   A button <button hidden data-zone-here="id of a select"> appears where the select says another zone, and chooses this one. */

const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

for (const field of document.querySelectorAll("input[data-zone]")) {
  field.value = zone;
}

for (const button of document.querySelectorAll("button[data-zone-here]")) {
  const select = document.getElementById(button.dataset.zoneHere);
  const isKnown = [...select.options].some((option) => option.value === zone);
  button.hidden = !isKnown || select.value === zone;
  button.addEventListener("click", () => {
    select.value = zone;
    button.hidden = true;
    select.focus();
  });
}
